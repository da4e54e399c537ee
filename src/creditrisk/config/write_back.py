"""One value of a book's YAML changed as a person would: comments, order and everything else stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from creditrisk.errors import BadConfig

type Edit = tuple[int, int, str]
"""(start, end, text that stands there afterwards)."""


def with_values(text: str, path: Sequence[str], values: Mapping[str, int | float | str]) -> str:
    """The text with each of `values` set in the mapping at `path`, which is made where it does not stand yet.

    Raises BadConfig when the text cannot be edited so that it says exactly this.
    """
    for name, value in values.items():
        text = _with_value(text, [*path, name], value)
    return text


def _with_value(text: str, path: Sequence[str], value: int | float | str) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise BadConfig("not a mapping", hint="paste the parameters by hand")
    node: yaml.MappingNode = root
    for depth, name in enumerate(path):
        found = _child(node, name)
        if found is None:
            return _checked(text, _apply(text, _insert(text, node, path[depth:], value)), path, value)
        if depth == len(path) - 1:
            edit = (found.start_mark.index, _end(text, found), _spelt(value))
            return _checked(text, _apply(text, edit), path, value)
        if isinstance(found, yaml.ScalarNode) and not found.value:  # `parameters:` and nothing after it
            lines = _lines(path[depth + 1 :], value, _indent(node) + 2)
            place = found.end_mark.index
            return _checked(text, _apply(text, (place, place, "\n" + lines.rstrip("\n"))), path, value)
        if not isinstance(found, yaml.MappingNode):
            break
        node = found
    raise BadConfig(f"{'.'.join(path)} cannot be set here", hint="paste the parameters by hand")


def _child(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


def _insert(text: str, node: yaml.MappingNode, path: Sequence[str], value: int | float | str) -> Edit:
    """The rest of the path after the last entry of a mapping."""
    if node.flow_style:
        close = node.end_mark.index - 1
        entry = _flow(path, value)
        place = close
        while text[place - 1] in " \n":
            place -= 1
        return (place, place, f", {entry}" if node.value else entry)
    last = node.value[-1][1]
    place = _end_of_line(text, _end(text, last))
    newline = "" if text[:place].endswith("\n") or not text else "\n"
    return (place, place, newline + _lines(path, value, _indent(node)))


def _indent(node: yaml.MappingNode) -> int:
    return node.value[0][0].start_mark.column if node.value else node.start_mark.column


def _lines(path: Sequence[str], value: int | float | str, indent: int) -> str:
    parents = "".join(f"{' ' * (indent + 2 * depth)}{name}:\n" for depth, name in enumerate(path[:-1]))
    return f"{parents}{' ' * (indent + 2 * (len(path) - 1))}{path[-1]}: {_spelt(value)}\n"


def _flow(path: Sequence[str], value: int | float | str) -> str:
    return f"{path[0]}: " + ("{" + _flow(path[1:], value) + "}" if len(path) > 1 else _spelt(value))


def _end(text: str, node: yaml.Node) -> int:
    """Where a node's own text ends; a block's end mark lies at the next token, comments and blank lines later."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = node.end_mark.index
    while end > node.start_mark.index and text[end - 1] in " \n":
        end -= 1
    return end


def _end_of_line(text: str, place: int) -> int:
    """After the line break, so that a comment behind the value stays with it."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _apply(text: str, edit: Edit) -> str:
    start, end, new = edit
    return text[:start] + new + text[end:]


def _spelt(value: int | float | str) -> str:
    return yaml.safe_dump(value, default_flow_style=True).partition("\n")[0]


def _checked(before: str, after: str, path: Sequence[str], value: int | float | str) -> str:
    """The edited text, if it says what the old one said and the new value, and nothing else."""
    wanted = place = _unshared(yaml.safe_load(before))
    for name in path[:-1]:
        if place.get(name) is None:
            place[name] = {}
        place = place[name]
    place[path[-1]] = value
    try:
        same = yaml.safe_load(after) == wanted
    except yaml.YAMLError:
        same = False
    if not same:
        raise BadConfig(f"{'.'.join(path)} cannot be set in this spelling", hint="paste the parameters by hand")
    return after


def _unshared(value: Any) -> Any:
    """The same without aliases: what stands in two places is two things."""
    if isinstance(value, dict):
        return {name: _unshared(inner) for name, inner in value.items()}
    return [_unshared(inner) for inner in value] if isinstance(value, list) else value
