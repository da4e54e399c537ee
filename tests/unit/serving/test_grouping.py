"""Those who wait are decided together and kept together, and nobody fails for somebody else's record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from creditrisk.errors import BadUsage, DuplicateKey
from creditrisk.serving.grouping import Grouping
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.problems import HttpProblem


class Decider:
    """Decides words: "bad" breaks a group. It waits until somebody lets it go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.may = threading.Event()
        self.may.set()

    def decide(self, words: Sequence[str]) -> list[str]:
        self.may.wait(30)
        self.groups.append(list(words))
        if "bad" in words:
            raise ValueError("secret")
        return [word.upper() for word in words]


class Store:
    def __init__(self) -> None:
        self.kept: list[list[str]] = []
        self.used: set[str] = set()
        self.away = False

    def append(self, records: Sequence[str]) -> None:
        if self.away:
            raise OSError("secret")
        if "NUL" in records:
            raise BadUsage("text with NUL cannot be kept")
        if repeated := self.used & set(records):
            raise DuplicateKey((word, word) for word in repeated)
        self.used |= {record for record in records if record.startswith("K")}
        self.kept.append(list(records))


def run(work: Callable[[Grouping, Any, Decider, Store], Any], **limits: Any) -> tuple[Decider, Store]:
    decider, store = Decider(), Store()
    chosen = {"waiting_max": 100, "group_max": 50, **limits}

    async def inside() -> None:
        grouping = Grouping(store, Metrics(), **chosen)  # type: ignore[arg-type]
        try:
            await work(grouping, SimpleNamespace(decider=decider), decider, store)
        finally:
            decider.may.set()
            await asyncio.to_thread(grouping.close)

    asyncio.run(inside())
    return decider, store


def ask(grouping: Grouping, model: Any, *words: str) -> Any:
    return asyncio.ensure_future(grouping.decide_and_keep(model, words, list))  # type: ignore[arg-type]


async def ask_together(grouping: Grouping, model: Any, decider: Decider, *words: str) -> list[Any]:
    """A request for each word; all but the first come while the first is decided."""
    decider.may.clear()
    first = ask(grouping, model, words[0])
    while not grouping._to_decide.empty() or not grouping._taken_in:
        await asyncio.sleep(0.001)
    others = [ask(grouping, model, word) for word in words[1:]]
    await asyncio.sleep(0)
    decider.may.set()
    return [first, *others]


def test_those_who_came_while_others_were_decided_are_decided_together() -> None:
    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        asked = await ask_together(grouping, model, decider, *"abcd")
        assert [await one for one in asked] == [["A"], ["B"], ["C"], ["D"]]

    decider, store = run(work)
    assert decider.groups == [["a"], ["b", "c", "d"]]
    assert [word for group in store.kept for word in group] == ["A", "B", "C", "D"]


def test_a_record_that_breaks_its_group_fails_alone() -> None:
    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        _, good, bad, other = await ask_together(grouping, model, decider, "first", "x", "bad", "y")
        assert await good == ["X"]
        assert await other == ["Y"]
        with pytest.raises(HttpProblem) as caught:
            await bad
        assert caught.value.status == 500
        assert "secret" not in str(caught.value)

    decider, _ = run(work)
    assert decider.groups[:2] == [["first"], ["x", "bad", "y"]]


def test_a_repeated_key_fails_alone_and_the_others_of_its_group_are_kept() -> None:
    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        store.used.add("K1")
        _, repeated, other = await ask_together(grouping, model, decider, "first", "k1", "z")
        with pytest.raises(DuplicateKey):
            await repeated
        assert await other == ["Z"]

    decider, store = run(work)
    assert decider.groups == [["first"], ["k1", "z"]]
    assert store.kept == [["FIRST"], ["Z"]]


def test_what_cannot_be_written_down_fails_alone() -> None:
    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        _, unwritable, other = await ask_together(grouping, model, decider, "first", "nul", "z")
        with pytest.raises(HttpProblem) as caught:
            await unwritable
        assert (caught.value.status, caught.value.code) == (422, "cannot_be_kept")
        assert await other == ["Z"]

    decider, store = run(work)
    assert decider.groups == [["first"], ["nul", "z"]]
    assert store.kept == [["FIRST"], ["Z"]]


def test_nothing_is_answered_that_could_not_be_kept() -> None:
    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        store.away = True
        with pytest.raises(HttpProblem) as caught:
            await ask(grouping, model, "a")
        assert (caught.value.status, caught.value.retry_after_s) == (503, 2)
        store.away = False
        assert await ask(grouping, model, "a") == ["A"]

    run(work)


def test_when_too_many_wait_the_next_one_is_told_to_come_back() -> None:
    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        decider.may.clear()
        waiting = ask(grouping, model, "a", "b")
        await asyncio.sleep(0)
        with pytest.raises(HttpProblem) as caught:
            await ask(grouping, model, "c")
        assert caught.value.status == 503
        decider.may.set()
        assert await waiting == ["A", "B"]

    run(work, waiting_max=2)


def test_what_was_taken_in_is_answered_before_the_end() -> None:
    answers: list[Any] = []

    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        decider.may.clear()
        answers.extend(ask(grouping, model, word) for word in "abc")
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(grouping.close))
        decider.may.set()
        await closing
        assert [await one for one in answers] == [["A"], ["B"], ["C"]]
        grouping._threads.clear()

    run(work)


def test_a_caller_that_has_gone_is_not_waited_for() -> None:
    async def work(grouping: Grouping, model: Any, decider: Decider, store: Store) -> None:
        gone = ask(grouping, model, "a")
        await asyncio.sleep(0)
        gone.cancel()
        assert await ask(grouping, model, "b") == ["B"]
        assert grouping._taken_in == 0

    run(work)
