"""Servers get another image, or keep what they ran; either way the ledger tells, and nothing is left half-done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.adapters.in_memory import InMemoryApi, InMemoryPlatform, SteppingClock
from creditrisk.config import Workspace
from creditrisk.errors import BadUsage, BrokenFile, CreditRiskError, ExitCode, OutsideFailed, Refused
from creditrisk.governance import Act, acts_about, ledger, rollouts, verify_chain
from creditrisk.governance.rollouts import Outcome
from creditrisk.kinds import sha256_of_file
from creditrisk.pages.moves import asof_lines, deployment_lines, planned_lines
from creditrisk.pipelines import deploy_manifest, deployed_then
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.deploy import REPORT, Patience, Wanted, dry_run, need_deployed, run, wanted
from creditrisk.ports import Answered, Placed
from tests.support.schemas import faults
from tests.support.tiny_run import copied

OLD, NEW = (f"registry.example.org/pd/api@sha256:{digit * 64}" for digit in "ab")
AWAY = OutsideFailed("no answer", where="memory")
NEVER = OutsideFailed("access denied", where="memory", retry_may_help=False)


@pytest.fixture
def live(deployed: Context, tmp_path: Path) -> Context:
    return copied(deployed, tmp_path / "workspace")


@pytest.fixture
def platform() -> InMemoryPlatform:
    return InMemoryPlatform(OLD)


def right(context: Context) -> Answered:
    (version,) = context.registry.versions("tiny")
    return Answered("1", version.bundle_sha256, "d1")


def deployed_to(
    context: Context, platform: InMemoryPlatform, api: InMemoryApi | None = None, image: str = NEW
) -> dict[str, Any]:
    patience = Patience(smoke_s=0.0, undo_s=0.0, sleep=lambda _s: None)
    answering = api or InMemoryApi(right(context))
    return run(context, platform, lambda: answering, wanted(context, image, None, "api"), "a test", patience=patience)


def ended(context: Context) -> list[tuple[str, str]]:
    """(outcome, definition in place) of every rollout in the ledger."""
    assert not context.folder.unfinished_rollout.exists()
    told = [one.rollout for one in rollouts.rollouts(context.folder.ledger)]
    return [(str(one.outcome), "" if one.after is None else one.after.definition) for one in told]


def test_a_new_image_is_placed_tried_and_told_to_ledger_chain_and_report(
    live: Context, platform: InMemoryPlatform
) -> None:
    api = InMemoryApi(right(live))
    told = deployed_to(live, platform, api)
    need_deployed(told)
    assert platform.now == Placed(NEW, "api:2", made=True)
    assert ended(live) == [("deployed", "api:2")]
    (recorded,) = rollouts.rollouts(live.folder.ledger)
    (act,) = acts_about(live.workspace.audit, Act.DEPLOYED, rollout=recorded.rollout.id)
    assert act["hashes"]["ledger"] == recorded.line == told["ledger"]
    assert act["hashes"]["image"] == "sha256:" + "b" * 64
    assert act["hashes"]["from_definition"] == "api:1"
    assert act["hashes"]["definition"] == "api:2"
    assert faults(live.folder.report(REPORT)) == []
    assert api.asked[0].startswith(f"deploy-{recorded.rollout.id}")
    assert api.closed
    assert "deployed" in "\n".join(deployment_lines(told))


def test_the_moves_of_versions_are_read_as_before(live: Context, platform: InMemoryPlatform) -> None:
    before = ledger.entries(live.folder.ledger)
    deployed_to(live, platform)
    assert ledger.entries(live.folder.ledger) == before
    assert verify_chain(live.folder.ledger).unbroken


@pytest.mark.parametrize(
    ("failing", "outcome", "exit_code"),
    [
        ({"prepare": [NEVER]}, "rolled_back", 3),
        ({"place": [NEVER]}, "rolled_back", 3),
        ({"settle": [Refused("it is unhealthy")]}, "rolled_back", 1),
        ({"settle": [KeyboardInterrupt("SIGTERM")]}, "rolled_back", 3),
        ({"settle": [Refused("it is unhealthy"), Refused("so is that")]}, "not_stable", 1),
        ({"settle": [Refused("it is unhealthy")], "discard": [NEVER]}, "rolled_back", 1),
    ],
)
@pytest.mark.parametrize("effective", [False, True])
def test_what_fails_is_rolled_back_and_told(
    live: Context,
    platform: InMemoryPlatform,
    failing: dict[str, list[BaseException | None]],
    outcome: str,
    exit_code: int,
    effective: bool,
) -> None:
    platform.failing, platform.effective = {call: list(errors) for call, errors in failing.items()}, effective
    told = deployed_to(live, platform)
    assert (told["outcome"], told["exit_code"]) == (outcome, exit_code)
    assert platform.now.definition == "api:1"
    assert ended(live) == [(outcome, "api:1")]
    (act,) = acts_about(live.workspace.audit, Act.DEPLOYMENT_FAILED)
    assert act["hashes"]["outcome"] == outcome
    assert faults(live.folder.report(REPORT)) == []
    with pytest.raises(CreditRiskError, match="rolled back") as raised:
        need_deployed(told)
    assert raised.value.exit_code == ExitCode(exit_code)
    assert platform.discarded == ([] if "prepare" in failing or "discard" in failing else ["api:2"])


def test_a_fault_of_our_own_rolls_back_too_and_is_not_hidden(live: Context, platform: InMemoryPlatform) -> None:
    platform.failing = {"settle": [ZeroDivisionError()]}
    with pytest.raises(ZeroDivisionError):
        deployed_to(live, platform)
    assert ended(live) == [("rolled_back", "api:1")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answered("2", "cd" * 32, "d1"), "version 2 decided"),
        (AWAY, "no answer"),
        (Refused("/predict: status 422", where="memory"), "status 422"),
    ],
)
def test_a_smoke_test_that_fails_rolls_back(
    live: Context, platform: InMemoryPlatform, answer: Answered | CreditRiskError, words: str
) -> None:
    told = deployed_to(live, platform, InMemoryApi(answer))
    assert words in told["failure"]
    assert (told["outcome"], told["exit_code"], platform.now.definition) == ("rolled_back", 1, "api:1")


def test_a_server_that_answers_late_passes(live: Context, platform: InMemoryPlatform) -> None:
    api = InMemoryApi(AWAY, AWAY, right(live))
    patience = Patience(smoke_s=60.0, sleep=lambda _s: None)
    told = run(live, platform, lambda: api, wanted(live, NEW, None, "api"), patience=patience)
    assert (told["outcome"], len(api.asked)) == ("deployed", 3)


def test_an_api_that_comes_back_lets_the_rollback_succeed(live: Context, platform: InMemoryPlatform) -> None:
    platform.failing = {"settle": [Refused("it is unhealthy")], "place": [None, AWAY, AWAY]}
    patience = Patience(undo_s=60.0, sleep=lambda _s: None)
    api = InMemoryApi(right(live))
    told = run(live, platform, lambda: api, wanted(live, NEW, None, "api"), patience=patience)
    assert (told["outcome"], platform.calls.count("place")) == ("rolled_back", 4)


def test_what_can_go_neither_forward_nor_back_is_kept_and_rolled_back_by_the_next_run(
    live: Context, platform: InMemoryPlatform
) -> None:
    platform.failing = {"settle": [Refused("it is unhealthy")], "place": [None, NEVER]}
    with pytest.raises(OutsideFailed, match="could not be rolled back: access denied") as told:
        deployed_to(live, platform)
    assert "api:1 ran before" in told.value.hint
    assert platform.now.definition == "api:2"
    assert rollouts.rollouts(live.folder.ledger) == []
    again = deployed_to(live, platform)
    assert "rolled back" in again["left_unfinished"]
    assert ended(live) == [("rolled_back", "api:1"), ("deployed", "api:3")]


@pytest.mark.parametrize("at", ["prepare", "place", "settle"])
@pytest.mark.parametrize("effective", [False, True])
def test_after_a_kill_the_next_run_finishes_or_undoes_and_says_so(
    live: Context, platform: InMemoryPlatform, at: str, effective: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill is an error that nobody catches: nothing of what follows it runs."""
    platform.failing, platform.effective = {at: [SystemExit("killed")]}, effective
    with monkeypatch.context() as dead:
        dead.setattr("creditrisk.pipelines.deploy._Desk.undone", lambda *_: None)
        with pytest.raises(SystemExit):
            deployed_to(live, platform)
    assert live.folder.unfinished_rollout.exists()
    assert dry_run(live, platform, wanted(live, NEW, None, "api"))["unfinished"]
    was_placed = platform.now.image == NEW
    told = deployed_to(live, platform)
    assert "was found unfinished" in told["left_unfinished"]
    assert told["left_unfinished"] in deployment_lines(told)
    assert platform.now.image == NEW
    first = "deployed" if was_placed else "rolled_back"
    assert [outcome for outcome, _ in ended(live)] == [first] + ([] if was_placed else ["deployed"])


def test_a_kill_after_the_ledger_was_written_records_nothing_twice(
    live: Context, platform: InMemoryPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dead:
        dead.setattr("creditrisk.pipelines.deploy._report", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deployed_to(live, platform)
    assert live.folder.unfinished_rollout.exists()
    told = deployed_to(live, platform)
    assert "recorded already" in told["left_unfinished"]
    assert ended(live) == [("deployed", "api:2")]
    assert len(acts_about(live.workspace.audit, Act.DEPLOYED)) == 1


def test_the_same_image_again_changes_and_records_nothing(live: Context, platform: InMemoryPlatform) -> None:
    deployed_to(live, platform)
    before = live.workspace.audit.read_bytes(), live.folder.ledger.read_bytes()
    told = deployed_to(live, platform)
    assert told["unchanged"]
    assert (live.workspace.audit.read_bytes(), live.folder.ledger.read_bytes()) == before
    assert platform.made == 2


def test_an_image_that_somebody_else_put_there_is_tried_and_recorded(live: Context, platform: InMemoryPlatform) -> None:
    told = deployed_to(live, platform, image=OLD)
    assert told["unchanged"]
    assert ended(live) == [("deployed", "api:1")]


def test_the_same_image_that_does_not_answer_is_an_error_and_stays(live: Context, platform: InMemoryPlatform) -> None:
    with pytest.raises(Refused, match="smoke test failed"):
        deployed_to(live, platform, InMemoryApi(AWAY), image=OLD)
    assert ended(live) == []


def test_what_somebody_else_put_in_place_meanwhile_is_left_there(live: Context, platform: InMemoryPlatform) -> None:
    other = Placed("other@sha256:" + "e" * 64, "api:9")

    class Meddling(InMemoryApi):
        def decide_example(self, request_id: str) -> Answered:  # noqa: ARG002
            platform.now = other
            raise Refused("status 500", where="memory")

    told = deployed_to(live, platform, Meddling(right(live)))
    assert (told["outcome"], platform.now) == ("superseded", other)
    assert ended(live) == [("superseded", "api:9")]
    with pytest.raises(Refused, match="somebody else"):
        need_deployed(told)


def test_a_busy_platform_is_refused_before_anything_is_written(live: Context, platform: InMemoryPlatform) -> None:
    platform.busy = True
    with pytest.raises(Refused, match="under way"):
        deployed_to(live, platform)
    assert ended(live) == []
    assert platform.now.definition == "api:1"


def test_an_unfinished_deployment_to_another_place_is_finished_there_first(
    live: Context, platform: InMemoryPlatform
) -> None:
    platform.failing = {"settle": [Refused("unhealthy")], "place": [None, NEVER]}
    with pytest.raises(OutsideFailed):
        deployed_to(live, platform)
    other = InMemoryPlatform(OLD)
    other.target = "there/api"
    with pytest.raises(Refused, match="to here/api by ann was left unfinished") as told:
        deployed_to(live, other)
    assert "here/api" in told.value.hint


def test_a_version_promoted_meanwhile_is_the_one_that_has_to_answer(live: Context, platform: InMemoryPlatform) -> None:
    new = "ef" * 32

    class Promoting(InMemoryPlatform):
        def settle(self, what: Placed, tell: Any) -> None:  # noqa: ARG002
            entry = ledger.standing(ledger.entries(live.folder.ledger)).production
            assert entry is not None
            aliases = {**entry.move.aliases, "production": 2}
            at = ledger.in_utc(live.clock.now())
            move = replace(entry.move, id="2" * 32, version=2, bundle=new, aliases=aliases, before=entry.move.aliases)
            ledger.record(live.folder.ledger, replace(move, effective_at=at), clock=live.clock)

    assert deployed_to(live, Promoting(OLD), InMemoryApi(Answered("2", new, "d")))["outcome"] == "deployed"


def test_a_dry_run_shows_the_difference_and_changes_nothing(live: Context, platform: InMemoryPlatform) -> None:
    told = dry_run(live, platform, wanted(live, NEW, None, "api"))
    assert told["changes"] == [{"where": "image", "was": OLD, "becomes": NEW}]
    assert f"    + {NEW}" in planned_lines(told)
    assert ended(live) == []
    assert platform.calls == ["placed"]


def test_asof_tells_what_ran_and_what_was_known_of_it(live: Context, platform: InMemoryPlatform) -> None:
    deployed_to(live, platform)
    first = rollouts.rollouts(live.folder.ledger)[-1]
    platform.unhealthy = {OLD}
    told = deployed_to(live, platform, image=OLD)
    assert told["outcome"] == "rolled_back"
    (server,) = deployed_then.run(live, live.clock.now())["servers"]
    assert (server["image"], server["outcome"]) == (NEW, "rolled_back")
    before = first.effective_at - timedelta(seconds=0.5)
    assert deployed_then.run(live, before)["servers"] == []
    then = deployed_then.run(live, first.effective_at, known=before)
    assert (len(then["servers"]), then["as_known_then"]["servers"]) == (1, [])
    words = "\n".join(asof_lines({**then, "disagreements_today": []}))
    assert f"memory here/api ran {NEW} (api:2), deployed by ann" in words


def with_manifest(context: Context, image: str = NEW) -> Path:
    deploy_manifest.run(context, images=[f"api={image}"], endpoints=["https://pd.example.org"])
    return context.folder.report(deploy_manifest.MANIFEST)


def test_the_manifest_says_image_model_and_address(live: Context, platform: InMemoryPlatform) -> None:
    path = with_manifest(live)
    want = wanted(live, None, path, "api")
    assert want == Wanted(NEW, 1, right(live).bundle, sha256_of_file(path), "https://pd.example.org")
    assert wanted(live, NEW, path, "api") == want
    api = InMemoryApi(right(live))
    run(live, platform, lambda: api, want)
    (act,) = acts_about(live.workspace.audit, Act.DEPLOYED)
    assert act["hashes"]["manifest"] == sha256_of_file(path)


def test_a_manifest_of_another_image_or_altered_is_refused(live: Context) -> None:
    path = with_manifest(live)
    with pytest.raises(Refused, match="another one than the manifest's"):
        wanted(live, OLD, path, "api")
    with pytest.raises(Refused, match="names no image batch"):
        wanted(live, None, path, "batch")
    path.write_text(path.read_text() + "\n")
    with pytest.raises(Refused, match="to the byte"):
        wanted(live, None, path, "api")


def test_where_only_the_registry_is_at_hand_a_manifest_can_be_deployed_again_and_again(
    live: Context, platform: InMemoryPlatform, tmp_path: Path
) -> None:
    """A deployment writes the first lines of the chain there: they say nothing of manifests."""
    path = with_manifest(live)
    elsewhere = replace(live, workspace=Workspace(tmp_path / "elsewhere").open(), clock=SteppingClock())
    api = InMemoryApi(right(live))
    for _ in range(2):
        assert run(elsewhere, platform, lambda: api, wanted(elsewhere, None, path, "api"))["outcome"] == "deployed"
    with pytest.raises(Refused, match="nothing in production"):
        wanted(elsewhere, NEW, None, "api")


@pytest.mark.parametrize("image", ["api:1.4", "registry.example.org/api", "api@sha256:abc"])
def test_an_image_without_digest_is_refused(live: Context, image: str) -> None:
    with pytest.raises((Refused, BadUsage), match="digest"):
        wanted(live, image, None, "api")


def test_neither_image_nor_manifest_is_bad_usage(live: Context) -> None:
    with pytest.raises(BadUsage, match="neither"):
        wanted(live, None, None, "api")


def test_a_torn_announcement_is_told(live: Context, platform: InMemoryPlatform) -> None:
    live.folder.unfinished_rollout.write_text(json.dumps({"id": "1"}))
    with pytest.raises(BrokenFile, match="no announced deployment"):
        deployed_to(live, platform)


CALLS = ("placed", "prepare", "place", "settle", "discard")
ERRORS = st.sampled_from([None, AWAY, NEVER, Refused("no"), KeyboardInterrupt("SIGTERM")])


@settings(max_examples=40)
@given(
    failing=st.dictionaries(st.sampled_from(CALLS), st.lists(ERRORS, max_size=3)),
    effective=st.booleans(),
    wrong=st.booleans(),
)
def test_whatever_fails_it_ends_in_one_image_that_the_ledger_names_or_says_that_it_is_unfinished(
    failing: dict[str, list[BaseException | None]], effective: bool, wrong: bool, deployed: Context,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    context = ledger_alone(deployed, tmp_path_factory.mktemp("any"))
    platform = InMemoryPlatform(OLD)
    platform.failing, platform.effective = {call: list(errors) for call, errors in failing.items()}, effective
    answer = Answered("9", "cd" * 32, "d") if wrong else right(deployed)
    try:
        deployed_to(context, platform, InMemoryApi(answer))
    except (CreditRiskError, KeyboardInterrupt):
        platform.failing = {}
        if context.folder.unfinished_rollout.exists():
            told = deployed_to(context, platform, InMemoryApi(answer))
            assert told["left_unfinished"]
    told_last = rollouts.running(rollouts.rollouts(context.folder.ledger))
    if told_last:
        assert told_last[0].rollout.after is not None
        assert told_last[0].rollout.after.definition == platform.now.definition
        assert (told_last[0].rollout.outcome is Outcome.DEPLOYED) == (platform.now.image == NEW)
    else:
        assert platform.now.definition == "api:1"
    assert not context.folder.unfinished_rollout.exists()


def ledger_alone(deployed: Context, folder: Path) -> Context:
    """A workspace with nothing but the ledger: what a deployment without manifest reads."""
    context = replace(
        deployed, workspace=Workspace(folder / "workspace").open(), clock=SteppingClock(datetime.fromisoformat(LATER))
    )
    context.folder.root.mkdir(parents=True)
    context.folder.ledger.write_bytes(deployed.folder.ledger.read_bytes())
    return context


LATER = "2027-01-01T00:00:00+00:00"
