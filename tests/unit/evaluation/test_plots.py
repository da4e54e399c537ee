import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from creditrisk.evaluation import curves, plots
from tests.support.runs import scored_rows

IMPORTANCE = [{"feature": f"feature_{place}", "share": 0.5**place} for place in range(1, 31)]


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    rows = scored_rows(800)
    return curves.curves(rows.y, rows.pd, rows.score)


def chunks(png: bytes) -> Iterator[tuple[str, bytes]]:
    """Type and content of each chunk of a PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place = 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        yield png[place + 4 : place + 8].decode(), png[place + 8 : place + 8 + length]
        place += 12 + length


def test_the_same_data_give_the_same_bytes_whatever_the_users_style(drawn: dict[str, Any]) -> None:
    some = {name: drawn[name] for name in ("gains", "calibration")}
    first = plots.plots(some, IMPORTANCE)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "pink"}):
        assert plots.plots(some, IMPORTANCE) == first


def test_no_plot_carries_a_clock_or_the_name_of_a_program(drawn: dict[str, Any]) -> None:
    for png in plots.plots(drawn, IMPORTANCE).values():
        assert {kind for kind, _ in chunks(png)} <= {"IHDR", "pHYs", "IDAT", "IEND", "sRGB", "gAMA"}


def test_drawing_leaves_the_users_style_alone(drawn: dict[str, Any]) -> None:
    before = dict(mpl.rcParams)
    plots.plots({"roc": drawn["roc"]})
    assert dict(mpl.rcParams) == before


def test_invented_data_are_marked_on_every_plot_and_only_they(
    drawn: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr("matplotlib.figure.Figure.text", lambda _self, _x, _y, text, **_: written.append(text))
    names = plots.plots(drawn, IMPORTANCE, invented=True)
    assert written == ["invented data"] * len(names)
    plots.plots({"roc": drawn["roc"]}, IMPORTANCE)
    assert len(written) == len(names)


def test_the_mark_changes_the_picture(drawn: dict[str, Any]) -> None:
    assert plots.plots({"roc": drawn["roc"]}) != plots.plots({"roc": drawn["roc"]}, invented=True)


def test_a_feature_named_like_a_formula_is_drawn_as_text() -> None:
    assert plots.plots({}, [{"feature": r"$\frac{1}{", "share": 1.0}, {"feature": "x" * 200, "share": 0.0}])


def test_the_strongest_twenty_five_are_drawn() -> None:
    assert plots.plots({}, IMPORTANCE) == plots.plots({}, IMPORTANCE[:25])


def test_the_folder_holds_each_plot_and_the_points_behind_them(tmp_path: Path, drawn: dict[str, Any]) -> None:
    folder = tmp_path / "test_evaluation"
    plots.write_evaluation(folder, drawn, IMPORTANCE, invented=True)
    written = {path.name for path in folder.iterdir()}
    assert written == {*(f"{name}.png" for name in drawn), "importance.png", "curves.json"}
    data = json.loads((folder / "curves.json").read_text())
    assert data["invented"] is True
    assert data["roc"] == drawn["roc"]
    assert len(data["importance"]) == 30
    assert [path.name for path in tmp_path.iterdir()] == ["test_evaluation"]


def test_segments_are_drawn_two_a_row_and_none_at_all_is_no_plot(drawn: dict[str, Any]) -> None:
    panels = [{"segment": "term", "group": str(place), **drawn["calibration"]} for place in range(3)]
    by_segment = plots.plots({"calibration_by_segment": panels})["calibration_by_segment"]
    assert by_segment.startswith(b"\x89PNG")
    assert plots.plots({"calibration_by_segment": panels}) == {"calibration_by_segment": by_segment}
    assert plots.plots({"calibration_by_segment": []}) == {}
