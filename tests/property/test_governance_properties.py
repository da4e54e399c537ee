"""However people train, judge, edit, waive, approve, promote, roll back and are killed: the rules hold."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry
from creditrisk.errors import CreditRiskError
from creditrisk.files import write_json
from creditrisk.governance.agreement import GUARDED, aliases_of
from creditrisk.governance.audit import Act, acts_about
from creditrisk.governance.chain_file import verify_chain
from creditrisk.governance.evidence import Pack, folder_of
from creditrisk.governance.ledger import standing
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines import approve_model, auto_promote, moves, promote_model, repair_registry, rollback_model
from creditrisk.pipelines.canary_validation import kept_report
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import freeze_again
from creditrisk.ports import CANDIDATE, PREVIOUS, PRODUCTION, STAGING, LoggedRun
from creditrisk.signatures import signer_in
from tests.support.crashing import Killed, counted_writes
from tests.support.evidence import BUNDLE_FILES, gate, small_pack_body, waiver
from tests.support.tiny_run import tiny_context

PEOPLE = ("ann", "ben", "cas")
GATES = ("auc_floor", "fairness")
VALID_DAYS = 90
WALKS, STEPS = int(os.environ.get("TEST_WALKS", "12")), 80

MET: Counter[str] = Counter()
"""What all walks together came by."""


@dataclass
class Known:
    """What the test itself knows of a version, without asking the code that it tests."""

    trainer: str
    bundle: str
    pack: Pack | None = None
    verdicts: dict[str, str] = field(default_factory=dict)
    waived: dict[str, date] = field(default_factory=dict)
    approved: list[tuple[str, str, datetime]] = field(default_factory=list)
    """(by, evidence, at)"""
    edited: dict[Path, bytes] = field(default_factory=dict)
    """What was there before."""
    canary: tuple[str, str] | None = None
    """(verdict, against)"""
    taken_back: datetime | None = None
    promoted_on: str = ""
    """Evidence of its last promotion."""


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


class World:
    """One book, three people with keys, and up to four models. chance: decides what everybody does next."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.chance = chance
        self.registry, self.clock = InMemoryRegistry(), Clock()
        self.known: dict[int, Known] = {}
        self.moved_by_hand: dict[str, int | None] = {}
        """{alias: what it meant before}"""
        self.context = replace(tiny_context(folder, raw=folder), registry=self.registry, clock=self.clock)
        for name in PEOPLE:
            public = signer_in(self.context.workspace.people, name).public
            self.context.act(Act.KEY_MADE, {"name": name, "public_key": public})

    def by(self, person: str) -> Context:
        return replace(self.context, actor=person)

    @property
    def by_hand(self) -> bool:
        """Is an alias as nobody recorded it?"""
        now = aliases_of(self.registry.versions("tiny"))
        return any(now.get(alias) != before for alias, before in self.moved_by_hand.items())

    def production(self) -> int | None:
        return aliases_of(self.registry.versions("tiny")).get(PRODUCTION)

    def step(self) -> str:
        """Somebody does something; says who did what."""
        chance, people = self.chance, self.chance.choice(PEOPLE)
        if not self.known or (len(self.known) < 4 and chance.random() < 0.1):
            return self.train(people)
        number = chance.randint(1, len(self.known))
        dies = chance.choice([None, None, chance.randrange(10)])
        acts: list[tuple[int, Callable[[], str]]] = [
            (2, lambda: self.validate(number, chance.choices(("pass", "fail", "not_enough_evidence"), (8, 1, 1), k=2))),
            (2, lambda: self.waive(number, chance.choice(GATES), chance.randrange(60))),
            (1, lambda: self.edit(number)),
            (2, lambda: self.restore(number)),
            (4, lambda: self.approve(number, people)),
            (3, lambda: self.canary(number, chance.choice(["pass", "pass", "fail", "not_enough_evidence"]))),
            (5, lambda: self.make_ready(number, people)),
            (1, lambda: self.days_pass(chance.randint(1, 50))),
            (1, lambda: self.move_by_hand(chance.choice(GUARDED), number)),
            (2, lambda: self.promote(people, number, STAGING, dies)),
            (9, lambda: self.promote(people, number, PRODUCTION, dies)),
            (4, lambda: self.promote(people, None, PRODUCTION, dies)),
            (4, lambda: self.roll_back(people, dies)),
            (2, lambda: self.repair(people, dies)),
        ]
        (act,) = chance.choices([act for _, act in acts], [weight for weight, _ in acts])
        return act()

    def train(self, person: str) -> str:
        number = len(self.known) + 1
        bundle = f"{number:02x}" * 32
        folder = self.context.folder.bundle(bundle)
        for name, content in BUNDLE_FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        write_json(
            folder / "policy.json", {"cut_off": {"refer_from_pd": 0.2, "decline_from_pd": 0.3, "cost_of_bad": None}}
        )
        self.by(person).act(Act.TRAINED, {"bundle": bundle})
        run = LoggedRun(f"run-{number}", str(folder), bundle)
        version = self.registry.register("tiny", run, alias=CANDIDATE, tags={"actor": person})
        moves.record_registration(self.by(person), version)
        self.known[number] = Known(person, bundle)
        return f"{person} trains {number}"

    def validate(self, number: int, verdicts: Sequence[str]) -> str:
        known = self.known[number]
        known.verdicts, known.waived = dict(zip(GATES, verdicts, strict=True)), {}
        self.freeze(known)
        return f"{number} is judged {verdicts}"

    def waive(self, number: int, name: str, days: int) -> str:
        known = self.known[number]
        if known.pack is not None:
            known.waived[name] = self.clock.now().date() + timedelta(days=days)
            self.freeze(known)
        return f"{name} of {number} is waived for {days} days"

    def freeze(self, known: Known) -> None:
        folder = self.context.folder.bundle(known.bundle)
        body = small_pack_body(
            [gate(name, verdict) for name, verdict in known.verdicts.items()],
            [waiver(name, until.isoformat()) for name, until in known.waived.items()],
            bundle_sha256=known.bundle,
            bundle={name: sha256_of_file(folder / name) for name in (*BUNDLE_FILES, "policy.json")},
            book="tiny",
            data_sha256="da" * 32,
            verdict="pass",
        )
        del body["number"], body["before"]
        known.pack = freeze_again(self.context, body, {"test_metrics.json": b'{"roc_auc": 0.7}'})

    def edit(self, number: int) -> str:
        """One byte of one file of the evidence, of the bundle or of an approval."""
        known = self.known[number]
        if known.pack is None:
            return f"{number} has nothing to edit"
        files = [*known.pack.folder.rglob("*"), *self.context.folder.bundle(known.bundle).rglob("*")]
        path = self.chance.choice(sorted(path for path in files if path.is_file()))
        content = bytearray(path.read_bytes())
        known.edited.setdefault(path, bytes(content))
        content[self.chance.randrange(len(content))] ^= 1 << self.chance.randrange(8)
        path.write_bytes(content)
        return f"a byte of {path.name} of {number} is flipped"

    def restore(self, number: int) -> str:
        known = self.known[number]
        for path, content in known.edited.items():
            path.write_bytes(content)
        known.edited = {}
        return f"{number} is as it was frozen"

    def approve(self, number: int, person: str) -> str:
        known = self.known[number]
        with suppress(CreditRiskError):
            signer = signer_in(self.context.workspace.people, person)
            approve_model.run(self.by(person), number, "a test", lambda: signer)
            assert known.pack is not None
            known.approved.append((person, known.pack.sha256, self.clock.time))
            return f"{person} approves {number}"
        return f"{person} may not approve {number}"

    def canary(self, number: int, verdict: str) -> str:
        """The report as the stage leaves it, without two models that decide."""
        known, live = self.known[number], self.production()
        against = self.known[live].bundle if live else "none"
        path = kept_report(self.context, known.bundle)
        found = {"name": "approval_rate", "verdict": verdict, "reason": "a test"}
        write_json(path, {"verdict": verdict, "gates": [found], "at": self.clock.now().isoformat()})
        told = {"bundle": known.bundle, "against": against, "report": sha256_of_file(path), "verdict": verdict}
        self.context.act(Act.CANARIED, told)
        known.canary = (verdict, against)
        return f"canary of {number} against {live}: {verdict}"

    def make_ready(self, number: int, person: str) -> str:
        """All that a promotion asks for, unless that person trained it."""
        done = [self.restore(number), self.validate(number, ("pass", "pass")), self.canary(number, "pass")]
        return "; ".join([*done, self.approve(number, person)])

    def days_pass(self, days: int) -> str:
        self.clock.time += timedelta(days=days)
        return f"{days} days pass"

    def move_by_hand(self, alias: str, number: int) -> str:
        if self.context.folder.unfinished_move.exists():
            return "nobody helps by hand"
        before = aliases_of(self.registry.versions("tiny")).get(alias)
        self.moved_by_hand.setdefault(alias, before)
        self.registry.set_alias("tiny", alias, number)
        return f"{alias} is set to {number} by hand"

    def promote(self, person: str, number: int | None, to: str, dies: int | None) -> str:
        with self.watched(dies):
            if number is None:
                auto_promote.run(self.by(person))
            else:
                promote_model.run(self.by(person), number, to, "a test")
        return f"{person} promotes {number or 'the candidate'} to {to}, dies at {dies}: production {self.production()}"

    def roll_back(self, person: str, dies: int | None) -> str:
        live, back = self.production(), aliases_of(self.registry.versions("tiny")).get(PREVIOUS)
        with self.watched(dies, back_to=back):
            rollback_model.run(self.by(person), "a test")
        if self.production() != live and live is not None:
            self.known[live].taken_back = self.clock.time
        return f"{person} rolls back, dies at {dies}: production {self.production()}"

    def repair(self, person: str, dies: int | None) -> str:
        with counted_writes(self.registry) as writes, suppress(Killed):
            writes.die_before = dies
            repair_registry.run(self.by(person), "a test")
            self.moved_by_hand = {}
        return f"{person} repairs, dies at {dies}"

    @contextmanager
    def watched(self, dies: int | None, back_to: int | None = None) -> Iterator[None]:
        """What the command moves into production must be allowed there at that moment."""
        before, by_hand = self.production(), self.by_hand
        with counted_writes(self.registry) as writes, suppress(Killed, CreditRiskError):
            writes.die_before = dies
            yield
            self.moved_by_hand = {}
        MET["died"] += dies is not None and writes.done == dies
        after = self.production()
        if after == before or after is None:
            return
        assert not by_hand, "nothing is moved on top of what was moved by hand"
        known = self.known[after]
        if back_to == after and known.promoted_on:
            MET["rolled back"] += 1
            self.need_intact(known, known.promoted_on)
            return
        MET["promoted"] += 1
        self.need_allowed(known, before)
        assert known.pack is not None
        known.promoted_on = known.pack.sha256

    def need_intact(self, known: Known, evidence: str) -> None:
        frozen, bundle = folder_of(self.context.folder.bundle(known.bundle).parent, evidence), known.bundle
        spoilt = [path for path in known.edited if path.read_bytes() != known.edited[path]]
        of_it = [path for path in spoilt if path.is_relative_to(frozen) or path.is_relative_to(
            self.context.folder.bundle(bundle))]  # fmt: skip
        assert [path for path in of_it if path.parent.name != "approvals"] == []

    def need_allowed(self, known: Known, before: int | None) -> None:
        assert known.pack is not None, "without evidence"
        self.need_intact(known, known.pack.sha256)
        today = self.clock.time.date()
        for name, verdict in known.verdicts.items():
            assert verdict == "pass" or known.waived.get(name, date.min) >= today, f"gate {name} says {verdict}"
        spoilt = [path.stem.partition("-")[2] for path in known.edited
                  if path.parent.name == "approvals" and path.read_bytes() != known.edited[path]]  # fmt: skip
        assert [
            by
            for by, evidence, at in known.approved
            if evidence == known.pack.sha256
            and by != known.trainer
            and by not in spoilt
            and self.clock.time < at + timedelta(days=VALID_DAYS)
            and (known.taken_back is None or known.taken_back < at)
        ], "no other person's approval of this evidence counts"
        against = "none" if before is None else self.known[before].bundle
        assert known.canary == ("pass", against), "no canary against what was live"

    def check(self) -> None:
        """What is always so, whoever was killed when."""
        assert verify_chain(self.context.workspace.audit).unbroken
        if self.context.folder.ledger.exists():
            assert verify_chain(self.context.folder.ledger).unbroken
        if self.by_hand or self.context.folder.unfinished_move.exists():
            return
        assert moves.disagreeing(self.context) == []
        told = [entry for entry in moves.recorded(self.context) if entry.move.act is not Act.REGISTERED]
        kinds = {entry.move.act for entry in told}
        acts = acts_about(self.context.workspace.audit, *kinds) if kinds else []
        assert {entry.line for entry in told} == {act["hashes"].get("ledger") for act in acts} - {None}
        live = standing(told).production
        assert (None if live is None else live.move.aliases[PRODUCTION]) == self.production()


@pytest.mark.parametrize("seed", range(WALKS))
def test_nothing_reaches_production_without_gates_canary_and_another_persons_approval(
    seed: int, tmp_path: Path
) -> None:
    world = World(tmp_path, random.Random(seed))
    told: list[str] = []
    try:
        for _ in range(STEPS):
            told.append(world.step())
            world.check()
        repair_registry.run(world.by("cas"), "the end")
        assert moves.disagreeing(world.context) == []
        assert not world.context.folder.unfinished_move.exists()
    except BaseException as error:
        error.add_note("\n".join(told[-25:]))
        raise


def test_the_walks_came_by_what_they_are_to_judge() -> None:
    """A property of promotions that no walk ever made would be true of nothing."""
    assert min(MET[what] for what in ("promoted", "rolled back", "died")) >= WALKS / 2, dict(MET)
