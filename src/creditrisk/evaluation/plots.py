"""PNGs from the curves' data, the same bytes each time: bundled font, own style, neither clock nor program inside."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from creditrisk.files import whole_file, whole_folder, write_json

_GOOD, _BAD, _GREY = "#2b6ca3", "#d1662b", "#8a94a0"
_STYLE = {
    "font.family": "DejaVu Sans",  # travels with matplotlib: the same letters on every machine
    "font.size": 10.0,
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": "#333b44",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e9ed",
    "grid.linewidth": 0.8,
    "xtick.color": "#333b44",
    "ytick.color": "#333b44",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
}
_MOST_FEATURES = 25


def plots(
    curves: Mapping[str, Any], importance: Sequence[Mapping[str, Any]] = (), *, invented: bool = False
) -> dict[str, bytes]:
    """PNG bytes by name, for each curve that is there and for the importance (at most 25 features, largest first).

    curves: as `curves.curves` makes them.  importance: [{"feature", "share"}].
    invented: draws "invented data" on every plot.
    """
    drawn = {name: _png(draw, curves[name], invented=invented) for name, draw in _DRAWN.items() if name in curves}
    if curves.get("calibration_by_segment"):
        panels = curves["calibration_by_segment"]
        height = 0.4 + 2.7 * math.ceil(len(panels) / 2)
        drawn["calibration_by_segment"] = _png(_calibration_by_segment, panels, invented=invented, height=height)
    if importance:
        rows = list(importance)[:_MOST_FEATURES]
        drawn["importance"] = _png(_importance, rows, invented=invented, height=1.2 + 0.27 * max(len(rows), 6))
    return drawn


def write_evaluation(
    folder: Path, curves: Mapping[str, Any], importance: Sequence[Mapping[str, Any]] = (), *, invented: bool = False
) -> None:
    """The folder `evaluation/` or `test_evaluation/`: <name>.png for each plot, and all their points in curves.json."""
    with whole_folder(folder) as partial:
        for name, png in plots(curves, importance, invented=invented).items():
            (partial / f"{name}.png").write_bytes(png)
        everything = {**curves, "importance": [dict(row) for row in importance], "invented": invented}
        write_json(partial / "curves.json", json.loads(json.dumps(everything)))


def add_plots(folder: Path, data: Mapping[str, Any], *, invented: bool = False) -> None:
    """<folder>/<name>.png beside what `write_evaluation` wrote there, for each of `cut_offs` and `psi`.

    cut_offs: as `cut_offs.cut_off_table` makes it.  psi: {"score": a shift, "features": shifts, "limit": ...}.
    """
    for name, draw in _ADDED.items():
        if name in data:
            with whole_file(folder / f"{name}.png") as partial:
                partial.write_bytes(_png(draw, data[name], invented=invented, height=5.2 if name == "psi" else 4.4))


def _png(draw: Callable[[Any, Any], None], data: Any, *, invented: bool, height: float = 4.4) -> bytes:
    with _own_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, height), dpi=130, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        draw(axes, data)
        if invented:
            _mark_as_invented(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()


@contextmanager
def _own_style() -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()  # a user's own matplotlibrc does not change a report
        mpl.rcParams.update(_STYLE)
        yield


def _mark_as_invented(figure: Any) -> None:
    figure.get_layout_engine().set(rect=(0, 0.045, 1, 0.955))
    figure.text(0.985, 0.012, "invented data", ha="right", va="bottom", fontsize=10, color="#b3261e", weight="bold")


def _in_percent(axis: Any, decimals: int | None = 0) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=decimals))


def _roc(axes: Any, data: Mapping[str, Any]) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1.2, label="chance")
    axes.plot(data["goods_share"], data["bads_share"], color=_BAD, label="model")
    axes.fill_between(data["goods_share"], data["goods_share"], data["bads_share"], color=_BAD, alpha=0.08, linewidth=0)
    axes.set(title="Receiver operating characteristic", xlabel="share of goods caught", ylabel="share of bads caught")
    axes.set(xlim=(0, 1), ylim=(0, 1.005))
    _in_percent(axes.xaxis)
    _in_percent(axes.yaxis)
    axes.legend(loc="lower right")


def _precision_recall(axes: Any, data: Mapping[str, Any]) -> None:
    axes.axhline(data["chance"], color=_GREY, linestyle="--", linewidth=1.2, label="chance")
    # the first few rows jump between 0 and 1 and tell nothing; the data keep them
    drawn = [(r, p) for r, p in zip(data["recall"], data["precision"], strict=True) if r >= 0.01]
    axes.plot([r for r, _ in drawn], [p for _, p in drawn], color=_BAD, label="model")
    axes.set(xlim=(0, 1), ylim=(0, min(1.02, 1.15 * max(p for _, p in drawn))), title="Precision and recall")
    axes.set(xlabel="recall: share of bads caught", ylabel="precision: bads among the caught")
    _in_percent(axes.xaxis)
    _in_percent(axes.yaxis)
    axes.legend(loc="upper right")


def _calibration(axes: Any, data: Mapping[str, Any]) -> None:
    promised, observed = data["mean_pd"], data["default_rate"]
    below = [max(o - low, 0.0) for o, low in zip(observed, data["low"], strict=True)]
    above = [max(high - o, 0.0) for o, high in zip(observed, data["high"], strict=True)]
    top = 1.06 * max(*promised, *data["high"], 1e-6)
    axes.plot([0, top], [0, top], color=_GREY, linestyle="--", linewidth=1.2, label="promise kept")
    axes.errorbar(promised, observed, yerr=[below, above], fmt="o", markersize=4.5, color=_GOOD, ecolor="#9dbfdb",
                  elinewidth=1.6, label=f"observed, {100 * data['level']:.4g}% interval")  # fmt: skip
    axes.set(xlim=(0, top), ylim=(0, top), title="Calibration", xlabel="mean PD of the group", ylabel="default rate")
    _in_percent(axes.xaxis, None)
    _in_percent(axes.yaxis, None)
    axes.legend(loc="upper left")


def _calibration_by_segment(axes: Any, panels: Sequence[Mapping[str, Any]]) -> None:
    """Two plots a row, in the place of the one."""
    figure = axes.figure
    axes.remove()
    places = figure.subplots(math.ceil(len(panels) / 2), 2, squeeze=False).ravel()
    for place, panel in zip(places, panels, strict=False):
        _calibration(place, panel)
        place.set_title(_shortened(f"{panel['segment']}: {panel['group']}"), fontsize=9.0)
        place.get_legend().remove()
    for place in places[len(panels) :]:
        place.remove()


def _score_distribution(axes: Any, data: Mapping[str, Any]) -> None:
    for name, colour in (("goods", _GOOD), ("bads", _BAD)):
        axes.stairs(data[name], data["edges"], fill=True, color=colour, alpha=0.28)
        axes.stairs(data[name], data["edges"], color=colour, linewidth=1.8, label=name)
    axes.set(title="Score by outcome", xlabel="points (higher is safer)", ylabel="share of the outcome's rows")
    _in_percent(axes.yaxis, None)
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")


def _gains(axes: Any, data: Mapping[str, Any]) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1.2, label="chance")
    axes.plot(data["rows_share"], data["bads_share"], color=_BAD, label="bads met (left)")
    axes.set(xlim=(0, 1), ylim=(0, 1.005), title="Gains and lift")
    axes.set(xlabel="share of rows, riskiest first", ylabel="share of bads met")
    _in_percent(axes.xaxis)
    _in_percent(axes.yaxis)
    lifted = axes.twinx()
    lifted.plot(data["rows_share"][1:], data["lift"], color=_GOOD, linewidth=1.4, linestyle=":", label="lift (right)")
    lifted.set(ylim=(0, 1.1 * max(data["lift"])), ylabel="times more than at random")
    lifted.grid(visible=False)
    lifted.spines["right"].set_visible(True)
    handles = [*axes.get_lines(), *lifted.get_lines()]
    axes.legend(handles=handles, loc="center right")


def _pd_histogram(axes: Any, data: Mapping[str, Any]) -> None:
    axes.stairs(data["rows"], data["edges"], fill=True, color=_GOOD, alpha=0.45)
    promised, observed = data["mean_pd"], data["default_rate"]
    axes.axvline(promised, color=_GOOD, label=f"mean PD {100 * promised:.2f}%")
    axes.axvline(observed, color=_BAD, linestyle="--", label=f"default rate {100 * observed:.2f}%")
    note = f" ({data['beyond']:,} rows lie beyond)" if data["beyond"] else ""
    axes.set(title="Spread of the PDs", xlabel=f"PD{note}", ylabel="rows", xlim=(0, data["edges"][-1]))
    _in_percent(axes.xaxis, None)
    axes.legend(loc="upper right")


def _importance(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    names = [_shortened(str(row["feature"])) for row in rows]
    places = list(range(len(rows)))
    axes.barh(places, [float(row["share"]) for row in rows], color=_GOOD, height=0.7)
    axes.set_yticks(places, names, fontsize=8.5, parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(title="Strongest features", xlabel="share of the model's total importance")
    _in_percent(axes.xaxis, None)


def _shortened(name: str) -> str:
    return name if len(name) <= 44 else name[:43] + "…"


_DRAWN: dict[str, Callable[[Any, Any], None]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "score_distribution": _score_distribution,
    "gains": _gains,
    "pd_histogram": _pd_histogram,
}


def _cut_offs(axes: Any, data: Mapping[str, Any]) -> None:
    rows = [row for row in data["rows"] if row["bad_rate"]]
    rates = [row["approval_rate"] for row in rows]
    low, high = ([row["bad_rate"][end] for row in rows] for end in ("low", "high"))
    axes.fill_between(rates, low, high, color=_BAD, alpha=0.15, linewidth=0)
    axes.plot(rates, [row["bad_rate"]["value"] for row in rows], color=_BAD, label="bad rate of the approved (left)")
    axes.set(title="What each cut-off would do", xlabel="share approved", ylabel="bad rate of the approved")
    axes.set(xlim=(0, 1), ylim=(0, 1.05 * max(*high[len(high) // 2 :], 1e-6)))
    _in_percent(axes.xaxis)
    _in_percent(axes.yaxis, None)
    for place, (name, row) in enumerate(data["chosen"].items()):
        style = ("-.", "-")[place % 2]
        axes.axvline(row["approval_rate"], color=_GREY, linestyle=style, linewidth=1.4, label=f"chosen: {name}")
    handles = axes.get_lines()
    if data["costs"]:
        earned = axes.twinx()
        profits = [row["profit"]["per_application"] for row in rows]
        earned.plot(rates, profits, color=_GOOD, linestyle=":", label="profit an application (right)")
        best = data["best_profit"]
        earned.plot([best["approval_rate"]], [best["profit"]["per_application"]], "o", color=_GOOD, markersize=5,
                    label="best profit, in hindsight")  # fmt: skip
        earned.set(ylabel="profit an application, in the units of the costs")
        earned.grid(visible=False)
        earned.spines["right"].set_visible(True)
        handles = [*handles, *earned.get_lines()]
    axes.legend(handles=handles, loc="upper left", fontsize=8.5)


def _psi(axes: Any, data: Mapping[str, Any]) -> None:
    shifts = [{"feature": "score", **data["score"]}, *list(data["features"])[: _MOST_SHIFTS - 1]]
    shifts = [row for row in shifts if row["psi"] is not None]
    places = list(range(len(shifts)))
    colours = [_BAD if row["verdict"] == "fail" else _GOOD for row in shifts]
    axes.barh(places, [row["psi"] for row in shifts], color=colours, height=0.66)
    axes.plot([row["by_chance"] for row in shifts], places, "|", color="#333b44", markersize=9, markeredgewidth=1.6,
              label="chance alone stays below")  # fmt: skip
    axes.axvline(data["limit"], color=_GREY, linestyle="--", linewidth=1.2, label=f"limit {data['limit']:g}")
    top = min(1.05 * max([data["limit"], *(row["psi"] for row in shifts)]), 4 * data["limit"])
    axes.set_xlim(0, top)
    for place, row in enumerate(shifts):
        if row["psi"] > top:  # what fills the picture is told in figures, so that the others can be seen
            axes.text(0.99 * top, place, f"{row['psi']:.2g}", ha="right", va="center", color="white", fontsize=8.5)
    axes.set_yticks(places, [_shortened(row["feature"]) for row in shifts], fontsize=8.5, parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(title="Shift since development", xlabel="population stability index of the tested rows")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.1), ncols=2, fontsize=8.5)


_MOST_SHIFTS = 16
_ADDED: dict[str, Callable[[Any, Any], None]] = {"cut_offs": _cut_offs, "psi": _psi}
