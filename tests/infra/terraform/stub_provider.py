"""A Terraform provider that knows a schema and no cloud: `stub_provider.py SCHEMA.json`, started by Terraform itself.

Serves the schema of schemas/*.json, so that `validate`, `plan` and `test` refuse unknown, missing and mistyped
arguments. What only the cloud can know is unknown in a plan, and invented when applied; nothing is sent anywhere.
"""

# ruff: noqa: ARG002 - the library calls with arguments that a stub has no use for
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2 as wire
from tf.iface import Provider
from tf.runner import run_provider
from tf.schema import Attribute, Block, NestedBlock, NestMode, Schema
from tf.types import TfType, Unknown

ACCOUNT = "123456789012"


class Verbatim(TfType):
    """Any type of Terraform's, as its JSON says; values stay as they came."""

    def __init__(self, type_: Any) -> None:
        self.type = type_

    def encode(self, value: Any) -> Any:
        return value

    def decode(self, value: Any) -> Any:
        return value

    def tf_type(self) -> bytes:
        return json.dumps(self.type).encode()


class VerbatimBlock(NestedBlock):
    """A nested block of any nesting; the library knows sets alone."""

    def __init__(self, name: str, told: dict[str, Any]) -> None:
        super().__init__(
            name, NestMode.Set, Block(attributes_of(told), blocks_of(told)), told.get("min"), told.get("max")
        )
        self.nesting = told["nesting"]

    def to_pb(self) -> Any:
        block = super().to_pb()
        block.nesting = wire.Schema.NestedBlock.NestingMode.Value(self.nesting.upper())
        return block

    def encode(self, value: Any) -> Any:
        return value

    def decode(self, value: Any) -> Any:
        return value

    def semantically_equal(self, a_decoded: Any, b_decoded: Any) -> bool:
        return bool(a_decoded == b_decoded)


def attributes_of(told: dict[str, Any]) -> list[Attribute]:
    return [
        Attribute(name, Verbatim(type_), **dict.fromkeys(mode.split(), True))
        for name, (type_, mode) in told["attributes"].items()
    ]


def blocks_of(told: dict[str, Any]) -> list[NestedBlock]:
    return [VerbatimBlock(name, block) for name, block in told.get("blocks", {}).items()]


def schema_of(told: dict[str, Any]) -> Schema:
    return Schema(version=0, attributes=attributes_of(told), block_types=blocks_of(told))


def invented(name: str, type_: Any, hint: str) -> Any:
    """A value of that type for what a cloud would have answered."""
    if name == "account_id":
        return ACCOUNT
    if type_ == "string":
        return f"arn:aws:stub:eu-central-1:{ACCOUNT}:{hint}" if name.endswith("arn") else f"{hint}-{name}"
    if isinstance(type_, list):
        if type_[0] == "object":
            return {key: invented(key, inner, hint) for key, inner in type_[1].items()}
        return {} if type_[0] == "map" else [invented(name, type_[1], hint)]
    return False if type_ == "bool" else 1


def kind(full_name: str, told: dict[str, Any]) -> type:
    """The class of one resource or data source, as the library wants it."""
    name = full_name.partition("_")[2]

    def filled(state: dict[str, Any]) -> dict[str, Any]:
        """With every attribute that only a cloud knows; `state` has None or the library's Unknown there."""
        hint = next(
            (str(state[key]) for key in ("name", "family", "bucket", "service") if is_text(state.get(key))), name
        )
        answers = {
            key: invented(key, type_, hint.replace("/", "-"))
            for key, (type_, mode) in told["attributes"].items()
            if "computed" in mode and state.get(key) in (None, Unknown)
        }
        return {**{key: [] for key in told.get("blocks", {})}, **state, **answers}

    class Kind:
        def __init__(self, provider: Provider) -> None:
            self.provider = provider

        @classmethod
        def get_name(cls) -> str:
            return name

        @classmethod
        def get_schema(cls) -> Schema:
            return schema_of(told)

        def validate(self, diags: Any, type_name: str, config: Any) -> None:
            pass  # Terraform itself has compared it with the schema

        def plan(self, ctx: Any, current: Any, planned: Any) -> Any:
            return planned

        def create(self, ctx: Any, planned: dict[str, Any]) -> dict[str, Any]:
            return filled(planned)

        def update(self, ctx: Any, current: Any, planned: dict[str, Any]) -> dict[str, Any]:
            return filled(planned)

        def delete(self, ctx: Any, current: Any) -> None:
            return None

        def upgrade(self, ctx: Any, version: int, old: Any) -> Any:
            return old

    def read(self: Any, ctx: Any, state: dict[str, Any]) -> dict[str, Any]:
        return filled(state) if full_name in DATA_SOURCES else state

    return type(f"Kind_{name}", (Kind,), {"read": read})


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


TOLD = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
DATA_SOURCES = set(TOLD["data_sources"])
RESOURCES = [kind(name, told) for name, told in TOLD["resources"].items()]
SOURCES = [kind(name, told) for name, told in TOLD["data_sources"].items()]


class Stub(Provider):
    def get_model_prefix(self) -> str:
        return TOLD["provider"].rpartition("/")[2] + "_"

    def full_name(self) -> str:
        return str(TOLD["provider"])

    def get_provider_schema(self, diags: Any) -> Schema:
        return schema_of(TOLD["config"])

    def validate_config(self, diags: Any, config: Any) -> None:
        pass

    def configure_provider(self, diags: Any, config: Any) -> None:
        pass

    def get_data_sources(self) -> list[Any]:
        return SOURCES

    def get_resources(self) -> list[Any]:
        return RESOURCES

    def get_functions(self) -> list[Any]:
        return []

    def new_resource(self, klass: Any) -> Any:
        return klass(self)

    def new_data_source(self, klass: Any) -> Any:
        return klass(self)

    def new_function(self, klass: Any) -> Any:
        return klass(self)


run_provider(Stub(), sys.argv[2:] or [sys.argv[0]])
