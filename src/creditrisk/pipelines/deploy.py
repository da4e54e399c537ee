"""Servers get another image: announced, placed, waited for, tried, recorded; or what ran before is put back.

The announcement is on disk before anything changes and goes once the ledger tells how it ended. Whoever finds one looks
what is in place: the new image is waited for and tried as if nothing had happened; the old one means that nothing was
done; something else was put there by somebody else and is left there.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from creditrisk.errors import BadUsage, CreditRiskError, ExitCode, OutsideFailed, Refused, Superseded, did_you_mean
from creditrisk.files import read_json, write_json
from creditrisk.governance import Act, acts_about, ledger, rollouts
from creditrisk.governance.deploy_manifest import pinned
from creditrisk.governance.rollouts import Outcome, Rollout
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines import deploy_manifest
from creditrisk.pipelines.context import Context
from creditrisk.ports import PRODUCTION, Answered, Placed, Platform, ServedApi

REPORT = "deployment.json"
STAGE = "deploy"
DONE_WELL = (Outcome.DEPLOYED,)


@dataclass(frozen=True)
class Wanted:
    """What has to run, and which model has to decide in it. manifest: sha256 of the file that says so."""

    image: str
    version: int
    bundle: str
    manifest: str | None = None
    url: str | None = None
    """The first endpoint that the manifest names."""


class Stopped(OutsideFailed):
    """Somebody ended the command: Ctrl-C, SIGTERM, a kill."""

    def __init__(self, what: str) -> None:
        super().__init__(what, hint="give the command again", retry_may_help=False)


@dataclass(frozen=True)
class Patience:
    """smoke_s: how long a server may take to answer rightly.  undo_s: how long a failing rollback is tried again."""

    smoke_s: float = 120.0
    undo_s: float = 300.0
    sleep: Callable[[float], None] = time.sleep


def wanted(context: Context, image: str | None, manifest: Path | None, name: str) -> Wanted:
    """What is asked for, from the command line, the manifest and the ledger; each must agree with the others.

    name: of the image in the manifest.
    Raises Refused for an image without digest, a manifest that does not hold, and where no model is known to decide.
    """
    asked = None if image is None else pinned(image)[0]
    if manifest is not None:
        return _by_manifest(context, asked, manifest, name)
    if asked is None:
        raise BadUsage("neither --image nor --manifest says what to deploy", hint="--image REF@sha256:…")
    version, bundle = _in_production(context)
    return Wanted(asked, version, bundle)


def run(
    context: Context,
    platform: Platform,
    api: Callable[[], ServedApi],
    want: Wanted,
    note: str = "",
    *,
    patience: Patience | None = None,
    guarded: Callable[[], Any] = lambda: None,
) -> dict[str, Any]:
    """deployment.json of what happened; `need_deployed` tells whether that is what was wanted.

    api: the server to try, asked for once something is in place.  guarded: called before what ran before is put back:
    from then on nobody stops this.
    Raises what the platform says before anything is changed; OutsideFailed where neither forward nor back was possible:
    the next run goes on from there.
    """
    desk = _Desk(context, platform, api, patience or Patience(), guarded)
    left = settle(desk)
    now = platform.placed()
    if now.image == want.image:
        return _there_already(desk, want, now, note, left)
    platform.need_idle()
    rollout = Rollout(
        id=uuid.uuid4().hex,
        platform=platform.kind,
        target=platform.target,
        by=context.actor,
        note=note,
        begun_at=ledger.in_utc(context.clock.now()),
        image=want.image,
        before=replace(now, made=False),
        version=want.version,
        bundle=want.bundle,
        manifest=want.manifest,
    )
    return {**desk.carried_out(rollout), "left_unfinished": left}


def dry_run(context: Context, platform: Platform, want: Wanted) -> dict[str, Any]:
    """What would be changed. Nothing is, and nothing that was left unfinished is settled."""
    now, left = platform.placed(), rollouts.announced(context.folder.unfinished_rollout)
    return {
        "book": context.book.name,
        "platform": platform.kind,
        "target": platform.target,
        "image": want.image,
        "version": want.version,
        "bundle_sha256": want.bundle,
        "before": _told_place(now),
        "unfinished": None if left is None else left.id,
        "changes": [] if now.image == want.image else [dict(change) for change in platform.difference(want.image)],
    }


def need_deployed(told: Mapping[str, Any]) -> None:
    """Raises what went wrong, where the wanted image does not run."""
    if told["outcome"] in DONE_WELL:
        return
    what = {
        Outcome.ROLLED_BACK: "rolled back",
        Outcome.NOT_STABLE: "rolled back, and what ran before is not stable",
        Outcome.SUPERSEDED: "left as somebody else put it",
    }[Outcome(told["outcome"])]
    kind = OutsideFailed if told["exit_code"] == ExitCode.OUTSIDE_FAILED else Refused
    raise kind(f"{told['failure']}; {what}", where=told["target"], hint=told["hint"])


def settle(desk: _Desk) -> str | None:
    """Finish what a killed run left behind, forward or back, and say so in a sentence; None where nothing was."""
    rollout = rollouts.announced(desk.context.folder.unfinished_rollout)
    if rollout is None:
        return None
    if (rollout.platform, rollout.target) != (desk.platform.kind, desk.platform.target):
        raise Refused(
            f"a deployment to {rollout.target} by {rollout.by} was left unfinished",
            where=str(desk.context.folder.unfinished_rollout),
            hint=f"first give the same command for {rollout.target} again: it finishes that, or rolls it back",
        )
    what = f"the deployment that {rollout.by} began at {rollout.begun_at[:19]}"
    if any(one.rollout.id == rollout.id for one in rollouts.rollouts(desk.context.folder.ledger)):
        desk.close(_as_recorded(desk, rollout))
        return f"{what} was recorded already"
    if rollout.failure is not None:
        told = desk.undone(rollout, OutsideFailed(rollout.failure))
    elif rollout.prepared is not None and _same(desk.platform.placed(), rollout.prepared):
        told = desk.carried_out(rollout)
    else:
        told = desk.undone(rollout, Stopped("its command was killed"))
    return f"{what} was found unfinished: {str(told['outcome']).replace('_', ' ')}"


@dataclass
class _Desk:
    context: Context
    platform: Platform
    api: Callable[[], ServedApi]
    patience: Patience
    guarded: Callable[[], Any]

    def carried_out(self, rollout: Rollout) -> dict[str, Any]:
        """Forward as far as it goes, and back where it does not; recorded."""
        log = _Steps(self.context, rollout)
        try:
            self._forward(log)
        except CreditRiskError as error:
            self.guarded()
            return self.undone(log.rollout, error)
        except KeyboardInterrupt as error:
            self.guarded()
            return self.undone(log.rollout, Stopped(f"stopped by {str(error) or 'Ctrl-C'}"))
        except BaseException as error:
            self.guarded()
            self.undone(log.rollout, OutsideFailed(f"a fault in creditrisk itself: {type(error).__name__}"))
            raise
        after = log.rollout.prepared
        return self.close(replace(log.rollout, outcome=Outcome.DEPLOYED, after=after))

    def _forward(self, log: _Steps) -> None:
        log.announce()
        if log.rollout.prepared is None:
            log.step(f"prepare {log.rollout.image}")
            log.prepared(self.platform.prepare(log.rollout.image))
        new = log.rollout.prepared
        assert new is not None
        if not _same(self.platform.placed(), new):
            log.step(f"place {new.definition}")
            self.platform.place(new, instead_of=log.rollout.before)
        log.step("wait until it is stable")
        self.platform.settle(new, log.show)
        log.step("smoke test")
        answered = _tried(self, log.rollout.id, partial(self._expected, log.rollout))
        log.step(f"version {answered.version} decided")

    def _expected(self, rollout: Rollout) -> tuple[int, str]:
        """The model may be moved while servers are deployed: then its ledger says which one has to answer."""
        if rollout.manifest is not None:
            return rollout.version, rollout.bundle
        return _in_production(self.context)

    def undone(self, rollout: Rollout, error: CreditRiskError) -> dict[str, Any]:
        """What ran before is put back, unless it runs, or somebody else put something there; recorded.

        Raises OutsideFailed where the platform does not let it be done: the announcement stays.
        """
        log = _Steps(self.context, replace(rollout, failure=error.what))
        log.step(f"failed: {error.what}")
        try:
            outcome = self._back(log, error)
            log.rollout = replace(log.rollout, outcome=outcome, after=self._insisting(self.platform.placed))
        except CreditRiskError as stuck:
            raise OutsideFailed(
                f"{error.what}; and it could not be rolled back: {stuck.what}",
                where=rollout.target,
                hint=f"give the same command again: it goes on from here; {rollout.before.definition} ran before"
                + (f"; {stuck.hint}" if stuck.hint else ""),
            ) from error
        return self.close(log.rollout, error)

    def _back(self, log: _Steps, error: CreditRiskError) -> Outcome:
        before, new = log.rollout.before, log.rollout.prepared
        now = self._insisting(self.platform.placed)
        if not _same(now, before):
            if new is None or not _same(now, new):
                log.step(f"{now.definition} is in place now, by somebody else")
                return Outcome.SUPERSEDED
            log.step(f"put {before.definition} back")
            try:
                self._insisting(lambda: self.platform.place(before, instead_of=new))
            except Superseded:
                return Outcome.SUPERSEDED
        log.step("wait until what ran before is stable")
        try:
            self._insisting(lambda: self.platform.settle(before, log.show))
            outcome = Outcome.ROLLED_BACK
        except Superseded:
            return Outcome.SUPERSEDED
        except Refused as unstable:
            log.step(f"not stable: {unstable.what}")
            outcome = Outcome.NOT_STABLE
        if new is not None and new.made and not isinstance(error, Superseded):
            self._discarded(new, log)
        return outcome

    def _discarded(self, new: Placed, log: _Steps) -> None:
        log.step(f"discard {new.definition}")
        try:
            self.platform.discard(new)
        except CreditRiskError as error:
            log.step(f"it stays, and runs nowhere: {error.what}")

    def _insisting[Told](self, what: Callable[[], Told]) -> Told:
        """Again and again, as long as another try may help."""
        again = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, OutsideFailed) and error.retry_may_help),
            wait=wait_exponential(multiplier=0.5, max=15),
            stop=stop_after_delay(self.patience.undo_s),
            sleep=self.patience.sleep,
            reraise=True,
        )
        return again(what)

    def close(self, rollout: Rollout, error: CreditRiskError | None = None) -> dict[str, Any]:
        """Ledger, audit chain, report; then the announcement goes. What is done already is not done again."""
        told = rollout
        if told.effective_at is None:
            told = replace(told, effective_at=ledger.in_utc(self.context.clock.now()))
        known = [one for one in rollouts.rollouts(self.context.folder.ledger) if one.rollout.id == told.id]
        entry = known[0] if known else rollouts.record(self.context.folder.ledger, told, clock=self.context.clock)
        act = Act.DEPLOYED if told.outcome in DONE_WELL else Act.DEPLOYMENT_FAILED
        if not acts_about(self.context.workspace.audit, act, rollout=told.id):
            self.context.act(act, _hashes(entry.rollout, entry.line))
        report = _report(self.context, entry, error)
        self.context.folder.unfinished_rollout.unlink(missing_ok=True)
        return report


class _Steps:
    """A rollout under way: every step is announced on disk and shown."""

    def __init__(self, context: Context, rollout: Rollout) -> None:
        self.rollout = rollout
        self._context = context

    def announce(self) -> None:
        write_json(self._context.folder.unfinished_rollout, asdict(self.rollout))

    def step(self, does: str) -> None:
        now = ledger.in_utc(self._context.clock.now())
        self.rollout = replace(self.rollout, steps=(*self.rollout.steps, {"at": now, "does": does}))
        self.announce()
        self.show(does)

    def prepared(self, placed: Placed) -> None:
        self.rollout = replace(self.rollout, prepared=placed)
        self.announce()

    def show(self, what: str) -> None:
        self._context.progress(STAGE, what, min(len(self.rollout.steps) / 8, 0.95))


def _tried(desk: _Desk, rollout: str, expected: Callable[[], tuple[int, str]]) -> Answered:
    """The server answers, is ready, and decides by the model that should. Raises Refused, or OutsideFailed, else."""
    with _closed(desk.api()) as api:
        again = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, CreditRiskError) and error.retry_may_help),
            wait=wait_exponential(multiplier=0.25, max=5),
            stop=stop_after_delay(desk.patience.smoke_s),
            sleep=desk.patience.sleep,
            reraise=True,
        )
        try:
            again(api.need_ready)
            answered = again(lambda: api.decide_example(f"deploy-{rollout}-{uuid.uuid4().hex[:8]}"))
        except OutsideFailed as error:
            hint = error.hint or "see the server's log"
            raise Refused(f"the smoke test failed: {error.what}", where=error.where or api.where, hint=hint) from error
        version, bundle = expected()
        if answered.bundle != bundle:
            raise Refused(
                f"the smoke test failed: version {answered.version} decided (bundle {answered.bundle[:16]}), "
                f"where version {version} ({bundle[:16]}) should",
                where=api.where,
                hint="see which registry and alias that server has (MODEL_ALIAS, MLFLOW_TRACKING_URI), and its log",
            )
        return answered


@contextmanager
def _closed(api: ServedApi) -> Iterator[ServedApi]:
    try:
        yield api
    finally:
        api.close()


def _there_already(desk: _Desk, want: Wanted, now: Placed, note: str, left: str | None) -> dict[str, Any]:
    """The image is in place: waited for and tried all the same. The ledger gets a line only if it does not know."""
    context, platform = desk.context, desk.platform
    known = [
        one
        for one in rollouts.running(rollouts.rollouts(context.folder.ledger))
        if (one.rollout.platform, one.rollout.target) == (platform.kind, platform.target)
    ]
    rollout = Rollout(
        id=uuid.uuid4().hex,
        platform=platform.kind,
        target=platform.target,
        by=context.actor,
        note=note,
        begun_at=ledger.in_utc(context.clock.now()),
        image=want.image,
        before=now,
        version=want.version,
        bundle=want.bundle,
        manifest=want.manifest,
        prepared=now,
        after=now,
        outcome=Outcome.DEPLOYED,
    )
    platform.settle(now, lambda what: context.progress(STAGE, what, 0.5))
    _tried(desk, rollout.id, partial(desk._expected, rollout))
    if known and _same(known[-1].rollout.after, now) and known[-1].rollout.bundle == want.bundle:
        return {**_report(context, known[-1], None), "left_unfinished": left, "unchanged": True}
    return {**desk.close(rollout), "left_unfinished": left, "unchanged": True}


def _by_manifest(context: Context, asked: str | None, manifest: Path, name: str) -> Wanted:
    deploy_manifest.need_no_faults(deploy_manifest.check(context, manifest))
    told = read_json(manifest)
    named = {image["name"]: image["reference"] for image in told["images"]}
    if name not in named:
        raise Refused(f"the manifest names no image {name}", where=str(manifest), hint=did_you_mean(name, named))
    if asked is not None and asked != named[name]:
        raise Refused(
            f"--image is another one than the manifest's: {named[name]}",
            where=str(manifest),
            hint="leave --image out, or write the manifest anew: creditrisk manifest",
        )
    endpoints = [endpoint["url"] for endpoint in told["endpoints"]]
    return Wanted(
        named[name],
        int(told["model"]["version"]),
        told["model"]["bundle_sha256"],
        sha256_of_file(manifest),
        endpoints[0] if endpoints else None,
    )


def _in_production(context: Context) -> tuple[int, str]:
    """(version, bundle) that the ledger has in production."""
    entry = ledger.standing(ledger.by_the_rules(ledger.entries(context.folder.ledger))).production
    if entry is None:
        raise Refused(
            "the ledger has nothing in production, so nobody knows which model should decide",
            where=str(context.folder.ledger),
            hint=f"give --manifest FILE; or creditrisk promote {context.book.name} --version N --to production",
        )
    return entry.move.aliases[PRODUCTION], entry.move.bundle


def _same(one: Placed | None, other: Placed) -> bool:
    return one is not None and (one.image, one.definition) == (other.image, other.definition)


def _as_recorded(desk: _Desk, rollout: Rollout) -> Rollout:
    return next(one.rollout for one in rollouts.rollouts(desk.context.folder.ledger) if one.rollout.id == rollout.id)


def _hashes(rollout: Rollout, line: str) -> dict[str, str]:
    told = {
        "rollout": rollout.id,
        "target": f"{rollout.platform}:{rollout.target}",
        "outcome": str(rollout.outcome),
        "image": rollout.image.partition("@")[2],
        "from_image": rollout.before.image,
        "from_definition": rollout.before.definition,
        "definition": "" if rollout.after is None else rollout.after.definition,
        "version": str(rollout.version),
        "bundle": rollout.bundle,
        "manifest": rollout.manifest or "",
        "ledger": line,
    }
    return {name: value for name, value in told.items() if value}


def _report(context: Context, entry: rollouts.Recorded, error: CreditRiskError | None) -> dict[str, Any]:
    told = entry.rollout
    code = ExitCode.DONE if told.outcome in DONE_WELL else (ExitCode.REFUSED if error is None else error.exit_code)
    return context.report(
        REPORT,
        {
            "id": told.id,
            "platform": told.platform,
            "target": told.target,
            "outcome": str(told.outcome),
            "exit_code": int(code),
            "failure": told.failure,
            "hint": "" if error is None else error.hint,
            "by": told.by,
            "note": told.note,
            "begun_at": told.begun_at,
            "effective_at": told.effective_at,
            "image": told.image,
            "before": _told_place(told.before),
            "after": _told_place(told.after),
            "version": told.version,
            "bundle_sha256": told.bundle,
            "manifest_sha256": told.manifest,
            "steps": [dict(step) for step in told.steps],
            "ledger": entry.line,
        },
        inputs={"bundle": told.bundle, **({"manifest": told.manifest} if told.manifest else {})},
    )


def _told_place(placed: Placed | None) -> dict[str, str] | None:
    return None if placed is None else {"image": placed.image, "definition": placed.definition}


__all__ = ["REPORT", "Patience", "Stopped", "Wanted", "dry_run", "need_deployed", "run", "wanted"]
