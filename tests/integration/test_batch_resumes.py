"""A recorded batch that is killed again and again ends as one that nobody disturbed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from creditrisk.pipelines.stages import run_stages
from tests.support.batch_runs import decide
from tests.support.decision_stores import open_store
from tests.support.tiny_run import tiny_context, write_tiny_raw

KILLS, ROWS = 20, 240


def test_decisions_are_kept_exactly_once_whenever_the_run_is_killed(tmp_path: Path) -> None:
    context = tiny_context(tmp_path)
    run_stages(context, last="train")
    (bundle,) = context.folder.models.glob("*/bundle")
    broken, whole = tmp_path / "broken" / "d.csv", tmp_path / "whole" / "d.csv"
    url = f"sqlite:///{tmp_path / 'broken.db'}"
    raw = write_tiny_raw(tmp_path / "scored", rows=ROWS)
    words = (tmp_path / "child", bundle, raw, broken, url, KILLS)
    command = [sys.executable, "-m", "tests.support.batch_runs", *map(str, words)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.endswith(f"killed {KILLS}\n")
    decide(replace(context, raw=raw), str(bundle), whole, f"sqlite:///{tmp_path / 'whole.db'}")
    assert broken.read_bytes() == whole.read_bytes()
    assert list(broken.parent.iterdir()) == [broken]
    with closing(open_store(url)) as store:
        kept = [one.passport.entity_id for one in store.kept("tiny")]
        verified = store.verify()
    assert sorted(map(int, filter(None, kept))) == list(range(1, ROWS + 1))
    assert verified.unbroken, verified.breaks
