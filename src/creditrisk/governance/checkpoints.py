"""Signed notes of how long the audit chain is and what its last line was: whoever cuts off its end contradicts one.

`audit_checkpoints.jsonl` is a chain file of its own beside the audit chain. A line names the act up to which it vouches
(`acts`, and the sha256 of that act's line, `head`), the key and its signature over the rest of the line. The first act
of a new day (UTC) writes one, and so does `creditrisk audit checkpoint`. Who can write the workspace and read its key
can write both files anew: a copy kept elsewhere shows that too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from creditrisk.errors import BrokenFile, MissingInput
from creditrisk.governance.chain_file import (
    NO_LINE,
    ChainVerdict,
    append_line_if,
    hash_of_line,
    last_line,
    lines_of,
    verify_chain,
)
from creditrisk.kinds import canonical_json
from creditrisk.signatures import PRIVATE, PUBLIC, Signer, is_signed_by, keep_public, public_keys_in, signer_in

CHECKPOINTS = "audit_checkpoints.jsonl"
KEYS = "keys"
CHECKPOINTED = b'"act":"checkpointed"'
AFTER = "after"
"""In the hashes of the act `checkpointed`: the line of the last checkpoint then."""
KEY = "audit"
"""Name of the workspace's key that signs checkpoints."""

TORN = "torn"
"""What a line has that only tells of one which a killed writer left unfinished."""

RESTORE = "`creditrisk audit verify` names what is wrong; restore the file from a copy"


def checkpoints_of(chain: Path) -> Path:
    """Where the checkpoints of this audit chain lie."""
    return chain.with_name(CHECKPOINTS)


def is_new_day(chain: Path, act: Mapping[str, Any]) -> bool:
    """Has nobody vouched for the chain on the act's day, or since? Reads the end of a short file."""
    last = last_line(checkpoints_of(chain))
    return last is None or TORN in last or not _same_day(last, act)


def write_checkpoint(chain: Path, act: Mapping[str, Any], *, daily: bool = False) -> dict[str, Any] | None:
    """Vouch for the chain up to this act, a line that `append_line` returned; None where somebody did meanwhile.

    It has the act's time.   daily: only if nobody vouched on the act's day.
    Raises what `append_line` raises, BrokenFile for a key that is none or that others may read.
    """
    signer = _signer(chain.parent / KEYS)

    def told(last: dict[str, Any] | None) -> dict[str, Any] | None:
        if last is not None and TORN not in last and (last["acts"] >= act["seq"] or (daily and _same_day(last, act))):
            return None
        return {"acts": act["seq"], "head": hash_of_line(act)}

    def torn(kept: Mapping[str, str]) -> dict[str, Any]:
        return {TORN: dict(kept)}

    at = _AtOnce(datetime.fromisoformat(act["time"]))
    return append_line_if(checkpoints_of(chain), told, torn=torn, clock=at, sealed=lambda line: _signed(line, signer))


@dataclass(frozen=True, slots=True)
class _AtOnce:
    """The clock at the moment of an act."""

    time: datetime

    def now(self) -> datetime:
        return self.time


@dataclass(frozen=True, slots=True)
class Audited:
    """What `verify_audit` found. A problem has its file and its line, counted from 1."""

    acts: int
    head: str
    checkpoints: int
    covered_acts: int
    """Acts whose removal would contradict a checkpoint."""
    covered_since: str | None
    """Time of the first checkpoint, in UTC; the end of the chain can be cut off unnoticed as it was before."""
    covered_until: str | None
    keys: tuple[str, ...] = field(default=())
    """Public keys that signed."""
    file: str = ""
    line: int | None = None
    problem: str = ""

    @property
    def unbroken(self) -> bool:
        return not self.problem


def verify_audit(chain: Path, *, copy: Path | None = None, keys: Path | None = None) -> Audited:
    """The audit chain, its checkpoints, and each against the other: the first thing that is not as it was written.

    copy: checkpoints that were kept elsewhere; what they say comes first.
    keys: folder with the `.pub` files to believe; else the workspace's own.
    Raises MissingInput where there is no chain or no such copy.
    """
    own, believed = checkpoints_of(chain), public_keys_in(keys or chain.parent / KEYS)
    if copy is not None and not copy.is_file():
        raise MissingInput("there is no such file", where=str(copy), hint="a copy of audit_checkpoints.jsonl")
    noted: dict[int, str] = {}
    told: list[dict[str, Any]] = []
    broken: list[tuple[Path, ChainVerdict]] = []
    for path in (copy, own):
        if path is None or not path.is_file():
            continue
        lines, verdict = _read(path, believed)
        if path == own and not verdict.problem:
            verdict = _against(verdict, lines, told)
        broken += [(path, verdict)] if verdict.problem else []
        noted |= {line["acts"]: line["head"] for line in lines if TORN not in line and line["acts"] not in noted}
        told = told if len(told) > len(lines) else lines
    if told and not own.is_file():
        broken.append((own, ChainVerdict(0, "", 1, "the checkpoints were removed: the copy has some")))
    verdict = verify_chain(chain, noted)
    broken = [(chain, verdict), *broken] if verdict.problem else broken
    if not broken:
        lost = _lost(chain, told)
        broken += [(own, lost)] if lost else []
    vouching = [line for line in told if TORN not in line]
    path, first = broken[0] if broken else (chain, verdict)
    return Audited(
        acts=verdict.acts,
        head=verdict.head,
        checkpoints=len(vouching),
        covered_acts=max((line["acts"] for line in vouching), default=0),
        covered_since=vouching[0]["time"] if vouching else None,
        covered_until=vouching[-1]["time"] if vouching else None,
        keys=tuple(dict.fromkeys(line["public_key"] for line in vouching)),
        file=path.name if first.problem else "",
        line=first.line,
        problem=first.problem,
    )


def _read(path: Path, believed: frozenset[str]) -> tuple[list[dict[str, Any]], ChainVerdict]:
    """The lines that are as they were written and signed, and what is wrong with the first that is not."""
    verdict = verify_chain(path)
    lines: list[dict[str, Any]] = []
    try:
        for line in lines_of(path, remedy=RESTORE):
            problem = _doubt(line, lines, believed)
            if problem:
                return lines, ChainVerdict(len(lines), "", line["seq"], f"line {line['seq']} {problem}")
            lines.append(line)
            if len(lines) == verdict.acts:
                break
    except BrokenFile:
        pass  # `verdict` names the line
    return lines, verdict


def _doubt(line: Mapping[str, Any], before: Sequence[Mapping[str, Any]], believed: frozenset[str]) -> str:
    """Why a line that is whole may not be believed; "" when it may."""
    try:
        unsigned = {key: value for key, value in line.items() if key not in ("signature", "check")}
        if not is_signed_by(line["public_key"], canonical_json(unsigned), line["signature"]):
            return "has a signature that is not its own"
        if line["public_key"] not in believed:
            return f"is signed by a key that is not known here ({line['public_key'][:16]})"
        if TORN in line:
            return ""
        vouched = max((one["acts"] for one in before if TORN not in one), default=0)
        return "vouches for no more acts than one before it" if line["acts"] <= vouched else ""
    except (KeyError, TypeError, AttributeError):
        return "is no checkpoint"


def _against(verdict: ChainVerdict, own: Sequence[dict[str, Any]], copy: Sequence[dict[str, Any]]) -> ChainVerdict:
    """The workspace's checkpoints must begin with those of the copy."""
    for number, line in enumerate(copy, start=1):
        if number > len(own):
            return ChainVerdict(len(own), "", number, f"line {number} was cut off: the copy has it")
        if own[number - 1] != line:
            return ChainVerdict(number - 1, "", number, f"line {number} is not the one of the copy")
    return verdict


def _lost(chain: Path, told: Sequence[Mapping[str, Any]]) -> ChainVerdict | None:
    """A checkpoint that an act in the chain names, and that is not there any more."""
    there = {hash_of_line(line) for line in told}
    for act in lines_of(chain, remedy=RESTORE, wanted=lambda line: CHECKPOINTED in line):
        if act["hashes"].get(AFTER, NO_LINE) not in {*there, NO_LINE}:
            return ChainVerdict(len(told), "", len(told) + 1, f"act {act['seq']} names a checkpoint that was removed")
    return None


def _same_day(checkpoint: Mapping[str, Any], act: Mapping[str, Any]) -> bool:
    """In UTC; times are written so that their order is that of their letters."""
    return str(checkpoint["time"])[:10] >= str(act["time"])[:10]


def _signed(line: dict[str, Any], signer: Signer) -> dict[str, Any]:
    told = {**line, "public_key": signer.public}
    return {**told, "signature": signer.sign(canonical_json(told))}


def _signer(folder: Path) -> Signer:
    """The workspace's key. Where only its public half is left, that one is kept for the lines that it signed."""
    public = folder / f"{KEY}{PUBLIC}"
    if public.is_file() and not (folder / f"{KEY}{PRIVATE}").exists():
        keep_public(folder, public.read_text(encoding="ascii").strip())
    return signer_in(folder, KEY)
