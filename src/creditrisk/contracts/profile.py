"""What a table looked like: the figures that the next ingestion is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class TableProfile:
    """rows: in bronze.  nulls: {column: empty cells}.  categories: {column: {value that the contract knows: rows}}.

    sentinels: {column: {value: rows}}.  orphans: rows without a parent; None = not asked.
    """

    rows: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sentinels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    orphans: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        return cls(**{name: told[name] for name in cls.__dataclass_fields__})

    def shares(self) -> Iterator[tuple[str, str, str, int]]:
        """Everything that is compared, as (column, kind, value, rows); kind: empty, category, sentinel."""
        for column, rows in self.nulls.items():
            yield column, "empty", "", rows
        for kind, columns in (("category", self.categories), ("sentinel", self.sentinels)):
            for column, values in columns.items():
                for value, rows in values.items():
                    yield column, kind, value, rows
