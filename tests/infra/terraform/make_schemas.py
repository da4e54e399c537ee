"""Writes schemas/{aws,google}.json: what the resources in deploy/terraform take and give.

The providers themselves come from a registry that machines without internet cannot reach. npm's @cdktf/provider-* is
made from the same schemas, so names, types and required or computed are read there; words and code are left behind.
Needed only when deploy/terraform uses a resource that it did not use before:

    python tests/infra/terraform/make_schemas.py

It is an approximation: a provider's own rules (allowed values, attributes that exclude each other) are not in it.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parents[2] / "deploy" / "terraform"
PACKAGES = {"aws": "@cdktf/provider-aws@21.22.1", "google": "@cdktf/provider-google@16.12.1"}

Block = dict[str, Any]

SIMPLE: dict[str, Any] = {
    "getStringAttribute": "string", "getNumberAttribute": "number", "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"], "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"], "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"], "cdktf.StringMap": ["map", "string"],
    "cdktf.StringMapList": ["list", ["map", "string"]],
}  # fmt: skip
ATTRIBUTE = re.compile(
    r"// (?P<name>\w+) - computed: (?P<computed>\w+), optional: (?P<optional>\w+), required: (?P<required>\w+)\n"
    r"(?P<body>.*?)(?=\n  // \w+ - computed: |\n  // =+\n|\n}\n)",
    re.DOTALL,
)
NESTED = re.compile(
    r"= new (?P<of>\w+?)(?P<how>OutputReference|List|Map)\(this, \"\w+\"(?:, (?P<is_set>true|false))?\)"
)
HCL = re.compile(
    r"\n +(\w+): \{\n +value: (?P<value>[^\n]+),\n +isBlock: (true|false),\n +type: \"(\w+)\",\n"
    r" +storageClassType: \"(\w+)\""
)
STORED = {"string": "string", "number": "number", "boolean": "bool"}
"""storageClassType, of which lists and maps are written `stringList`, `stringMap`."""


class Source:
    """The typed source of one resource, as the package's source map carries it."""

    def __init__(self, javascript: str) -> None:
        encoded = re.search(r"sourceMappingURL=data:application/json;base64,(\S+)", javascript)
        assert encoded is not None, "the package has no source map any more"
        self.text: str = json.loads(base64.b64decode(encoded[1]))["sourcesContent"][0]

    def version(self) -> str:
        found = re.search(r"providerVersion: '([\d.]+)'", self.text)
        assert found is not None
        return found[1]

    def resource(self) -> Block:
        found = re.search(r"export class (\w+) extends cdktf\.Terraform(?:Resource|DataSource) ", self.text)
        assert found is not None
        return self._block(self._class(found[1]), "synthesizeHclAttributes()")

    def provider(self) -> Block:
        """The provider's own settings: all of them can be left out, and nothing is answered."""
        return self._written(self.text[self.text.index("synthesizeHclAttributes()") :])

    def _written(self, writes: str) -> Block:
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for name, value, is_block, kind, stored in HCL.findall(writes[: writes.find("return Object.fromEntries")]):
            simple = re.fullmatch(r"(string|number|boolean)(List|Map)?", stored)
            if is_block == "true" and simple is None:
                writer = re.search(r"(\w+ToHclTerraform)", value.replace("cdktf.listMapperHcl", ""))
                assert writer is not None, value
                inner = self._written(self.text[self.text.index(f"export function {writer[1]}(") :])
                blocks[name] = {"nesting": "single" if kind == "struct" else kind, **inner}
            else:
                assert simple is not None, stored
                inner_type = STORED[simple[1]]
                attributes[name] = [[kind, inner_type] if simple[2] else inner_type, "optional"]
        return {"attributes": attributes, **({"blocks": blocks} if blocks else {})}

    def _class(self, name: str) -> str:
        found = re.search(rf"export class {name} extends .*?\n}}\n", self.text, re.DOTALL)
        assert found is not None, name
        return found[0]

    def _block(self, text: str, writer: str) -> Block:
        start = text.find(writer) if writer.startswith("synthesize") else self.text.find(f"export function {writer}(")
        writes = (text if writer.startswith("synthesize") else self.text)[start:]
        ends = writes.find("return Object.fromEntries")
        shapes = {name: (is_block == "true", kind) for name, _, is_block, kind, _ in HCL.findall(writes[:ends])}
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for found in ATTRIBUTE.finditer(text):
            is_block, kind = shapes.get(found["name"], (False, ""))
            nested = NESTED.search(found["body"])
            if nested and is_block and found["computed"] == "false":
                blocks[found["name"]] = self._nested(nested, kind, found["required"] == "true")
            else:  # a block that a cloud may fill in as well is an attribute that may be written like a block
                attributes[found["name"]] = [self._type(found["body"], nested), mode(found)]
        return {"attributes": attributes, **({"blocks": blocks} if blocks else {})}

    def _inner(self, of: str) -> Block:
        return self._block(self._class(f"{of}OutputReference"), f"{of[0].lower()}{of[1:]}ToHclTerraform")

    def _nested(self, nested: re.Match[str], kind: str, required: bool) -> Block:
        nesting = {"struct": "single", "list": "list", "set": "set", "map": "map"}[kind]
        told: Block = {"nesting": nesting, **self._inner(nested["of"])}
        if nesting in ("list", "set"):
            told |= {"min": int(required), "max": 1 if nested["how"] == "OutputReference" else 0}
        return told

    def _type(self, body: str, nested: re.Match[str] | None) -> Any:
        if nested is not None:
            inner = self._inner(nested["of"])
            fields = {name: told[0] for name, told in inner["attributes"].items()}
            fields |= {name: ["list", self._fields(told)] for name, told in inner.get("blocks", {}).items()}
            return ["set" if nested["is_set"] == "true" else "list", ["object", fields]]
        found = re.search(r"(cdktf\.StringMapList|cdktf\.StringMap|get\w+Attribute)\(", body)
        if found is None:
            assert "interpolationForAttribute" in body or "AnyMap" in body or "cdktf." in body, body[:300]
            return "dynamic"
        told = SIMPLE[found[1]]
        return ["set", told[1]] if "Fn.tolist(" in body else told

    def _fields(self, inner: Block) -> Any:
        fields = {name: told[0] for name, told in inner["attributes"].items()}
        return [
            "object",
            fields | {name: ["list", self._fields(told)] for name, told in inner.get("blocks", {}).items()},
        ]


def mode(found: re.Match[str]) -> str:
    return " ".join(word for word in ("required", "optional", "computed") if found[word] == "true")


def used(prefix: str) -> tuple[list[str], list[str]]:
    """Types of resources and of data sources that deploy/terraform names."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DEPLOY.rglob("*.tf")))
    resources = set(re.findall(rf'^resource "({prefix}_\w+)"', text, re.MULTILINE))
    return sorted(resources), sorted(set(re.findall(rf'^data "({prefix}_\w+)"', text, re.MULTILINE)))


def write(prefix: str, archive: Path) -> None:
    resources, sources = used(prefix)
    with tarfile.open(archive) as package:

        def read(folder: str) -> Source:
            file = package.extractfile(f"package/lib/{folder}/index.js")
            assert file is not None
            return Source(file.read().decode())

        version = read(folder_of(resources[0])).version()
        told = {
            "provider": f"registry.terraform.io/hashicorp/{prefix}",
            "version": version,
            "config": read("provider").provider(),
            "resources": {name: read(folder_of(name)).resource() for name in resources},
            "data_sources": {name: read(f"data-{name.replace('_', '-')}").resource() for name in sources},
        }
    path = HERE / "schemas" / f"{prefix}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(in_lines(told), encoding="utf-8")
    sys.stderr.write(f"{path.name}: {len(resources)} resources, {len(sources)} data sources of {version}\n")


def folder_of(name: str) -> str:
    return name.partition("_")[2].replace("_", "-")


def in_lines(told: dict[str, Any]) -> str:
    """One resource a line, so that a change of one shows as one."""
    parts = []
    for key, value in told.items():
        if key in ("resources", "data_sources"):
            rows = ",\n".join(
                f"  {json.dumps(name)}: {json.dumps(row, separators=(',', ':'))}" for name, row in value.items()
            )
            parts.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for prefix, package in PACKAGES.items():
            packed = subprocess.run(
                ["npm", "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=True
            )
            write(prefix, Path(folder) / packed.stdout.split()[-1])


if __name__ == "__main__":
    main()
