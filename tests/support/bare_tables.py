"""Real loan files as a table that nobody knows anything about, with the outcome of each row beside it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from creditrisk.config.portfolio import LeakRadar
from creditrisk.contracts.leak_radar import People, figures, people
from creditrisk.contracts.leak_verdicts import Signal, signals_of
from creditrisk.duck import DuckSettings


def bare_lending_club(file: Path, folder: Path) -> tuple[Path, pa.Table]:
    """Every column as DuckDB guesses it; labels (key, target, date): outcomes of finished loans, month of funding."""
    table = folder / "loans.parquet"
    with duckdb.connect() as con:
        con.execute(
            f"copy (select row_number() over () as row_key, * from read_csv('{file}', sample_size = -1)) "
            f"to '{table}' (format parquet)"
        )
        labels = con.sql(f"""
            select row_key as key, cast(strptime(issue_d, '%b-%Y') as date) as date,
                   case when loan_status like '%Charged Off' or loan_status = 'Default' then 1
                        when loan_status like '%Fully Paid' then 0 end as target
            from '{table}'
        """).to_arrow_table()
    return table, labels


def bare_home_credit(file: Path, folder: Path) -> tuple[Path, pa.Table]:
    """The application table without its target; labels without dates."""
    table = folder / "applications.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table every as select * from read_csv('{file}', sample_size = -1)")
        con.execute(f"copy (select * exclude (TARGET) from every) to '{table}' (format parquet)")
        labels = con.sql("select SK_ID_CURR as key, TARGET as target, cast(null as date) as date from every")
        return table, labels.to_arrow_table()


def found_alone(table: Path, labels: pa.Table, key: str) -> dict[str, list[Signal]]:
    """{column: what speaks against it}, for a table of which no contract knows anything."""
    limits = LeakRadar()
    who: People = people(labels["key"], labels["target"], labels["date"], most=limits.sample_rows)
    every = figures(
        {"application": table},
        who,
        main="application",
        key=key,
        rows_min=int(limits.rows_min.value),
        bad_rate_high=limits.bad_rate_high.value,
        settings=DuckSettings("500MB", 2),
    )
    return {each.column: signals_of([each], limits, main=True, who=who) for each in every}
