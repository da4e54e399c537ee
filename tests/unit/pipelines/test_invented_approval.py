"""The demo's two invented people: they keep to the rules, do nothing twice, and look at invented data alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from creditrisk.adapters.key_files import KeyFiles
from creditrisk.errors import BrokenFile, Refused
from creditrisk.governance import Act, acts_about
from creditrisk.pipelines import promote_model
from creditrisk.pipelines.context import INVENTED_NOTE, Context
from creditrisk.pipelines.invented_approval import APPROVER, VALIDATOR, run
from creditrisk.ports import PRODUCTION
from creditrisk.signatures import Signer
from tests.support.approving import with_key


def invented(context: Context, folder: Path) -> Context:
    """The same model, of tables that say of themselves that they are invented; both people have keys."""
    folder.mkdir()
    (folder / INVENTED_NOTE).write_text("Invented data\n", encoding="utf-8")
    for name in (VALIDATOR, APPROVER):
        with_key(context, name)
    return replace(context, raw=folder)


def approved(context: Context) -> list[str]:
    def signer_of(name: str) -> Signer:
        found = KeyFiles(context.workspace.people).find(name)
        assert found is not None
        return found

    return run(context, signer_of)


def acts(context: Context, act: Act) -> list[str]:
    return [told["actor"] for told in acts_about(context.workspace.audit, act)]


def test_both_sign_and_one_promotes_and_a_second_time_changes_nothing(own: Context, tmp_path: Path) -> None:
    context = invented(own, tmp_path / "invented")
    assert approved(context) == []
    (version,) = own.registry.versions("tiny")
    assert PRODUCTION in version.aliases
    assert acts(own, Act.APPROVED) == [VALIDATOR, APPROVER]
    assert acts(own, Act.PROMOTED) == [APPROVER]
    assert set(acts(own, Act.WAIVED)) == {VALIDATOR}
    ledger = own.folder.ledger.read_bytes()
    assert approved(context) == []
    assert acts(own, Act.APPROVED) == [VALIDATOR, APPROVER]
    assert own.folder.ledger.read_bytes() == ledger


def test_ended_before_the_promotion_it_goes_on_from_there(
    own: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = invented(own, tmp_path / "invented")

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        cut.setattr(promote_model, "run", ended)
        approved(context)
    assert approved(context) == []
    assert acts(own, Act.APPROVED) == [VALIDATOR, APPROVER]
    assert acts(own, Act.PROMOTED) == [APPROVER]


def test_a_changed_bundle_ends_it_before_anybody_signs(own: Context, tmp_path: Path) -> None:
    context = invented(own, tmp_path / "invented")
    (own.folder.bundle(own.registry.versions("tiny")[0].bundle_sha256) / "policy.json").write_text("{}")
    with pytest.raises(BrokenFile, match=r"policy\.json"):
        approved(context)
    assert acts(own, Act.APPROVED) == acts(own, Act.PROMOTED) == []


def test_real_tables_are_none_of_their_business(own: Context) -> None:
    with pytest.raises(Refused, match="invented people approve nothing that may be real"):
        approved(own)
