"""Strict YAML: every mistake is told with its file, line and the name that was probably meant."""

from __future__ import annotations

import contextlib
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from creditrisk.config.source import HoldsCredentialError
from creditrisk.errors import BadConfig, did_you_mean

type _Place = tuple[str | int, ...]


def read_yaml[M: BaseModel](path: Path, model: type[M], overrides: Mapping[str, Any] | None = None) -> M:
    """A YAML file as a frozen `model`.

    overrides: {"dotted.key": value} from the command line, put over the file's values.
    Raises BadConfig with file and line for broken YAML, unknown or doubled keys, and wrong types.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"cannot be read: {error}", where=str(path)) from error
    value, lines = _parse(text, path)
    for dotted, override in (overrides or {}).items():
        keys = dotted.split(".")
        _put(value, keys, override)
        for length in range(1, len(keys) + 1):
            lines.setdefault(tuple(keys[:length]), 1)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        told = _explained(error, model, path, lines)
        told.where = _command_line(error, overrides or {}) or told.where
        raise told from error


def _parse(text: str, path: Path) -> tuple[Any, dict[_Place, int]]:
    try:
        root = _composed(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise BadConfig(str(problem), where=f"{path}{line}", hint="check indentation, colons and quotes") from error
    lines: dict[_Place, int] = {}
    if root is None:
        return {}, lines
    return _build(root, (), lines, path), lines


def _composed(text: str) -> yaml.Node | None:
    """By libyaml where it is there, eight times faster; what it refuses is told in the words of the Python one."""
    if yaml.__with_libyaml__:
        with contextlib.suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=yaml.CSafeLoader)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _build(node: yaml.Node, place: _Place, lines: dict[_Place, int], path: Path) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            # As it is written: YAML would read `null`, `no` and 365243 as something else than words.
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                raise BadConfig("a key must be a plain word", where=f"{path}, line {key_node.start_mark.line + 1}")
            if key in mapping:
                raise BadConfig(
                    f'the key "{key}" stands twice',
                    where=f"{path}, line {key_node.start_mark.line + 1}",
                    hint=f"the first one is on line {lines[(*place, str(key))]}; keep one",
                )
            mapping[key] = _build(value_node, (*place, str(key)), lines, path)
            lines[(*place, str(key))] = key_node.start_mark.line + 1
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*place, index), lines, path) for index, item in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node, deep=True)


def _put(value: Any, keys: Sequence[str], override: Any) -> None:
    for place, key in enumerate(keys):
        if not isinstance(value, dict):
            raise BadConfig(
                f'"{".".join(keys[:place])}" has no keys inside it',
                where=f"--set {'.'.join(keys)}",
                hint="docs/reference/portfolio.md lists every key",
            )
        if place == len(keys) - 1:
            value[key] = override
        else:
            value = value.setdefault(key, {})


def _command_line(error: ValidationError, overrides: Mapping[str, Any]) -> str:
    """Where a wrong value stands when it came with --set; "" when it stands in the file."""
    loc = ".".join(map(str, error.errors(include_url=False)[0]["loc"])) + "."
    return next((f"--set {key}" for key in overrides if loc.startswith(f"{key}.") or f"{key}.".startswith(loc)), "")


def _explained(error: ValidationError, model: type[BaseModel], path: Path, lines: dict[_Place, int]) -> BadConfig:
    first = error.errors(include_url=False)[0]
    loc = _as_written(tuple(part if isinstance(part, int) else str(part) for part in first["loc"]), lines)
    line = _nearest_line(loc, lines)
    dotted = ".".join(str(part) for part in loc) or "the file"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        what = f'unknown key "{loc[-1]}" in {".".join(map(str, loc[:-1])) or "the file"}{more}'
        hint = did_you_mean(str(loc[-1]), _known_keys(model, first["loc"][:-1]))
    elif first["type"] == "missing":
        what = f'the key "{loc[-1]}" is missing in {".".join(map(str, loc[:-1])) or "the file"}{more}'
        hint = "add it; docs/reference/portfolio.md lists every key"
    elif first["type"] == "union_tag_invalid":
        kinds = re.findall(r"'([^']+)'", first["ctx"]["expected_tags"])
        what = f'{dotted}: no {first["ctx"]["discriminator"].strip("'")} "{first["ctx"]["tag"]}"{more}'
        hint = did_you_mean(first["ctx"]["tag"], kinds)
    elif first["type"] == "union_tag_not_found":
        what = f"{dotted}: the key {first['ctx']['discriminator'].strip("'")} is missing{more}"
        hint = "docs/reference/portfolio.md lists every kind"
    elif isinstance(wrong := first.get("ctx", {}).get("error"), HoldsCredentialError):
        what = f"{dotted}: {wrong}{more}"
        hint = "take it out, and give it through the environment or the provider's own chain: docs/sources.md"
    else:
        what = f"{dotted}: {first['msg']}, got {_without_secret(first.get('input'))}{more}"
        hint = "docs/reference/portfolio.md lists every key and its type"
    return BadConfig(what, where=f"{path}, line {line}", hint=hint)


def _without_secret(value: Any) -> str:
    """A wrong value, shortened; what could be a credential is not repeated.

    >>> _without_secret("three"), _without_secret("s3cr3tT0kenOf24Characters"), _without_secret({"url": "ftp://a:b@c"})
    ("'three'", 'a value that is not repeated here', 'a value that is not repeated here')
    """
    shown = repr(value)
    return "a value that is not repeated here" if _SECRET.search(shown) else shown[:80]


_SECRET = re.compile(
    r"://[^/\s]*@|bearer |basic |password|passwd|secret|token|signature|credential|api.?key|-----begin"
    r"|(?-i:(?=[\w+/=.-]*\d)(?=[\w+/=.-]*[a-z])(?=[\w+/=.-]*[A-Z])[\w+/=.-]{20,})",
    re.IGNORECASE,
)


def _as_written(loc: _Place, lines: dict[_Place, int]) -> _Place:
    """The place without the tags that pydantic puts in for the chosen one of several models."""
    kept: _Place = ()
    for place, part in enumerate(loc):
        tag = kept in lines and (*kept, part) not in lines and place < len(loc) - 1
        kept = kept if tag else (*kept, part)
    return kept


def _nearest_line(loc: _Place, lines: dict[_Place, int]) -> int:
    while loc and loc not in lines:
        loc = loc[:-1]
    return lines.get(loc, 1)


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that the model at `loc` knows; [] where the place cannot be followed.

    loc: as pydantic tells it, with the tag of the chosen one where there are several models.
    """
    here: Any = model
    for part in loc:
        models = [kind for kind in _flatten(here) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        tagged = [kind for kind in models if part in _tags(kind)]
        if len(models) > 1 and tagged:
            here = tagged[0]
            continue
        fields = {name: field.annotation for kind in models for name, field in kind.model_fields.items()}
        if isinstance(part, str) and part in fields:
            here = fields[part]
        else:  # an element of a list or a value of a mapping
            inner = [arg for kind in _flatten(here) for arg in typing.get_args(kind) if arg not in (str, ...)]
            if not inner:
                return []
            here = inner[-1]
    models = [kind for kind in _flatten(here) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return [name for kind in models for name in kind.model_fields]


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    """The kinds that a model stands for."""
    kind = model.model_fields.get("kind")
    return typing.get_args(kind.annotation) if kind is not None else ()


def _flatten(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [kind for arg in typing.get_args(annotation) for kind in _flatten(arg)]
    if typing.get_origin(annotation) is typing.Annotated:
        return _flatten(typing.get_args(annotation)[0])
    return [annotation]
