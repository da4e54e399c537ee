"""Keys of the people who approve: made once each, told by the audit chain, listed with what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from creditrisk.config import Workspace
from creditrisk.errors import Refused
from creditrisk.files import held, whole_file
from creditrisk.governance import Act, acts_about, append_act
from creditrisk.governance.approvals import same_person
from creditrisk.governance.people import checked_name, known_keys, public_files
from creditrisk.ports import Clock, KeyStore
from creditrisk.signatures import PUBLIC


def new_key(workspace: Workspace, name: str, *, store: KeyStore, by: str, clock: Clock) -> dict[str, str]:
    """A key for that person; {name, public_key, store, file}. What a killed command began is finished.

    Raises BadUsage for a name that is none, Refused where the person has a key.
    """
    checked_name(name)
    folder = workspace.people
    public = folder / f"{name}{PUBLIC}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with held(folder / ".lock"):
        _need_none_yet(workspace, name, folder)
        signer = store.find(name) or store.make(name)
        with whole_file(public) as partial:
            partial.write_text(signer.public + "\n", encoding="ascii")
        hashes = {"name": name, "public_key": signer.public, "store": store.name}
        append_act(workspace.audit, by, Act.KEY_MADE, hashes, clock=clock)
    return {"name": name, "public_key": signer.public, "store": store.name, "file": str(public)}


def listed(workspace: Workspace) -> list[dict[str, Any]]:
    """Every public key in the workspace: {name, public_key, made_at, made_by, store, counts, why}."""
    acts = acts_about(workspace.audit, Act.KEY_MADE)
    known = known_keys(workspace.people, acts)
    told = []
    for path in public_files(workspace.people):
        key = path.read_text(encoding="utf-8", errors="replace").strip()
        made = [act for act in acts if (act["hashes"]["name"], act["hashes"]["public_key"]) == (path.stem, key)]
        last = made[-1] if made else None
        told.append(
            {
                "name": path.stem,
                "public_key": key,
                "made_at": last["time"] if last else None,
                "made_by": last["actor"] if last else None,
                "store": last["hashes"]["store"] if last else None,
                "counts": path.stem in known,
                "why": "" if path.stem in known else "the audit chain tells of no such key: the file was laid here",
            }
        )
    return told


def _need_none_yet(workspace: Workspace, name: str, folder: Path) -> None:
    known = known_keys(folder, acts_about(workspace.audit, Act.KEY_MADE))
    taken = next((other for other in known if same_person(other, name)), None)
    if taken is not None:
        raise Refused(
            f"{taken} has a key already, and a person has one",
            where=str(folder / f"{taken}{PUBLIC}"),
            hint=f"approve with it: --by {taken}; if it is lost, move its files away first: what it approved no "
            "longer counts then",
        )
