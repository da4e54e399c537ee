"""Writes docs/reference from the code, so that no page says otherwise: `make docs`.

portfolio, contract, reasons and settings come from the typed configuration and the strings under its fields; errors
from the error family; cli from the command tree's own help; reports from the JSON Schemas in docs/schemas; figures from
what the server and `creditrisk metrics` tell, and the alert rules.
"""

from __future__ import annotations

import ast
import datetime as dt
import enum
import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from creditrisk import cli, errors
from creditrisk.config import (
    FROM_FILES,
    Contract,
    DecisionStoreSettings,
    DeploySettings,
    Portfolio,
    Reasons,
    ServingSettings,
    Settings,
    SinkSettings,
)
from creditrisk.monitoring import MEANINGS
from creditrisk.scoring import score_schema
from creditrisk.serving.metrics import Metrics
from scripts.alert_rules import GROUPS

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
SCHEMAS = ROOT / "docs" / "schemas"
MADE = "<!-- Written by `make docs` from the code; change the code, not this page. -->"

PLAIN = {
    str: "text",
    Path: "path",
    SecretStr: "secret text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    dt.date: "date",
    Any: "anything",
}

SCORED = {
    "pd": ("number", "Probability that the loan turns bad, as the book defines it; above 0, below 1."),
    "score": ("whole number", "Points; more is safer, and more PD never means more points."),
    "grade": ("text", "Of the book's grades, by PD."),
    "decision": ("text", "`approve`, `refer` or `decline`, by the bundle's cut-off."),
    "reasons": (
        "list",
        "For `refer` and `decline`: code, text, feature, contribution (log-odds) and pd_without (the PD with approved "
        "people's facts in this one's place; empty where nobody tried), largest fall first; docs/reasons.md.",
    ),
    "warnings": ("list of text", "What of the application the model could not read as it should."),
    "counterfactual": (
        "struct",
        "Only with `--counterfactuals`: the nearest change of changeable facts that gives a better decision "
        "(`changes`, `decision`, `pd`), or that none does (`says`); empty for an approval.",
    ),
}
"""Column of a scored row: (type, meaning)."""


def pages() -> dict[Path, str]:
    """Every page of the reference as it should be now."""
    texts = {
        "portfolio.md": model_page(Portfolio, "portfolio.yaml", "What a book's `portfolio.yaml` may say."),
        "contract.md": model_page(Contract, "`contracts/<table>.yaml`", "What a table promises, and when it arises."),
        "reasons.md": model_page(Reasons, "reasons.yaml", "Every feature in words an applicant understands."),
        "settings.md": settings_page(),
        "errors.md": errors_page(),
        "cli.md": cli_page(),
        "reports.md": reports_page(),
        "figures.md": figures_page(),
    }
    return {FOLDER / name: text for name, text in texts.items()}


def model_page(root: type[BaseModel], title: str, first: str) -> str:
    """One table of keys for the root model and for each model inside it."""
    parts = [f"# {title}", MADE, first, "Unknown keys are refused, with the line and the name that was probably meant."]
    for model in _models(root):
        parts.append(f"## {model.__name__}")
        if model.__doc__ and "__doc__" in vars(model):
            parts.append(_one_line(inspect.cleandoc(model.__doc__)))
        parts.append(_table(("key", "type", "default", "meaning"), _field_rows(model)))
    return _page(parts)


def settings_page() -> str:
    parts = [
        "# Settings from the environment",
        MADE,
        "Read once, when a command starts. What decides about people stands in a book, never here. A variable that "
        "begins with `CREDITRISK_SERVE_` or `CREDITRISK_DEPLOY_` and stands nowhere below is refused.",
        _settings_table(Settings),
        "## Of a server",
        "Read by `creditrisk serve` beside those above.",
        _settings_table(ServingSettings),
        "## Of the decision store",
        "Read by whatever records or reads decisions; docs/decision-store.md. A secret is never shown.",
        _settings_table(DecisionStoreSettings),
        "## Of a deployment",
        "Read by `creditrisk deploy`; docs/deploy.md. AWS' own (`AWS_REGION`, `AWS_PROFILE`, ...) are read by boto3.",
        _settings_table(DeploySettings),
        "## Of figures and messages",
        "Read by `creditrisk metrics`; docs/notifications.md. `creditrisk notify` reads the address of each channel of "
        "the book from `CREDITRISK_NOTIFY_<CHANNEL>`, or from the file that `CREDITRISK_NOTIFY_<CHANNEL>_FILE` names.",
        _settings_table(SinkSettings),
        "## Secrets in files",
        "Where the variable is not set, the same name with `_FILE` may name a file that holds its value, as an engine "
        f"of containers lays secrets down: {', '.join(f'`{name}_FILE`' for name in FROM_FILES)}.",
    ]
    return _page(parts)


def _settings_table(settings: type[BaseSettings]) -> str:
    prefix = settings.model_config.get("env_prefix", "")
    said = field_docstrings(settings)
    rows = []
    for name, field in settings.model_fields.items():
        variable = str(field.validation_alias or f"{prefix}{name}".upper())
        rows.append((f"`{variable}`", type_in_words(field), _default(field), said.get(name, "")))
    return _table(("variable", "type", "default", "meaning"), rows)


def figures_page() -> str:
    served = sorted(Metrics().registry.collect(), key=lambda family: str(family.name))
    parts = [
        "# Figures and alert rules",
        MADE,
        "Each with the label `book`; docs/dashboards.md says how they are read.",
        "## Of a server",
        "By `/metrics`; a counter ends in `_total`, a histogram in `_bucket`, `_sum` and `_count`.",
        _table(
            ("figure", "kind", "meaning"),
            [(f"`{family.name}`", family.type, f"{family.documentation}.") for family in served],
        ),
        "## Of monitoring",
        "By `creditrisk metrics`. What a report does not know gives no figure.",
        _table(("figure", "meaning"), [(f"`creditrisk_{name}`", f"{says}.") for name, says in MEANINGS.items()]),
        "## Alert rules",
        "Of `deploy/prometheus/alerts.yml`.",
        _table(
            ("alert", "when", "for", "severity", "look at"),
            [
                (f"`{rule.name}`", f"`{rule.expr}`", rule.lasts, _of_the_series(rule.severity), rule.look_at)
                for rules in GROUPS.values()
                for rule in rules
            ],
        ),
    ]
    return _page(parts)


def _of_the_series(severity: str) -> str:
    return "of the alarm" if severity.startswith("{{") else severity


def errors_page() -> str:
    family = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.CreditRiskError)
    ]
    family.sort(key=lambda kind: (len(kind.__mro__), kind.__name__))
    rows = [
        (
            f"`{kind.__name__}`",
            f"`{kind.__base__.__name__ if kind.__base__ else ''}`",
            str(int(kind.exit_code)),
            "yes" if kind.retry_may_help else "no",
            _one_line(inspect.cleandoc(kind.__doc__ or "")),
        )
        for kind in family
    ]
    codes = {
        errors.ExitCode.DONE: "done",
        errors.ExitCode.REFUSED: "refused: by a contract, a gate, an approval",
        errors.ExitCode.BAD_USAGE: "bad usage: the command, a book or a path is wrong",
        errors.ExitCode.OUTSIDE_FAILED: "an outside system failed; the same call may work later",
    }
    parts = [
        "# Errors and exit codes",
        MADE,
        "Every error says what is wrong, where, and what to do next. `--debug` shows the traceback as well.",
        "## Exit codes",
        _table(("code", "meaning"), [(str(int(code)), codes[code]) for code in errors.ExitCode]),
        "## The error family",
        _table(("error", "is a", "exit code", "may a retry help", "meaning"), rows),
    ]
    return _page(parts)


def cli_page() -> str:
    root = typer.main.get_command(cli.app)
    parts = ["# The command line", MADE, "Wherever a command takes BOOK, it takes a shipped book's name or a folder."]
    for path, command in _commands(root, ("creditrisk",)):
        parts += [f"## {' '.join(path)}", f"```text\n{_help(path, command)}\n```"]
    return _page(parts)


def reports_page() -> str:
    parts = [
        "# Reports",
        MADE,
        "Every report is JSON with sorted keys. `meta` holds what differs from run to run and is left out of hashes.",
    ]
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        name = path.name.removesuffix(".schema.json")
        needed = set(schema.get("required", ()))
        rows = [
            (f"`{key}`", _schema_type(inner), "yes" if key in needed else "no", _one_line(inner.get("description", "")))
            for key, inner in schema.get("properties", {}).items()
        ]
        parts += [f"## {name}.json", _one_line(schema.get("description", ""))]
        parts += [_table(("key", "type", "always there", "meaning"), rows), f"[JSON Schema](../schemas/{path.name})"]
    return _page([part for part in [*parts, *_other_outputs()] if part])


def _other_outputs() -> list[str]:
    """What is no JSON report: the page, and the columns of scored rows as the code makes them."""
    decisions = score_schema("<entity key>", pa.null())
    rows = [(f"`{field.name}`", "as in the book", "The application.") if pa.types.is_null(field.type)
            else (f"`{field.name}`", SCORED[field.name][0], SCORED[field.name][1]) for field in decisions]  # fmt: skip
    return [
        "## run_summary.html",
        "One page that needs no network: figures, plots, grades, findings, lineage and the next commands, from the "
        "reports that are there. It says so where the data are invented.",
        "## contract_findings.html",
        "What contract_findings.json says, for people: per table what was promised, what was found, which checks were "
        "off, and what moved since the last accepted ingestion. The same findings give the same bytes.",
        "## model_document.html",
        "Everything a validator asks of a model, on one page that prints well, from the reports that may be believed; "
        "docs/model-document.md. The same reports give the same bytes.",
        "## Decisions",
        "What `creditrisk score` writes, one row an application, sorted by key. CSV holds `reasons` and `warnings` as "
        "JSON in their cells; `.json` holds one object a line. With `--record` a last column is `decision_id`: what "
        "the decision store keeps each under.",
        _table(("column", "type", "meaning"), rows),
        "## test_predictions.parquet",
        "The same columns for the rows of the test part, and `target` (1 bad, 0 good). A batch over the same raw rows "
        "gives the same bits, except that its reasons are proved and these are candidates.",
    ]


def type_in_words(field: FieldInfo) -> str:
    return _words(field.annotation, field.metadata)


def _words(kind: Any, metadata: Iterable[Any] = ()) -> str:
    """A type as a person would say it: "list of text", "number, at least `0`"."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _words(args[0], [limit for inner in args[1:] for limit in getattr(inner, "metadata", [inner])])
    if origin in (typing.Union, types.UnionType):
        told = " or ".join(_words(arg, metadata) for arg in args if arg is not type(None))
        return f"{told}, or empty" if type(None) in args else told
    if origin is not None:
        return _container(origin, args)
    return _named(kind) or PLAIN.get(kind, str(kind)) + _limits(metadata)


def _container(origin: Any, args: Sequence[Any]) -> str:
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in args)
    if origin is dict:
        return f"map of {_words(args[0])} to {_words(args[1])}"
    return f"list of {_words(args[0])}"


def _named(kind: Any) -> str | None:
    if not isinstance(kind, type):
        return None
    if issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if issubclass(kind, enum.Enum):
        return "one of " + ", ".join(f"`{value.value}`" for value in kind)
    return None


def _limits(metadata: Iterable[Any]) -> str:
    """Bounds and patterns, from the annotated-types objects that pydantic keeps."""
    told = []
    for words, name in (("at least", "ge"), ("above", "gt"), ("at most", "le"), ("below", "lt"), ("like", "pattern")):
        for limit in metadata:
            value = getattr(limit, name, None)
            if value is not None:
                told.append(f"{words} `{value}`")
    return (", " + ", ".join(told)) if told else ""


def _spelled(value: Any) -> Any:
    """A section inside a default, as JSON."""
    return value.model_dump(mode="json", exclude_defaults=True)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default_factory is not None:
        return "found out at the start"
    value = field.default
    if value is None:
        return "empty"
    if isinstance(value, BaseModel):
        return "its own defaults"
    if isinstance(value, enum.Enum):
        value = value.value
    if value == "":
        return "empty"
    if isinstance(value, tuple):
        value = [item.value if isinstance(item, enum.Enum) else item for item in value]
    return f"`{json.dumps(value, default=_spelled)}`" if not isinstance(value, str) else f"`{value}`"


def _models(root: type[BaseModel]) -> list[type[BaseModel]]:
    """The root and the models its fields name, nearest first."""
    found = [root]
    for model in found:
        for field in model.model_fields.values():
            found += [inner for inner in _models_in(field.annotation) if inner not in found]
    return found


def _models_in(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in typing.get_args(kind):
        yield from _models_in(inner)


def _field_rows(model: type[BaseModel]) -> list[tuple[str, ...]]:
    said = field_docstrings(model)
    return [
        (f"`{name}`", type_in_words(field), _default(field), said.get(name, ""))
        for name, field in model.model_fields.items()
    ]


def field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """{field: the string that stands under it in the source, its own or that of the model it builds on}."""
    known = {name: text for base in model.__bases__ if issubclass(base, BaseModel) and base is not BaseModel
             for name, text in field_docstrings(base).items()}  # fmt: skip
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    if not isinstance(node, ast.ClassDef):
        return known
    return known | {
        field.target.id: _one_line(below.value.value)
        for field, below in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The command and those below it, in the order they were added. (Typer keeps the types of its commands private.)"""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _commands(inner, (*path, name))


def _help(path: Sequence[str], command: Any) -> str:
    """As in a terminal of 100 columns, whatever the real one has."""
    context = command.make_context(
        " ".join(path), [], resilient_parsing=True, terminal_width=100, max_content_width=100
    )
    return str(context.get_help()).strip()


def _schema_type(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "object" if "properties" in schema else "any")
    return ", ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Bars would end the cell, and <stem> outside of code would vanish as a tag."""
    outside_of_code = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in outside_of_code)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
