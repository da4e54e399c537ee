"""Features are made only of tables that passed, to the byte; each run reads the tables for the check once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from creditrisk.errors import BadData, Refused
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines import check_data, ingest_data
from creditrisk.pipelines.context import Context


def test_accepted_tables_get_a_report_with_counts(finished: Context) -> None:
    tables, hashes = check_data.need_checked(finished)
    assert set(tables) == {"application", "payments"}
    assert hashes == {f"bronze/{name}": sha256_of_file(path) for name, path in tables.items()}


def test_what_ingest_found_is_told_without_reading_again(fresh: Callable[..., Context]) -> None:
    context = fresh()
    ingest_data.run(context)
    (found,) = context.found.values()
    told = check_data.run(context)
    assert told["verdict"] == "accepted"
    without_share = [{name: value for name, value in one.items() if name != "share"} for one in told["findings"]]
    assert without_share == [finding.as_json() for finding in found.findings]


def test_tables_that_changed_after_the_check_are_not_used(own: Context) -> None:
    own.folder.table("payments").unlink()
    with pytest.raises(Refused) as caught:
        check_data.need_checked(own)
    assert "creditrisk check tiny" in caught.value.hint


def test_no_tables_have_not_passed(fresh: Callable[..., Context]) -> None:
    with pytest.raises(Refused):
        check_data.need_checked(fresh())
    with pytest.raises(BadData, match="main table is missing"):
        check_data.run(fresh())
