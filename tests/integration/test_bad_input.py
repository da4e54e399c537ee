"""Bad input is refused: exit code 1 or 2, one message with place and remedy, no traceback, nothing written."""

from __future__ import annotations

import fcntl
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from creditrisk.cli import main
from creditrisk.config.book import SHIPPED
from creditrisk.demo import write_demo
from creditrisk.kinds import sha256_of_file

HOME, LENDING = "home_credit", "lending_club"
MAIN_FILE = {HOME: "application_train.csv", LENDING: "accepted.csv"}
QUICK = ("--set", "training.parameters.xgboost.rounds=15")


@dataclass(frozen=True)
class Answer:
    """What a command left behind for its caller."""

    code: int
    out: str
    err: str


type Ask = Callable[..., Answer]
type Spoil = Callable[[Path], None]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def command(*words: object) -> Answer:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return command


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and the process in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented tables of both books, in a folder each."""
    folder = tmp_path_factory.mktemp("raw")
    write_demo(HOME, folder / HOME, rows=300)
    write_demo(LENDING, folder / LENDING, rows=2000)
    return folder


@pytest.fixture(scope="module")
def accepted(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after accepted runs: LendingClub through every stage, Home Credit as far as its contracts."""
    workspace = tmp_path_factory.mktemp("accepted") / "workspace"
    at = ("--workspace", str(workspace))
    assert main(["run", LENDING, "--raw", str(raw / LENDING), *QUICK, *at]) == 0
    assert main(["ingest", HOME, "--raw", str(raw / HOME), *at]) == 0
    assert main(["check", HOME, *at]) == 0
    return workspace


def files(folder: Path) -> dict[str, str]:
    """{file: sha256} of everything that stands there; locks are no content."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in found}


def message(answer: Answer) -> dict[str, str]:
    """The one message as its parts; progress lines stand before it."""
    assert "Traceback" not in answer.out + answer.err
    lines = answer.err.splitlines()
    firsts = [place for place, line in enumerate(lines) if line.startswith(("error: ", "refused: "))]
    assert len(firsts) == 1, answer.err
    what, *more = lines[firsts[0] :]
    told = {"what": what}
    for line in more:
        part, colon, text = line.strip().partition(":")
        assert colon, answer.err
        assert part in ("where", "hint") or (part.startswith("also ") and "hint" in told), answer.err
        told[part] = text.strip()
    assert told.get("hint"), answer.err
    assert what.startswith("refused: ") == (answer.code == 1)
    return told


def edit(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Every cell stays the text that it is."""
    change(pl.read_csv(path, infer_schema=False)).write_csv(path)


def column(file: str, name: str, value: str, rows: int | None = None) -> Spoil:
    """The column holds that text, in the first `rows` rows or in all."""

    def spoil(raw: Path) -> None:
        first = pl.int_range(pl.len()) < rows if rows is not None else pl.lit(True)
        edit(
            raw / file,
            lambda table: table.with_columns(pl.when(first).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)),
        )

    return spoil


def without(file: str, name: str) -> Spoil:
    return lambda raw: edit(raw / file, lambda table: table.drop(name))


def only(file: str, first_lines: int) -> Spoil:
    def spoil(raw: Path) -> None:
        lines = (raw / file).read_text(encoding="utf-8").splitlines(keepends=True)
        (raw / file).write_text("".join(lines[:first_lines]), encoding="utf-8")

    return spoil


def truncated_gzip(raw: Path) -> None:
    packed = gzip.compress((raw / "accepted.csv").read_bytes())
    (raw / "accepted.csv").unlink()
    (raw / "accepted.csv.gz").write_bytes(packed[: len(packed) // 2])


def doubled_rows(raw: Path) -> None:
    edit(raw / "accepted.csv", lambda table: pl.concat([table, table.head(3)]))


BAD_DATA: dict[str, tuple[str, Spoil, int, str, str, str]] = {
    "no folder": (HOME, shutil.rmtree, 2, "no such folder", "raw", "--raw"),
    "no main table": (HOME, lambda raw: (raw / MAIN_FILE[HOME]).unlink(), 2, "missing", "raw", "application_train.csv"),
    "no column in the main table": (
        HOME, without("application_train.csv", "AMT_CREDIT"), 1, "AMT_CREDIT", "application_train.csv", "",
    ),
    "no column in a child table": (HOME, without("bureau.csv", "DAYS_CREDIT"), 1, "DAYS_CREDIT", "bureau.csv", ""),
    "a target of 2": (HOME, column("application_train.csv", "TARGET", "2", 4), 1, "e.g. 2", "TARGET", ""),
    "good loans only": (HOME, column("application_train.csv", "TARGET", "0"), 1, "only 0", "TARGET", ""),
    "an empty main table": (HOME, only("application_train.csv", 0), 1, "empty", "application_train.csv", ""),
    "an empty child table": (HOME, only("bureau.csv", 0), 1, "empty", "bureau.csv", ""),
    "a header without rows": (HOME, only("application_train.csv", 1), 1, "no rows", "application_train.csv", ""),
    "an event after the application": (
        HOME, column("application_train.csv", "DAYS_ID_PUBLISH", "5", 2), 1, "after the application",
        "DAYS_ID_PUBLISH", "remove",
    ),
    "words for numbers": (
        HOME, column("application_train.csv", "AMT_CREDIT", "lots", 30), 1, "lots", "application_train.csv", "",
    ),
    "no column in the one table": (LENDING, without("accepted.csv", "annual_inc"), 1, "annual_inc", "accepted.csv", ""),
    "fully paid loans only": (LENDING, column("accepted.csv", "loan_status", "Fully Paid"), 1, "good", "", "both"),
    "immature loans only": (LENDING, column("accepted.csv", "issue_d", "Feb-2019"), 1, "no loan has", "", ""),
    "loans of one month": (
        LENDING, column("accepted.csv", "issue_d", "Jan-2010"), 1, "part is empty", "split", "split.test_from",
    ),
    "exact duplicates": (LENDING, doubled_rows, 1, "stand more than once", "loan_key", "remove the copies"),
    "a torn gzip": (LENDING, truncated_gzip, 1, "", "accepted.csv.gz", "again"),
    "a header without loans": (LENDING, only("accepted.csv", 1), 1, "no rows", "accepted.csv", ""),
    "an empty file": (LENDING, only("accepted.csv", 0), 1, "empty", "accepted.csv", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_are_refused_and_nothing_is_written(
    case: str, raw: Path, accepted: Path, ask: Ask, tmp_path: Path
) -> None:
    book, spoil, code, what, where, hint = BAD_DATA[case]
    spoiled = tmp_path / "raw"
    shutil.copytree(raw / book, spoiled)
    spoil(spoiled)
    before = files(accepted / book)
    fresh = ask("ingest", book, "--raw", spoiled, "--workspace", tmp_path / "fresh")
    again = ask("run", book, "--raw", spoiled, "--workspace", accepted)
    for answer in (fresh, again):
        told = message(answer)
        assert answer.code == code
        assert what in told["what"]
        assert where in told.get("where", "")
        assert hint in told["hint"]
    assert files(tmp_path / "fresh" / book) == {}
    assert files(accepted / book) == before


def own_book(folder: Path, old: str, new: str, *, book: str = LENDING, file: str = "portfolio.yaml") -> Path:
    """A copy of a shipped book with one text changed."""
    shutil.copytree(SHIPPED / book, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def test_a_child_row_after_the_application_is_refused_where_the_contract_does_not_say_otherwise(
    raw: Path, ask: Ask, tmp_path: Path
) -> None:
    book = own_book(tmp_path / "book", "    severity: quarantine\n", "", book=HOME, file="contracts/bureau.yaml")
    shutil.copytree(raw / HOME, tmp_path / "raw")
    column("bureau.csv", "DAYS_CREDIT", "5", 2)(tmp_path / "raw")
    answer = ask("ingest", book, "--raw", tmp_path / "raw", "--workspace", tmp_path / "ws")
    told = message(answer)
    assert answer.code == 1
    assert "after the application, in 2 rows" in told["what"]
    assert told["where"] == "bureau, column DAYS_CREDIT"
    assert files(tmp_path / "ws" / HOME) == {}


def test_a_child_row_after_the_application_never_reaches_the_shipped_books_features(
    raw: Path, ask: Ask, tmp_path: Path
) -> None:
    shutil.copytree(raw / HOME, tmp_path / "raw")
    column("bureau.csv", "DAYS_CREDIT", "5", 2)(tmp_path / "raw")
    answer = ask("ingest", HOME, "--raw", tmp_path / "raw", "--workspace", tmp_path / "ws", "--json")
    (finding,) = (one for one in json.loads(answer.out)["findings"] if one["rule"] == "event after application")
    assert (finding["severity"], finding["rows"]) == ("quarantine", 2)
    kept = pl.read_parquet(tmp_path / "ws" / HOME / "data" / "bronze" / "bureau.parquet")
    assert kept["DAYS_CREDIT"].max() <= 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("old", "new", "what", "hint"),
    [
        ("folds:", "fods:", 'unknown key "fods"', '"folds"'),
        ("folds: 5", "folds: many", "split.folds", "docs/reference"),
        ("folds: 5", "folds: [5", "expected", "indentation"),
        ("currency:", "currencies:", "currenc", ""),
    ],
)
def test_a_wrong_portfolio_is_told_with_its_line(
    old: str, new: str, what: str, hint: str, raw: Path, ask: Ask, tmp_path: Path
) -> None:
    book = own_book(tmp_path / "book", old, new)
    answer = ask("run", book, "--raw", raw / LENDING, "--workspace", tmp_path / "ws")
    told = message(answer)
    assert answer.code == 2
    assert what in told["what"]
    assert "portfolio.yaml, line " in told["where"]
    assert hint in told["hint"]
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (("run", "lending_clubb"), 'no book "lending_clubb"', "lending_club"),
        (("run", LENDING, "--set", "training.sede=3"), 'unknown key "sede"', '"seed"'),
        (("run", LENDING, "--set", "training.seed=abc"), "training.seed", ""),
        (("run", LENDING, "--set", "training.seed"), "is not KEY=VALUE", "--set training.seed=3"),
        (("run", LENDING, "--set", "training.seed=[3"), "not YAML", "quote"),
        (("run", LENDING, "--set", "training.seed.deeper=3"), '"training.seed" has no keys', "docs/reference"),
        (("run", LENDING, "--estimator", "forest"), "forest", "logistic"),
        (("run", LENDING, "--from", "lunch"), 'no stage "lunch"', "known: "),
        (("run", LENDING, "--until", "trian"), 'no stage "trian"', '"train"'),
        (("run", LENDING, "--from", "train", "--until", "split"), "comes before", "ingest -> check"),
        (("score", LENDING, "--input", "raw", "--output", "decisions.docx"), ".docx", ".parquet"),
        (("score", LENDING, "--input", "raw", "--output", "decisions"), "decisions", ".parquet"),
        (("demo", "--rows", "20"), "too few", "2000"),
        (("demo", "--rows", "many"), "'--rows'", "creditrisk demo --help"),
        (("ran", LENDING), "ran", "creditrisk --help"),
        (("--wrkspace", "x"), "--wrkspace", "creditrisk --help"),
        (("score", LENDING), "--input", "creditrisk score --help"),
        (("run",), "BOOK", "creditrisk run --help"),
    ],
)
def test_a_wrong_command_is_bad_usage(words: tuple[str, ...], what: str, hint: str, ask: Ask, nowhere: Path) -> None:
    answer = ask(*words)
    told = message(answer)
    assert answer.code == 2
    assert what in told["what"]
    assert hint in told["hint"]
    assert set(files(nowhere)) <= {"workspace/.creditrisk-workspace"}


def test_a_workspace_that_is_a_file_or_below_one_is_refused(raw: Path, ask: Ask, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    for workspace in (taken, taken / "below"):
        answer = ask("run", LENDING, "--raw", raw / LENDING, "--workspace", workspace)
        assert answer.code == 2
        assert "--workspace" in message(answer)["hint"]
    assert taken.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(("marker", "what"), [("99", "schema 99"), ("ninety", "damaged")])
def test_a_workspace_of_another_making_is_left_alone(
    marker: str, what: str, raw: Path, ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / ".creditrisk-workspace").write_text(f"{marker}\n", encoding="utf-8")
    before = files(tmp_path)
    answer = ask("run", LENDING, "--raw", raw / LENDING, "--workspace", tmp_path)
    assert answer.code == 1
    assert what in message(answer)["what"]
    assert files(tmp_path) == before


def test_a_second_process_on_the_same_book_is_turned_away(raw: Path, accepted: Path, ask: Ask) -> None:
    before = files(accepted / LENDING)
    hold = (
        "import fcntl, sys; lock = open(sys.argv[1]); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = [sys.executable, "-c", hold, str(accepted / LENDING / ".lock")]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        answer = ask("run", LENDING, "--raw", raw / LENDING, "--workspace", accepted)
        elsewhere = ask("check", HOME, "--workspace", accepted)
        other.communicate("")
    assert answer.code == 1
    assert "another run" in message(answer)["what"]
    assert elsewhere.code == 0
    assert files(accepted / LENDING) == before


def test_scoring_before_any_training_says_train_first(raw: Path, ask: Ask, tmp_path: Path) -> None:
    for alias, code in (("candidate", 2), ("production", 1)):
        answer = ask(
            "score", LENDING, "--input", raw / LENDING, "--output", tmp_path / "out" / "decisions.csv",
            "--alias", alias, "--workspace", tmp_path / "ws",
        )  # fmt: skip
        assert answer.code == code
        assert f"creditrisk run {LENDING}" in message(answer)["hint"]
    assert files(tmp_path / "ws" / LENDING) == {}
    assert not (tmp_path / "out").exists()


def test_scoring_with_an_unknown_alias_names_the_known_one(raw: Path, accepted: Path, ask: Ask, tmp_path: Path) -> None:
    answer = ask(
        "score", LENDING, "--input", raw / LENDING, "--output", tmp_path / "d.csv", "--alias", "candidat",
        "--workspace", accepted,
    )  # fmt: skip
    assert answer.code == 2
    assert '"candidate"' in message(answer)["hint"]
    assert files(tmp_path) == {}


BAD_BATCHES: dict[str, tuple[Spoil, int, str, str]] = {
    "no such input": (shutil.rmtree, 2, "no such", ""),
    "no main table": (lambda raw: (raw / "accepted.csv").unlink(), 2, "missing", "accepted.csv"),
    "no column": (without("accepted.csv", "annual_inc"), 1, "annual_inc", ""),
    "exact duplicates": (doubled_rows, 1, "stand more than once", ""),
    "a torn gzip": (truncated_gzip, 1, "", "again"),
    "a header without loans": (only("accepted.csv", 1), 1, "no rows", ""),
}


@pytest.mark.parametrize("case", BAD_BATCHES)
def test_a_bad_batch_leaves_no_decisions(case: str, raw: Path, accepted: Path, ask: Ask, tmp_path: Path) -> None:
    spoil, code, what, hint = BAD_BATCHES[case]
    batch, out = tmp_path / "batch", tmp_path / "out"
    shutil.copytree(raw / LENDING, batch)
    spoil(batch)
    before = files(accepted / LENDING)
    answer = ask(
        "score", LENDING, "--input", batch, "--output", out / "decisions.parquet", "--alias", "candidate",
        "--workspace", accepted,
    )  # fmt: skip
    told = message(answer)
    assert answer.code == code
    assert what in told["what"]
    assert hint in told["hint"]
    assert files(out) == {}
    assert files(accepted / LENDING) == before


def test_a_table_that_scoring_does_not_know_is_named(raw: Path, accepted: Path, ask: Ask, tmp_path: Path) -> None:
    answer = ask(
        "score", LENDING, "--input", raw / LENDING / "README.txt", "--output", tmp_path / "d.csv",
        "--alias", "candidate", "--workspace", accepted,
    )  # fmt: skip
    assert answer.code in (1, 2)
    message(answer)
    assert files(tmp_path) == {}


def test_decisions_never_replace_a_folder(raw: Path, accepted: Path, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    answer = ask(
        "score", LENDING, "--input", raw / LENDING, "--output", tmp_path / "d.csv", "--alias", "candidate",
        "--workspace", accepted,
    )  # fmt: skip
    assert answer.code == 2
    assert "folder" in message(answer)["what"]
    assert files(tmp_path) == {}


def test_one_flipped_byte_of_a_bundle_is_found_before_scoring(
    raw: Path, accepted: Path, ask: Ask, tmp_path: Path
) -> None:
    (bundle,) = (accepted / LENDING / "models").glob("*/bundle")
    shutil.copytree(bundle, tmp_path / "bundle")
    model = tmp_path / "bundle" / "model.ubj"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    answer = ask(
        "score", LENDING, "--input", raw / LENDING, "--output", tmp_path / "d.csv", "--bundle", tmp_path / "bundle",
        "--workspace", accepted,
    )  # fmt: skip
    told = message(answer)
    assert answer.code == 1
    assert told["where"].endswith("model.ubj")
    assert not (tmp_path / "d.csv").exists()


def test_training_on_a_part_that_somebody_edited_is_refused(accepted: Path, ask: Ask, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(accepted, workspace)
    part = workspace / LENDING / "data" / "processed" / "train.parquet"
    pl.read_parquet(part).head(100).write_parquet(part)
    before = files(workspace / LENDING)
    answer = ask("train", LENDING, "--workspace", workspace)
    told = message(answer)
    assert answer.code == 1
    assert "train.parquet" in told["where"]
    assert f"creditrisk split {LENDING}" in told["hint"]
    assert files(workspace / LENDING) == before


def test_features_wait_for_the_check(raw: Path, ask: Ask, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    assert ask("ingest", LENDING, "--raw", raw / LENDING, "--workspace", workspace).code == 0
    before = files(workspace / LENDING)
    answer = ask("features", LENDING, "--workspace", workspace)
    assert answer.code == 1
    assert f"creditrisk check {LENDING}" in message(answer)["hint"]
    assert files(workspace / LENDING) == before


@pytest.mark.parametrize("stage", ["check", "features", "split", "train", "evaluate", "validate", "register"])
def test_no_stage_begins_without_the_ones_before_it(stage: str, ask: Ask, tmp_path: Path) -> None:
    answer = ask(stage, LENDING, "--workspace", tmp_path)
    assert answer.code in (1, 2)
    message(answer)
    assert files(tmp_path / LENDING) == {}


def test_a_program_gets_the_error_as_json(ask: Ask, tmp_path: Path) -> None:
    answer = ask("run", "lending_clubb", "--json", "--workspace", tmp_path / "ws")
    told = json.loads(answer.out)["error"]
    assert told["exit_code"] == answer.code == 2
    assert told["kind"] == "BadUsage"
    assert "lending_club" in told["hint"]


def test_the_lock_is_free_again_after_a_refusal(ask: Ask, tmp_path: Path) -> None:
    ask("ingest", LENDING, "--raw", tmp_path / "nowhere", "--workspace", tmp_path)
    with (tmp_path / LENDING / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
