"""Chains of decision records: what a link covers, what is signed, and what proves that nothing was changed.

A chain belongs to one writer, from its opening record (with the writer's public key) to its closing one. A link is the
sha256 over a record's public columns, the commitment to its payload and the link before, so payload and salt may be
deleted and the chain still holds. The last record of every append is signed, so that nobody without the key can write a
chain anew. An opening record names the heads of other chains, so that these cannot lose their ends unnoticed later.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from operator import attrgetter
from types import NoneType
from typing import Any

import orjson

from creditrisk.errors import BadUsage, CreditRiskError, DuplicateKey
from creditrisk.kinds import canonical_json
from creditrisk.ports import ActUpon, ChainBreak, ChainState, Idempotency, Kept, Passport, Verification
from creditrisk.sealing import PayloadKeys, Sealed
from creditrisk.signatures import Signer, is_signed_by

NO_LINK = "0" * 64
"""`previous` of the first record."""

LINK_VERSION = 1
OPENED, CLOSED, DELETION, HOLD, RELEASE = "opened", "closed", "deletion", "hold", "release"
ACTS = frozenset({OPENED, CLOSED, DELETION, HOLD, RELEASE})
"""Kinds of records that the store writes of itself. Every other kind is a passport's."""

_ALIKE = frozenset({str, int, bool, NoneType, orjson.Fragment})
"""Canonical JSON and the fast writer spell these alike."""

MOST_BREAKS = 100
"""Breaks that are told one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record without what is personal. Every field but the last two is covered by the link."""

    chain_id: str
    sequence: int
    kind: str
    time: str
    decision_id: str | None = None
    request_id: str | None = None
    caller: str | None = None
    book: str | None = None
    bundle_sha256: str | None = None
    model_version: str | None = None
    pd: float | None = None
    score: int | None = None
    grade: str | None = None
    decision: str | None = None
    about: str | None = None
    idempotency_key: str | None = None
    idempotency_part: int | None = None
    """Place among the passports of the request, from 0: (caller, key, part) comes once in a store."""
    body_sha256: str | None = None
    act: str | None = None
    """Canonical JSON of what an act says."""
    key_id: str | None = None
    """Of the key that the payload is encrypted with."""
    commitment: str | None = None
    signed: bool = False
    previous: str = NO_LINK
    link: str = ""
    signature: str | None = None


LINKED = tuple(each.name for each in fields(Record) if each.name not in ("link", "signature"))
_linked = attrgetter(*LINKED)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    chain_id: str
    sequence: int
    link: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that has no place in a chain yet, with what is personal in it."""

    record: Record
    sealed: Sealed | None = None


def link_of(record: Record) -> str:
    return _link(dict(zip(LINKED, _linked(record), strict=True)))


def _link(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(_spelled({"version": LINK_VERSION, **told})).hexdigest()


def _spelled(told: dict[str, Any]) -> bytes:
    """As canonical JSON, and ten times as fast for what a record holds: of that only numbers with a fraction are spelt
    otherwise by the fast writer, and they are given to it as they are to be."""
    pd = told["pd"]
    if type(pd) is float and math.isfinite(pd):
        told = {**told, "pd": orjson.Fragment(repr(pd))}
    with suppress(TypeError):  # what is no column of a record, such as a number of more than 64 bits
        if _ALIKE.issuperset(map(type, told.values())):
            return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return canonical_json({**told, "pd": pd})


def signed_message(link: str) -> bytes:
    return b"creditrisk decision chain\n" + link.encode("ascii")


def extended(head: Head, entries: Sequence[Entry], signer: Signer) -> tuple[Head, list[Entry]]:
    """The entries with their places after `head`, the last one signed, and the new head."""
    placed, previous = [], head.link
    for number, entry in enumerate(entries, start=1):
        last = number == len(entries)
        told = dict(zip(LINKED, _linked(entry.record), strict=True))
        told.update(chain_id=head.chain_id, sequence=head.sequence + number, signed=last, previous=previous)
        link = _link(told)
        signature = signer.sign(signed_message(link)) if last else None
        placed.append(Entry(Record(**told, link=link, signature=signature), entry.sealed))
        previous = link
    return Head(head.chain_id, head.sequence + len(entries), previous), placed


def opened(chain_id: str, signer: Signer, *, at: datetime, software: str, witnessed: Sequence[Head]) -> Entry:
    """The first record of a chain. witnessed: heads of other chains that no opening record has named yet."""
    act = {
        "public_key": signer.public,
        "software": software,
        "witnessed": [[head.chain_id, head.sequence, head.link] for head in witnessed],
    }
    return _act(OPENED, at, act, chain_id=chain_id)


def before_first(chain_id: str) -> Head:
    return Head(chain_id, -1, NO_LINK)


def closed(head: Head, *, at: datetime) -> Entry:
    """The last record of a chain: nothing comes after it."""
    return _act(CLOSED, at, {"records": head.sequence + 2})


def act_upon(kind: str, decision_id: str, *, at: datetime, by: str, note: str, rule: str | None = None) -> Entry:
    """A deletion, hold or release. Raises BadUsage without a name or a note."""
    for name, value in (("by", by), ("note", note)):
        if not value.strip():
            raise BadUsage(f"a {kind} needs --{name}", where="decision store", hint=f"give --{name} TEXT")
    act = {"by": written(by), "note": written(note)} | ({} if rule is None else {"rule": written(rule)})
    return _act(kind, at, act, about=decision_id)


def _act(kind: str, at: datetime, act: Mapping[str, Any], *, chain_id: str = "", about: str | None = None) -> Entry:
    text = canonical_json(act).decode("utf-8")
    return Entry(Record(chain_id, 0, kind, utc_text(at), about=about, act=text))


def told_act(record: Record) -> ActUpon:
    said = _said(record)
    texts = {name: str(said.get(name, "")) for name in ("by", "note")}
    rule = said.get("rule")
    return ActUpon(record.kind, record.time, **texts, rule=None if rule is None else str(rule))  # type: ignore[arg-type]


def entries_of(passports: Sequence[Passport], keys: PayloadKeys) -> list[Entry]:
    """Raises DuplicateKey where two requests use one key, BadUsage for one id twice or what cannot be written down."""
    if len({passport.decision_id for passport in passports}) < len(passports):
        raise BadUsage("a decision of this id is kept already", where="decision store")
    parts: Counter[tuple[str, str]] = Counter()
    requests: dict[tuple[str, str], tuple[str, str]] = {}
    repeated: set[tuple[str, str]] = set()
    entries = []
    for passport in passports:
        part = None
        if passport.idempotency is not None:
            used = (passport.caller, passport.idempotency.key)
            request = (passport.request_id, passport.idempotency.body_sha256)
            if requests.setdefault(used, request) != request:
                repeated.add(used)
            part = parts[used]
            parts[used] += 1
        entries.append(_entry_of(passport, part, keys))
    if repeated:
        raise DuplicateKey(repeated)
    return entries


def _entry_of(passport: Passport, part: int | None, keys: PayloadKeys) -> Entry:
    if passport.kind in ACTS:
        raise BadUsage(f'"{passport.kind}" is an act of the store, no passport', where="decision store")
    if passport.pd is not None and not math.isfinite(passport.pd):
        raise BadUsage("a passport's PD is no number", where="decision store", hint="None says that there is none")
    sealed = keys.seal(passport.entity_id, passport.payload, about=passport.decision_id)
    used = passport.idempotency
    record = Record(
        chain_id="",
        sequence=0,
        kind=passport.kind,
        time=utc_text(passport.time),
        decision_id=written(passport.decision_id),
        request_id=written(passport.request_id),
        caller=written(passport.caller),
        book=written(passport.book),
        bundle_sha256=written(passport.bundle_sha256),
        model_version=None if passport.model_version is None else written(passport.model_version),
        pd=None if passport.pd is None else float(passport.pd),
        score=None if passport.score is None else int(passport.score),
        grade=None if passport.grade is None else written(passport.grade),
        decision=None if passport.decision is None else written(passport.decision),
        about=None if passport.about is None else written(passport.about),
        idempotency_key=None if used is None else written(used.key),
        idempotency_part=part,
        body_sha256=None if used is None else written(used.body_sha256),
        key_id=keys.current,
        commitment=sealed.commitment,
    )
    return Entry(record, sealed)


def kept(record: Record, sealed: Sealed | None, keys: PayloadKeys, *, held: bool) -> Kept:
    """A passport's record as the port tells it. Raises BrokenFile for a payload that was altered."""
    entity: int | str | None = None
    payload: Mapping[str, Any] = {}
    locked = sealed is not None and not keys.opens(record.key_id)
    if sealed is not None:
        entity = sealed.entity
        if not locked:
            entity, payload = keys.unseal(sealed, record.key_id, about=record.decision_id or "")
    used = None if record.idempotency_key is None else Idempotency(record.idempotency_key, record.body_sha256 or "")
    passport = Passport(
        decision_id=record.decision_id or "",
        request_id=record.request_id or "",
        caller=record.caller or "",
        time=datetime.fromisoformat(record.time),
        book=record.book or "",
        bundle_sha256=record.bundle_sha256 or "",
        model_version=record.model_version,
        entity_id=entity,
        pd=record.pd,
        score=record.score,
        grade=record.grade,
        decision=record.decision,
        payload=payload,
        kind=record.kind,  # type: ignore[arg-type]
        about=record.about,
        idempotency=used,
    )
    return Kept(
        passport,
        record.chain_id,
        record.sequence,
        record.link,
        deleted=sealed is None,
        locked_by=record.key_id if locked else None,
        held=held,
    )


def written(text: str) -> str:
    """Text that every database takes as it is. Raises BadUsage for NUL and lone surrogates, without quoting it."""
    try:
        whole = "\0" not in text and text.encode("utf-8") is not None
    except UnicodeEncodeError:
        whole = False
    if not whole:
        raise BadUsage("text with NUL or half a character cannot be kept", where="decision store")
    return text


def utc_text(time: datetime) -> str:
    """Sorts as time does. Raises BadUsage for a time without zone."""
    if time.tzinfo is None:
        raise BadUsage("a time without its zone cannot be kept", where="decision store", hint="give it in UTC")
    return time.astimezone(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Found:
    """A record as it was found in a store, to be verified."""

    record: Record
    sealed: Sealed | None
    deletion: bool
    """Is there a record that says its payload was deleted?"""


@dataclass
class Verifying:
    """Reads chains one after the other, in memory that does not grow with their length.

    trusted: public keys of the writers that are known.
    """

    trusted: frozenset[str]
    records: int = 0
    payloads: int = 0
    deleted: int = 0
    broken: int = 0
    chains: list[ChainState] = field(default_factory=list)
    breaks: list[ChainBreak] = field(default_factory=list)
    _claims: dict[str, dict[int, list[tuple[str, str]]]] = field(default_factory=dict)

    def hear(self, openings: Iterable[Record]) -> None:
        """What opening records say of other chains, before any chain is read."""
        for record in openings:
            for head in _witnessed(record):
                claims = self._claims.setdefault(head.chain_id, {})
                claims.setdefault(head.sequence, []).append((head.link, record.chain_id))

    def read(self, head: Head, found: Iterable[Found], *, witnessed: int = -1) -> None:
        """One chain, in the order of its sequence.

        head: where the store says that it ends.   witnessed: how far it says that other chains name it; -1 = not.
        """
        claims = self._claims.pop(head.chain_id, {})
        if witnessed != max(claims, default=-1):
            self._tell(ChainBreak("other chains did not see as much of it as the store says", head.chain_id))
        previous, expected, public_key = NO_LINK, 0, ""
        first: Record | None = None
        last: Record | None = None
        for each in found:
            record = each.record
            self.records += 1
            first = first or record
            if last is not None and last.kind == CLOSED:
                self._break(record, "a record comes after the chain was closed")
            if record.sequence != expected:
                gap = f"records {expected} to {record.sequence - 1} are missing"
                self._break(record, gap if record.sequence > expected else "a record was added or moved")
            elif record.previous != previous:
                self._break(record, "it names another record before it: that one was replaced, or this one was moved")
            if record.sequence == 0:
                public_key = self._opening(record)
            self._one(each, public_key)
            for link, witness in claims.pop(record.sequence, []):
                if link != record.link:
                    self._break(record, f"chain {witness} saw another record here")
            previous, expected, last = record.link, record.sequence + 1, record
        self._ending(head, last)
        for sequence in sorted(claims):
            what = f"chain {claims[sequence][0][1]} saw a record here that is gone: the end was cut off"
            self._tell(ChainBreak(what, head.chain_id, sequence))
        self.chains.append(
            ChainState(
                chain_id=head.chain_id,
                records=expected,
                closed=last is not None and last.kind == CLOSED,
                opened=first.time if first else "",
                last_written=last.time if last else "",
                head=last.link if last else "",
                public_key=public_key,
            )
        )

    def finish(self) -> Verification:
        """After the last chain: those that others saw and that are gone, and what was found in all."""
        for chain_id, claims in self._claims.items():
            witness = next(iter(claims.values()))[0][1]
            self._tell(ChainBreak(f"chain {witness} saw this chain, and it is gone", chain_id))
        self._claims.clear()
        return Verification(
            self.records, self.payloads, self.deleted, tuple(self.chains), tuple(self.breaks), self.broken
        )

    def stray(self, chain_id: str, sequence: int | None, what: str) -> None:
        """Something in the store that belongs to no record."""
        self._tell(ChainBreak(what, chain_id, sequence))

    def _one(self, each: Found, public_key: str) -> None:
        record = each.record
        if not _is_own_link(record):
            self._break(record, "it was altered: its link is not that of its columns")
        if record.signed != (record.signature is not None):
            self._break(record, "its signature was removed" if record.signed else "a signature was added")
        elif record.signature is not None and not is_signed_by(
            public_key, signed_message(record.link), record.signature
        ):
            self._break(record, "its signature is not that of the chain's key")
        self._payload(each)

    def _payload(self, each: Found) -> None:
        record, sealed = each.record, each.sealed
        if record.commitment is None:
            if sealed is not None:
                self._break(record, "a payload was added to a record that has none")
        elif sealed is None:
            self.deleted += 1
            if not each.deletion:
                self._break(record, "its payload is gone and no record says who deleted it")
        else:
            self.payloads += 1
            if sealed.commitment != record.commitment:
                self._break(record, "its payload, entity or salt was altered")
            elif each.deletion:
                self._break(record, "its payload was deleted and is there again")

    def _opening(self, record: Record) -> str:
        if record.kind != OPENED:
            self._break(record, "the chain does not begin with its opening record")
        public_key = _said(record).get("public_key", "")
        if public_key not in self.trusted:
            self._break(
                record,
                f"its writer's key {str(public_key)[:16]}… is not known here: the chain was written anew, or the "
                "writer's .pub file is missing in the keys folder",
            )
        return str(public_key)

    def _ending(self, head: Head, last: Record | None) -> None:
        if last is None:
            self._tell(ChainBreak("all its records are missing", head.chain_id))
        elif last.sequence < head.sequence:
            self._break(last, f"records {last.sequence + 1} to {head.sequence} are missing: the end was cut off")
        elif last.sequence > head.sequence:
            self._break(last, "there are more records than its writer made")
        elif last.link != head.link:
            self._break(last, "the chain ends with another record than its writer made")
        elif not last.signed:
            self._break(last, "the chain's last record is not signed")

    def _break(self, record: Record, what: str) -> None:
        self._tell(ChainBreak(what, record.chain_id, record.sequence, record.decision_id))

    def _tell(self, told: ChainBreak) -> None:
        self.broken += 1
        if len(self.breaks) < MOST_BREAKS:
            self.breaks.append(told)


def _is_own_link(record: Record) -> bool:
    try:
        return link_of(record) == record.link
    except CreditRiskError:  # a column that is no JSON at all
        return False


def _witnessed(record: Record) -> list[Head]:
    try:
        return [Head(str(chain), int(sequence), str(link)) for chain, sequence, link in _said(record)["witnessed"]]
    except (KeyError, TypeError, ValueError):  # altered, which its link tells
        return []


def _said(record: Record) -> dict[str, Any]:
    try:
        told = json.loads(record.act or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
