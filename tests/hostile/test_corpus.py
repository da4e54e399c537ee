"""Each spoilt file of the corpus through the real ingestion: verdict, wording, place, values, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.contracts import BronzeTable
from creditrisk.errors import BadData
from tests.hostile.cases import CASES, PARQUETS, Case
from tests.hostile.conftest import Clean
from tests.support.small_tables import rows


def test_the_corpus_is_as_large_as_promised_over_both_books():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 120
    assert min(sum(case.table == "accepted" for case in CASES), sum(case.table != "accepted" for case in CASES)) >= 30


QUICK = CASES[::6]
"""Run before every commit; the others with everything else."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[] if case in QUICK else pytest.mark.integration) for case in CASES],
)
def test_a_spoilt_file_is_read_like_the_clean_one_or_refused_in_so_many_words(
    case: Case, clean: dict[str, Clean], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    table, place = clean[case.table], tmp_path / "place"
    content = case.spoil(table.content, table.contract)
    if case.refused:
        with pytest.raises(BadData) as caught:
            table.ingested(content, case.ending, place, case.reading)
        assert case.says in caught.value.what
        assert caught.value.where.endswith(case.at)
        assert caught.value.hint
        assert str(place / "raw") in caught.value.where
        assert not list((place / "work").glob("bronze/*"))
    else:
        made = table.ingested(content, case.ending, place, case.reading)
        _same_values(made, table.bronze, case)
        assert sorted({finding.rule for finding in made.findings}) == sorted(set(case.told))
    assert not list(elsewhere.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere", "place"}
    assert {path.name for path in place.iterdir()} <= {"raw", "work"}
    assert [path.name for path in (place / "raw").iterdir()] == [f"{case.table}{case.ending}"]
    assert not list(place.rglob(".partial-*"))


def _same_values(made: BronzeTable, promised: BronzeTable, case: Case) -> None:
    if case in PARQUETS:  # the same values, which DuckDB packs in another way
        assert rows(made.path) == rows(promised.path)
    elif case.lost:
        expected = rows(promised.path)
        for row in case.lost:
            del expected[row - 1 if row > 0 else row]
        assert rows(made.path) == expected
    else:
        assert made.sha256 == promised.sha256
