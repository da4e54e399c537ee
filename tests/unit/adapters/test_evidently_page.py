"""Without the extra, one sentence says what brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from creditrisk.adapters.evidently_page import write_evidently_page
from creditrisk.errors import OutsideFailed


def test_without_the_extra_the_hint_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "evidently", None)
    rows = pa.table({"income": [1.0, 2.0]})
    with pytest.raises(OutsideFailed) as told:
        write_evidently_page(rows, rows, tmp_path / "page.html", 0.25)
    assert 'pip install "creditrisk[reports]"' in told.value.hint
    assert told.value.exit_code == 3
