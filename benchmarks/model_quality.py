"""How good is the model? Ours against generic aggregates on invented loans, and the bars on the real ones.

python -m benchmarks.model_quality [--quick] [--rows 307511] [--raw FOLDER] [--work FOLDER] [--json FILE]
                                   [--only invented|home_credit|lending_club]...
invented: Home Credit at the real size. Ours is `creditrisk run`; the reference is XGBoost on every numeric child
column's mean, min, max, sum and deviation, every category's share and the raw application, prohibited columns left out
in both. The test rows are the same, dealt by the book's stable hash. Differences carry paired 95 % intervals.
home_credit, lending_club: the real files, where CREDITRISK_REAL_DATA names their folder.
Exit code 1 when a bar is missed at full size; with --quick the bars are printed and not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from creditrisk.config import MAIN, Book, load_book
from creditrisk.demo import write_demo
from creditrisk.duck import Connection, named, quoted
from creditrisk.modelling.out_of_fold import stable_shares
from creditrisk.split.parts import shares
from creditrisk.stats import (
    auc_difference,
    brier,
    calibration_line,
    log_loss,
    paired_difference,
    roc_auc,
    sigmoid,
)

type Floats = NDArray[np.float64]
type Figures = dict[str, Any]

FULL_ROWS = 307_511
QUICK_ROWS = 20_000
FEATURES_MAX = 400
PARTS = ("invented", "home_credit", "lending_club")
PRESETS = {"application": 0.69, "with_price": 0.695}
"""Of lending_club, with the AUC to reach on 2011."""

# The book's own choice but for column shares: three times as many columns, of which most say little.
REFERENCE = {
    "objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist", "learning_rate": 0.04,
    "max_depth": 4, "min_child_weight": 5, "subsample": 0.8, "colsample_bytree": 0.2, "reg_lambda": 20,
    "max_bin": 128, "seed": 20260101, "nthread": 2,
}  # fmt: skip
REFERENCE_ROUNDS, REFERENCE_PATIENCE, REFERENCE_STOPPING = 3000, 50, 0.1
FIVE = ("avg", "min", "max", "sum", "stddev_samp")


@dataclass(frozen=True)
class Bar:
    """One line of the table. met is None where nobody judges."""

    what: str
    figure: float
    limit: str
    met: bool | None


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} invented applications")
    options.add_argument("--rows", type=int, default=FULL_ROWS, help="applications to invent")
    options.add_argument("--raw", type=Path, help="a folder that holds the invented tables already")
    options.add_argument("--work", type=Path, help="work here and leave it; otherwise a temporary folder")
    options.add_argument("--json", type=Path, help="write the figures here too")
    options.add_argument("--only", choices=PARTS, action="append", help="this part; repeatable")
    chosen = options.parse_args()
    real = os.environ.get("CREDITRISK_REAL_DATA")
    figures: dict[str, Figures] = {}
    bars: list[Bar] = []
    with _work(chosen.work) as work:
        for part in chosen.only or PARTS:
            if part == "invented":
                raw = chosen.raw or invent(work / "raw", QUICK_ROWS if chosen.quick else chosen.rows)
                figures[part] = invented(raw, work / "invented")
                bars += invented_bars(figures[part])
            elif real is None:
                print(f"{part}: CREDITRISK_REAL_DATA is not set, left out", file=sys.stderr)
            elif part == "home_credit":
                figures[part] = real_home_credit(Path(real), work / "home_credit")
                bars += home_credit_bars(figures[part])
            else:
                figures[part] = {preset: real_lending_club(Path(real), work / preset, preset) for preset in PRESETS}
                bars += [bar for preset in PRESETS for bar in lending_club_bars(preset, figures[part][preset])]
    show(bars)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if not chosen.quick and any(bar.met is False for bar in bars) else 0


@contextmanager
def _work(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="creditrisk-quality-") as temporary:
        yield Path(temporary)


def show(bars: Sequence[Bar]) -> None:
    words = {True: "met", False: "MISSED", None: ""}
    for bar in bars:
        print(f"{bar.what:<64}{bar.figure:>12.5f}   {bar.limit:<16}{words[bar.met]}")


# --- invented Home Credit


def invent(folder: Path, rows: int) -> Path:
    print(f"inventing {rows:,} applications", file=sys.stderr)
    write_demo("home_credit", folder, rows=rows)
    return folder


def invented(raw: Path, workspace: Path) -> Figures:
    """Ours, the reference and their paired differences on the same test rows, and our PDs beside the true ones."""
    run("home_credit", raw, workspace, until="evaluate")
    folder = workspace / "home_credit"
    return compared(raw, folder, pq.read_table(folder / "reports" / "test_predictions.parquet"))


def compared(raw: Path, folder: Path, tested: pa.Table, **changes: float) -> Figures:
    """The same for a workspace folder of home_credit and its scored test rows (key, target, pd).

    changes: of the reference's parameters.
    """
    book = load_book("home_credit")
    y, ours = (np.asarray(tested[name].to_numpy(), dtype=np.float64) for name in ("target", "pd"))
    features = json.loads((folder / "reports" / "metrics.json").read_text())["importance"]
    reference, columns = reference_pds(book, folder, tested[book.key], {**REFERENCE, **changes})
    return {
        "test_rows": len(y),
        "ours": {"columns": len(features), **quality(y, ours)},
        "reference": {"columns": columns, **quality(y, reference)},
        "difference": differences(y, ours, reference),
        "true": beside_the_truth(y, ours, true_pds(raw, book.key, tested[book.key])),
    }


def run(book: str, raw: Path, workspace: Path, *more: str, until: str) -> None:
    command = [sys.executable, "-m", "creditrisk.cli", "run", book, "--raw", str(raw), "--workspace", str(workspace)]
    print(f"creditrisk run {book} {' '.join(more)}", file=sys.stderr)
    subprocess.run([*command, "--until", until, "--json", *more], check=True, stdout=subprocess.DEVNULL)


def quality(y: Floats, pd: Floats) -> Figures:
    line = calibration_line(y, pd)
    return {
        "roc_auc": roc_auc(y, pd),
        "brier": brier(y, pd),
        "log_loss": log_loss(y, pd),
        "mean_pd": float(np.mean(pd)),
        "default_rate": float(np.mean(y)),
        "calibration_slope": line.slope,
        "calibration_intercept": line.intercept,
    }


def differences(y: Floats, ours: Floats, other: Floats) -> Figures:
    """Ours less the other, each with the 95 % interval of a paired comparison: DeLong for AUC, bootstrap for losses."""
    gaps = {
        "roc_auc": auc_difference(y, ours, other),
        "brier": paired_difference((ours - y) ** 2, (other - y) ** 2, seed=7),
        "log_loss": paired_difference(_losses(y, ours), _losses(y, other), seed=7),
    }
    return {name: gap.as_json() for name, gap in gaps.items()}


def _losses(y: Floats, pd: Floats) -> Floats:
    return -(y * np.log(pd) + (1.0 - y) * np.log1p(-pd))


def true_pds(raw: Path, key: str, keys: pa.ChunkedArray) -> Floats:
    """The generator's own probability of each of these applications."""
    truth = pq.read_table(raw / "truth" / "true_pd.parquet")
    known = dict(zip(truth[key].to_pylist(), truth["true_pd"].to_pylist(), strict=True))
    return np.array([known[one] for one in keys.to_pylist()])


def beside_the_truth(y: Floats, pd: Floats, true: Floats) -> Figures:
    """roc_auc, brier: of the true PDs, which no model can beat but by chance. error: of the realised default rate."""
    return {
        "roc_auc": roc_auc(y, true),
        "brier": brier(y, true),
        "mean_pd": float(np.mean(true)),
        "mean_pd_to_true": float(np.mean(pd) / np.mean(true)),
        "default_rate_error": float(np.sqrt(np.sum(pd * (1.0 - pd))) / len(y)),
        "errors_from_default_rate": float((np.mean(pd) - np.mean(y)) / (np.sqrt(np.sum(pd * (1.0 - pd))) / len(y))),
    }


def invented_bars(told: Figures) -> list[Bar]:
    ours, difference, true = told["ours"], told["difference"], told["true"]
    return [
        Bar("invented: columns of ours", ours["columns"], f"<= {FEATURES_MAX}", ours["columns"] <= FEATURES_MAX),
        *[
            Bar(f"invented: {name} of {who}", told[who][name], "", None)
            for name in difference
            for who in ("ours", "reference")
        ],
        Bar("invented: AUC, ours less the reference", difference["roc_auc"]["difference"], ">= 0",
            difference["roc_auc"]["difference"] >= 0),
        *[Bar(f"invented: {name}, ours less the reference", difference[name]["difference"], "<= 0",
              difference[name]["difference"] <= 0) for name in ("brier", "log_loss")],
        Bar("invented: mean PD to the generator's", true["mean_pd_to_true"], "0.98 to 1.02",
            0.98 <= true["mean_pd_to_true"] <= 1.02),
        Bar("invented: calibration slope", ours["calibration_slope"], "0.95 to 1.05",
            0.95 <= ours["calibration_slope"] <= 1.05),
        Bar("invented: standard errors from the default rate", true["errors_from_default_rate"], "-3 to 3",
            abs(true["errors_from_default_rate"]) <= 3),
    ]  # fmt: skip


# --- the reference


def reference_pds(book: Book, folder: Path, tested: pa.ChunkedArray, parameters: dict[str, Any]) -> tuple[Floats, int]:
    """PDs of the tested keys by XGBoost on the generic aggregates of the same development rows; number of columns.

    A tenth of the development rows tells the rounds; then it is fitted on all of them, with a tenth more.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # its threads spin otherwise, read when it is first loaded
    import xgboost as xgb

    print("the reference: aggregates", file=sys.stderr)
    values, names, kinds, keys, y = _reference_rows(book, folder)
    place = {key: row for row, key in enumerate(keys)}
    test = np.array([place[key] for key in tested.to_pylist()])
    learn = np.setdiff1d(np.arange(len(keys)), test)
    stopping = stable_shares([keys[row] for row in learn], book.portfolio.training.seed) < REFERENCE_STOPPING
    print(f"the reference: trees on {len(names)} columns", file=sys.stderr)

    def table(rows: NDArray[np.int64]) -> Any:
        kinds_ = ["c" if kind == "category" else "float" for kind in kinds]
        return xgb.DMatrix(values[rows], y[rows], feature_names=names, feature_types=kinds_, enable_categorical=True)

    stopped = xgb.train(
        parameters, table(learn[~stopping]), REFERENCE_ROUNDS, evals=[(table(learn[stopping]), "stop")],
        early_stopping_rounds=REFERENCE_PATIENCE, verbose_eval=False,
    )  # fmt: skip
    rounds = round((stopped.best_iteration + 1) / (1.0 - REFERENCE_STOPPING))
    print(f"the reference: {rounds} rounds", file=sys.stderr)
    final = xgb.train(parameters, table(learn), rounds)
    return sigmoid(final.predict(table(test), output_margin=True).astype(np.float64)), len(names)


def _reference_rows(book: Book, folder: Path) -> tuple[NDArray[np.float32], list[str], list[str], list[Any], Floats]:
    """values of shape (n, columns), their names and kinds, keys and targets of all applications, by rising key."""
    import duckdb

    con = duckdb.connect(config={"memory_limit": "2GB", "threads": 2, "temp_directory": str(folder)})
    barred = set(book.portfolio.policy.kept_apart)
    key = named(book.key)
    main = _parquet(folder, MAIN)
    found = con.execute(f"select {key}, TARGET from {main} order by {key}").fetchnumpy()
    keys, y = found[book.key].tolist(), np.asarray(found["TARGET"], dtype=np.float64)
    tables = [
        _application_columns(con, book, main, barred),
        *[_child_columns(con, book, folder, name, barred) for name in book.portfolio.tables if name != MAIN],
    ]
    columns = [column for selected, _ in tables for column in selected]
    values = np.empty((len(keys), len(columns)), dtype=np.float32)
    at = 0
    for selected, rows in tables:
        got = con.execute(
            f"select {', '.join(f'r.{named(name)}' for name, _ in selected)} "
            f"from {main} as m left join ({rows}) as r on r.{key} = m.{key} order by m.{key}"
        ).fetchnumpy()
        for name, _ in selected:
            values[:, at] = np.ma.filled(np.ma.asarray(got.pop(name), dtype=np.float32), np.nan)
            at += 1
    con.close()
    return values, [name for name, _ in columns], [kind for _, kind in columns], keys, y


def _application_columns(con: Connection, book: Book, main: str, barred: set[str]) -> tuple[list[tuple[str, str]], str]:
    """The raw columns: numbers as they are, categories as codes."""
    selected, asked = [], [named(book.key)]
    for column in book.contracts[MAIN].columns:
        if column.name in {book.key, "TARGET", *barred}:
            continue
        text = column.type == "text"
        selected.append((column.name, "category" if text else "number"))
        asked.append(_code(con, main, column.name) if text else f"cast({named(column.name)} as float) {column.name}")
    return selected, f"select {', '.join(asked)} from {main}"


def _code(con: Connection, rows: str, column: str) -> str:
    cases = " ".join(f"when {quoted(value)} then {code}" for code, value in enumerate(_words(con, rows, column)))
    return f"cast(case {named(column)} {cases} end as float) as {named(column)}"


def _child_columns(
    con: Connection, book: Book, folder: Path, name: str, barred: set[str]
) -> tuple[list[tuple[str, str]], str]:
    """Five figures of each number and the share of each category, by application."""
    table, key = book.portfolio.tables[name], named(book.key)
    rows = _parquet(folder, name)
    if table.parent != MAIN:  # months of a bureau credit: by the credit's application
        parent = _parquet(folder, str(table.parent))
        link = named(str(table.foreign_key))
        rows = f"(select p.{key}, c.* from {rows} as c join {parent} as p on p.{link} = c.{link})"
    links = {book.key, *(column for one in book.portfolio.tables.values() for column in one.key if "_ID_" in column)}
    figures: dict[str, str] = {f"{name}.count": "count(*)"}
    for column in book.contracts[name].columns:
        if column.name in links | barred:
            continue
        if column.type == "text":
            for word in _words(con, rows, column.name):
                equal = f"{named(column.name)} = {quoted(word)}"
                figures[f"{name}.{column.name}={word}".translate(SAFE)] = f"avg(case when {equal} then 1.0 else 0 end)"
        else:
            for one in FIVE:
                figures[f"{name}.{column.name}.{one}"] = f"{one}(cast({named(column.name)} as double))"
    asked = ", ".join(f"cast({figure} as float) as {named(title)}" for title, figure in figures.items())
    return [(title, "number") for title in figures], f"select {key}, {asked} from {rows} group by {key}"


SAFE = str.maketrans({"[": "(", "]": ")", "<": "below "})
"""What XGBoost does not take in a column's name."""


def _words(con: Connection, rows: str, column: str) -> list[str]:
    found = con.execute(f"select distinct {named(column)} as word from {rows} where word is not null order by word")
    return [row[0] for row in found.fetchall()]


def _parquet(folder: Path, table: str) -> str:
    return f"read_parquet({quoted(str(folder / 'data' / 'bronze' / f'{table}.parquet'))})"


# --- the real files


def real_home_credit(real: Path, workspace: Path) -> Figures:
    """Every application of home_credit_large once outside its fold: five fixed folds, pooled."""
    from creditrisk.modelling.estimators import estimator_named
    from creditrisk.modelling.out_of_fold import out_of_fold_margins
    from creditrisk.modelling.train import NOT_FEATURES, development_of, learning_of

    run("home_credit", real / "home_credit_large", workspace, until="split")
    book = load_book("home_credit")
    split, processed = book.portfolio.split, workspace / "home_credit" / "data" / "processed"
    rows = pa.concat_tables(
        pq.read_table(processed / f"{part}.parquet") for part in ("train", "calibration", "test")
    ).drop_columns(["fold"])
    keys = rows[book.key].to_pylist()
    folds = (shares(keys, "fold", split.seed) * split.folds).astype("int8")
    calibrates = shares(keys, "calibration", split.seed) < split.calibration_share
    parts = ["calibration" if one else "train" for one in calibrates]
    rows = rows.append_column("fold", pa.array(folds, pa.int8())).append_column("part", pa.array(parts))
    training = book.portfolio.training
    features = tuple(name for name in rows.column_names if name not in (book.key, *NOT_FEATURES))
    development = development_of(rows, book.key, features, training)
    kind = estimator_named(training.estimator)
    learning = learning_of(kind, features, book.portfolio)
    margins, fits = out_of_fold_margins(development, kind, learning, lambda _what, _done: None)
    return {
        "rows": len(margins),
        "columns": len(features),
        "roc_auc_pooled": roc_auc(development.target, margins),
        "folds": {str(fit.fold): {"roc_auc": fit.roc_auc, "rounds": fit.rounds} for fit in fits},
    }


def home_credit_bars(told: Figures) -> list[Bar]:
    auc = told["roc_auc_pooled"]
    return [Bar("home_credit_large: AUC pooled out of five folds", auc, ">= 0.743", auc >= 0.743)]


def real_lending_club(real: Path, work: Path, preset: str) -> Figures:
    """2007 to 2010 to learn from, 2011 to test on."""
    raw = work / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    link = raw / "accepted.csv.gz"
    link.unlink(missing_ok=True)
    link.symlink_to((real / "lending_club" / "accepted_2007_2011_full.csv.gz").resolve())
    run("lending_club", raw, work / "workspace", "--set", f"features.preset={preset}", until="evaluate")
    folder = work / "workspace" / "lending_club"
    tested = pq.read_table(folder / "reports" / "test_predictions.parquet")
    rows = pq.read_table(
        folder / "data" / "processed" / "test.parquet", columns=[tested.column_names[0], "term_months"]
    )
    if rows.column(0).to_pylist() != tested.column(0).to_pylist():
        raise SystemExit("the test part and its predictions hold other loans")
    y, pd = (np.asarray(tested[name].to_numpy(), dtype=np.float64) for name in ("target", "pd"))
    term = rows["term_months"].to_numpy()
    return {
        "rows": len(y),
        **quality(y, pd),
        "by_term": {f"{int(months)}": quality(y[term == months], pd[term == months]) for months in np.unique(term)},
    }


def lending_club_bars(preset: str, told: Figures) -> list[Bar]:
    auc = told["roc_auc"]
    groups = {"": told} | {f", {term} months": figures for term, figures in told["by_term"].items()}
    bars = [
        Bar(f"lending_club {preset}: AUC on 2011", auc, f"{PRESETS[preset]} to 0.75", PRESETS[preset] <= auc <= 0.75)
    ]
    for words, figures in groups.items():
        ratio, slope = figures["mean_pd"] / figures["default_rate"], figures["calibration_slope"]
        bars += [
            Bar(f"lending_club {preset}: mean PD to default rate{words}", ratio, "0.90 to 1.10", 0.9 <= ratio <= 1.1),
            Bar(f"lending_club {preset}: calibration slope{words}", slope, "0.85 to 1.20", 0.85 <= slope <= 1.2),
        ]
    return bars


if __name__ == "__main__":
    sys.exit(main())
