"""Evidently's page of the tiny book's rows; the library is imported once, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.integration

DRAW = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from creditrisk.adapters.evidently_page import write_evidently_page
from creditrisk.errors import BadData
folder = Path(sys.argv[1])
then, now = (pq.read_table(folder / f"{name}.parquet") for name in ("then", "now"))
print(write_evidently_page(then, now, folder / "page.html", 0.25))
try:
    write_evidently_page(then.select(["blank"]), now, folder / "none.html", 0.25)
except BadData as error:
    print(error.what)
"""


def test_evidently_draws_the_rows_and_leaves_out_what_it_cannot_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name, rows in (("then", 800), ("now", 500)):
        table = pa.table(
            {
                "income": pa.array(np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows)), from_pandas=True),
                "town": rng.choice(["big", "small"], rows),
                "blank": pa.nulls(rows, pa.float64()),
            }
        )
        pq.write_table(table, tmp_path / f"{name}.parquet")
    run = subprocess.run(
        [sys.executable, "-c", DRAW, str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.splitlines() == ["['blank']", "no column has values on both sides"]
    assert (tmp_path / "page.html").stat().st_size > 100_000
    assert not (tmp_path / "none.html").exists()
