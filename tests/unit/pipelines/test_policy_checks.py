"""policy_checks.json: what is kept passes, what is broken is listed, what cannot be told says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import load_book
from creditrisk.errors import BadConfig, Refused
from creditrisk.files import read_json
from creditrisk.modelling import Preprocess
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.proxy_screen import refuse_rebuilders
from creditrisk.pipelines.stages import run_stages
from tests.support.schemas import faults
from tests.support.tiny_run import tiny_context

FEATURES = ["income", "debt_to_income", "town", "payment_count", "payment_sum", "payment_days_late_max"]


@pytest.fixture(scope="module")
def directed(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A run whose policy promises much, and one thing too much: that debt lowers the PD."""
    context = tiny_context(
        tmp_path_factory.mktemp("directed"),
        policy__monotone={"income": "pd_falls", "debt_to_income": "pd_rises"},
        policy__blank_is_worst=["income", "debt_to_income"],
        policy__raw_directions={"income": "pd_falls", "debt": "pd_falls"},
        policy__never_worse=[
            {"who": "the indebted", "ground": "a test", "protected": "debt > 9000", "columns": ["debt"],
             "values": [[100], [200]]},
            {"who": "the poor", "ground": "a test", "protected": "income < 20000", "columns": ["sex"],
             "like": "sex = 'm'"},
            {"who": "nobody", "ground": "a test", "protected": "income < 0", "columns": ["town"], "like": "true"},
        ],
        policy__accepted=[{"check": "blanks", "columns": ["town"], "by": "ann", "because": "towns are known"}],
    )  # fmt: skip
    run_stages(context, last="evaluate")
    return context


@pytest.fixture(scope="module")
def report(directed: Context) -> dict[str, Any]:
    told: dict[str, Any] = read_json(directed.folder.report("policy_checks.json"))
    return told


def test_the_report_keeps_its_schema(directed: Context, finished: Context) -> None:
    for context in (directed, finished):
        assert faults(context.folder.report("policy_checks.json")) == []


def test_directions_are_proved_on_the_trees(report: dict[str, Any]) -> None:
    told = report["directions"]
    assert (told["verdict"], told["checked"], told["exceptions"]) == ("pass", 2, [])
    assert told["pairs"] >= told["splits"] > 0


def test_raised_inputs_that_go_the_wrong_way_are_listed_with_their_share(report: dict[str, Any]) -> None:
    told = report["raw_directions"]
    assert (told["verdict"], told["kept"]) == ("fail", ["income"])
    (exception,) = told["exceptions"]
    assert exception["column"] == "debt"
    assert 0 < exception["share"] <= 1
    assert exception["worst"] > 1e-9
    assert told["reason"].endswith(": debt")


def test_hiding_a_value_that_policy_names_never_pays(report: dict[str, Any]) -> None:
    told = report["blanks"]
    assert told["verdict"] == "pass"
    assert {"income", "debt"} <= set(told["kept"])
    assert {one["column"]: one["accepted"] for one in told["exceptions"]} in ({}, {"town": "towns are known (ann)"})


def test_who_is_scored_worse_than_others_is_counted(report: dict[str, Any]) -> None:
    told = report["never_worse"]
    assert [one["verdict"] for one in told["promises"]] == ["fail", "pass", "not_enough_evidence"]
    assert told["verdict"] == "fail"
    indebted, poor, nobody = told["promises"]
    assert indebted["comparisons"] == 2
    assert indebted["broken"] > 0
    assert (poor["broken"], poor["worst"]) == (0, None)
    assert (nobody["compared"], nobody["share"]) == (0, None)


def test_without_promises_the_verdict_is_not_enough_evidence(finished: Context) -> None:
    told = read_json(finished.folder.report("policy_checks.json"))
    assert {name: told[name]["verdict"] for name in ("raw_directions", "never_worse")} == {
        "raw_directions": "not_enough_evidence", "never_worse": "not_enough_evidence"
    }  # fmt: skip
    assert told["blanks"]["verdict"] == "fail"


def test_honest_features_rebuild_nobody(report: dict[str, Any]) -> None:
    assert (report["proxies"]["verdict"], report["proxies"]["exceptions"]) == ("pass", [])
    assert {group["group"] for group in report["together"]["groups"]} == {"f", "m"}
    assert all(group["low"] <= group["auc"] <= group["high"] for group in report["together"]["groups"])


def with_proxy(context: Context) -> pa.Table:
    """Development rows with a feature that is sex in disguise, a tenth of it wrong."""
    rows = pa.concat_tables([pq.read_table(context.folder.part(part)) for part in ("train", "calibration")])
    audit = pq.read_table(context.folder.audit_table)
    sex = dict(zip(audit["loan_id"].to_pylist(), audit["sex"].to_pylist(), strict=True))
    wrong = np.random.default_rng(1).random(rows.num_rows) < 0.05
    told = [(sex[key] == "f") != miss for key, miss in zip(rows["loan_id"].to_pylist(), wrong, strict=True)]
    return rows.append_column("shoe_size", pa.array(told))


def test_training_refuses_a_proxy_unless_it_is_released_by_name(finished: Context) -> None:
    rows = with_proxy(finished)
    refuse_rebuilders(finished, rows, FEATURES)
    with pytest.raises(Refused, match=r"shoe_size tells sex = [fm] with an AUC of 0\.9") as told:
        refuse_rebuilders(finished, rows, [*FEATURES, "shoe_size"])
    assert "policy.released" in (told.value.hint or "")
    release = [{"features": ["shoe_size"], "by": "ann", "because": "a test"}]
    released = replace(finished, book=load_book(finished.book.folder, {"policy.released": release}))
    refuse_rebuilders(released, rows, [*FEATURES, "shoe_size"])


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("policy.blank_is_worst", ["town"], "without a direction"),
        ("policy.raw_directions", {"incom": "pd_falls"}, 'the column "incom"'),
        ("policy.accepted", [{"check": "blanks", "columns": ["x"], "by": "a", "because": "b"}], 'the column "x"'),
        ("policy.never_worse", [{"who": "w", "ground": "g", "protected": "true", "columns": ["town"]}], "`like`"),
        ("policy.never_worse", [{"who": "w", "ground": "g", "protected": "true", "columns": ["town"],
                                 "values": [["a", "b"]]}], "one value for each"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused(finished: Context, key: str, value: Any, says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        load_book(finished.book.folder, {key: value})


def test_the_bundle_says_what_a_blank_is_read_as(directed: Context) -> None:
    bundle = directed.folder.bundle(read_json(directed.folder.report("metrics.json"))["bundle_sha256"])
    preprocess = Preprocess.from_json(read_json(bundle / "preprocess.json"))
    assert {one.name for one in preprocess.features if one.blank is not None} == {"income", "debt_to_income"}
