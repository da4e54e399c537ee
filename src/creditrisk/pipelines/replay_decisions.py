"""Recorded decisions made again, each with the bundle of its day: the same bits, or what differs and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

from creditrisk.config import Workspace, load_book
from creditrisk.decisions.decide import Decider
from creditrisk.decisions.intake import Intake
from creditrisk.decisions.replay import replay
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadUsage, BrokenFile, MissingInput, Refused
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.ports import DecisionStore, Kept, Registry

TOGETHER = 500
"""Decisions that are made again in one query."""

MOST_TOLD = 100
"""Decisions that differ of which a report tells the places; it counts them all."""

DECIDED = ("decision", "shadow", "correction", "batch")
"""Kinds of records that a bundle made."""


def replay_one(
    store: DecisionStore, workspace: Workspace, registry: Registry, decision_id: str, *, settings: DuckSettings
) -> dict[str, Any]:
    """One decision again. Raises BadUsage for an unknown id, Refused where there is nothing to make it from."""
    kept = store.find(decision_id)
    if kept is None:
        raise BadUsage(
            "there is no such decision", where=f"decision {decision_id}", hint="decision_id stands in the answer"
        )
    why = _kept_from_replay(kept)
    if why is not None:
        raise Refused(why, where=f"decision {decision_id}")
    return _replayed([kept], workspace, registry, settings, lambda _done: None)


def replay_all(
    store: DecisionStore,
    workspace: Workspace,
    registry: Registry,
    books: Sequence[str],
    *,
    settings: DuckSettings,
    progress: Callable[[str, float], None],
) -> dict[str, Any]:
    """Every decision of these books again, in groups. Raises BrokenFile, MissingInput where a bundle is not whole."""
    kept = (one for book in books for one in store.kept(book))
    return _replayed(kept, workspace, registry, settings, lambda done: progress(f"{done:,} decisions", 0.5))


def books_in(workspace: Workspace) -> list[str]:
    """Names of the books that have models here."""
    return sorted(path.parent.name for path in workspace.root.glob("*/models"))


def need_same(report: dict[str, Any]) -> None:
    """Raises BrokenFile naming the first decision that was not made again."""
    if not report["different"]:
        return
    first = report["told"][0]
    raise BrokenFile(
        f"{report['different']:,} of {report['replayed']:,} decisions are not made again; "
        f"the first differs in {', '.join(first['differences'][:3])}",
        where=f"decision {first['decision_id']}",
        hint="creditrisk decisions verify says whether the record was altered",
    )


def find_bundle_of(sha256: str, book: str, workspace: Workspace, registry: Registry) -> Path:
    """The folder of the bundle with this hash: in the workspace, wherever it lies now, else in the registry.

    Raises MissingInput when neither has it.
    """
    own = workspace.book(book).bundle(sha256)
    places = [own, *workspace.root.glob(f"*/models/{sha256[:16]}/bundle")]
    for place in places:
        if (place / "manifest.json").is_file():
            return place
    for version in registry.versions(book):
        if version.bundle_sha256 == sha256:
            return registry.fetch(version)
    raise MissingInput(
        f"the bundle {sha256[:16]} that decided is not here",
        where=str(own),
        hint="put its folder back there; the bundle's hash is checked when it is read",
    )


def _kept_from_replay(kept: Kept) -> str | None:
    if kept.passport.kind not in DECIDED:
        return f"a record of kind {kept.passport.kind} was not made by a model"
    if kept.deleted:
        return "its payload was deleted"
    if kept.locked_by is not None:
        return f"its payload is encrypted with the key {kept.locked_by}, which is not here"
    return None if kept.passport.payload else "it has no payload"


@dataclass
class _Tally:
    same: int = 0
    different: int = 0
    left: dict[str, int] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, None] = field(default_factory=dict)


def _replayed(
    kept: Iterable[Kept],
    workspace: Workspace,
    registry: Registry,
    settings: DuckSettings,
    progress: Callable[[int], None],
) -> dict[str, Any]:
    tally = _Tally()
    with ExitStack() as room:
        models = _Models(workspace, registry, settings, room)
        for some in batched(kept, TOGETHER):
            for sha256, group in _by_bundle(some, tally):
                bundle, intake, decider = models.of(sha256, group[0].passport.book)
                found = replay([dict(one.passport.payload) for one in group], bundle, intake, decider)
                for one, again in zip(group, found, strict=True):
                    differs = [*again.differences, *_unlike_its_payload(one)]
                    tally.environment.update(dict.fromkeys(again.environment_differences))
                    if not differs:
                        tally.same += 1
                        continue
                    tally.different += 1
                    if len(tally.told) < MOST_TOLD:
                        tally.told.append({"decision_id": one.passport.decision_id, "differences": differs})
            progress(tally.same + tally.different)
    return {
        "replayed": tally.same + tally.different,
        "same": tally.same,
        "different": tally.different,
        "left_out": dict(sorted(tally.left.items())),
        "environment_differences": list(tally.environment),
        "compared_to": "1e-9" if tally.environment else "the last bit",
        "told": tally.told,
    }


def _by_bundle(some: Sequence[Kept], tally: _Tally) -> Iterator[tuple[str, list[Kept]]]:
    groups: dict[str, list[Kept]] = {}
    for one in some:
        why = _kept_from_replay(one)
        if why is None:
            groups.setdefault(one.passport.bundle_sha256, []).append(one)
        else:
            tally.left[why] = tally.left.get(why, 0) + 1
    yield from groups.items()


def _unlike_its_payload(one: Kept) -> list[str]:
    """Columns of the record that say otherwise than its payload, which was made again."""
    passport, answer = one.passport, one.passport.payload.get("answer", {})
    told = {"pd": passport.pd, "score": passport.score, "grade": passport.grade, "decision": passport.decision}
    return [f"record.{name}" for name, value in told.items() if name in answer and answer[name] != value]


class _Models:
    """Each bundle loaded once."""

    def __init__(self, workspace: Workspace, registry: Registry, settings: DuckSettings, room: ExitStack) -> None:
        self._workspace, self._registry, self._settings, self._room = workspace, registry, settings, room
        self._loaded: dict[str, tuple[Bundle, Intake, Decider]] = {}

    def of(self, sha256: str, name: str) -> tuple[Bundle, Intake, Decider]:
        if sha256 not in self._loaded:
            folder = find_bundle_of(sha256, name, self._workspace, self._registry)
            bundle, book = load_bundle(folder, expected=sha256), load_book(folder)
            decider = Decider(bundle, book, self._settings)
            self._room.callback(decider.close)
            self._loaded[sha256] = bundle, Intake(book), decider
        return self._loaded[sha256]
