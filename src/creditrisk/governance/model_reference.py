"""From the words people use for a model, `models:/<name>@<alias>` or a folder, to the bundle on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from creditrisk.errors import BadUsage, Refused, did_you_mean
from creditrisk.governance.agreement import Records, need_recorded
from creditrisk.ports import CANDIDATE, PREVIOUS, PRODUCTION, STAGING, ModelVersion, Registry

MANIFEST = "manifest.json"
"""The file that makes a folder a bundle."""

_REFERENCE = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+)|/(?P<stage>[A-Za-z]+))")


def alias_meant(word: str) -> str:
    """The alias that a word means: MLflow's older stages, Staging and Production, are the aliases in lower case.

    Raises BadUsage for Archived: nothing is archived by an alias.

    >>> alias_meant("Production"), alias_meant("challenger")
    ('production', 'challenger')
    """
    if word == "Archived":
        raise BadUsage(
            'no alias stands for the stage "Archived": every version is kept',
            hint=f"give a version's number, or {PREVIOUS} for the one before the one in {PRODUCTION}",
        )
    return word.lower() if word.lower() in {STAGING, PRODUCTION} else word


@dataclass(frozen=True, slots=True)
class FoundBundle:
    """`version` is None for a folder given outright; else the loaded bundle must have its `bundle_sha256`."""

    folder: Path
    version: ModelVersion | None = None


def find_bundle(
    reference: str,
    registry: Registry,
    *,
    own_copy: Callable[[str], Path] | None = None,
    records: Records | None = None,
) -> FoundBundle:
    """The bundle that `models:/<name>@<alias>`, `models:/<name>/<version>` or a folder's path means.

    `models:/<name>/Production` is how MLflow's older setups spell it, with stages in place of aliases.
    own_copy: where the workspace would keep a bundle of a given hash. It comes before the registry's copy, whose
    address is absolute: a workspace that was moved still finds its models.
    records: of the moves of its versions; with them an alias that was moved by hand is refused.
    Raises Refused for `production` before the first promotion and for what `records` do not know; BadUsage for
    unknown names, aliases and folders.
    """
    asked = _REFERENCE.fullmatch(reference)
    if asked is None:
        return FoundBundle(_bundle_folder(reference))
    if asked["version"] is None:
        alias = alias_meant(asked["alias"] or asked["stage"])
        version = find_version(registry, asked["name"], alias)
        if records is not None:
            need_recorded(alias, registry.versions(asked["name"]), records)
    else:
        version = numbered(registry.versions(asked["name"]), asked["name"], int(asked["version"]))
    copy = own_copy(version.bundle_sha256) if own_copy is not None else None
    return FoundBundle(copy if copy is not None and _is_bundle(copy) else registry.fetch(version), version)


def find_version(registry: Registry, name: str, alias: str) -> ModelVersion:
    """The version that the alias means. Raises as `find_bundle`."""
    alias = alias_meant(alias)
    versions = registry.versions(name)
    found = next((version for version in versions if alias in version.aliases), None)
    if found is not None:
        return found
    aliases = sorted({known for version in versions for known in version.aliases})
    if alias == PRODUCTION:
        hint = f"score with the newest one: --alias {CANDIDATE}" if CANDIDATE in aliases else _train_first(name)
        raise Refused(f"no version of {name} has been promoted to {PRODUCTION}", where=f"models:/{name}", hint=hint)
    if not versions:
        raise BadUsage(f'no model "{name}" is registered', where=f"models:/{name}", hint=_train_first(name))
    raise BadUsage(f'{name} has no alias "{alias}"', where=f"models:/{name}", hint=did_you_mean(alias, aliases))


def numbered(versions: Sequence[ModelVersion], name: str, number: int) -> ModelVersion:
    """The version of that number. Raises BadUsage where there is none."""
    if not versions:
        raise BadUsage(f'no model "{name}" is registered', where=f"models:/{name}", hint=_train_first(name))
    for version in versions:
        if version.version == number:
            return version
    known = [str(version.version) for version in versions]
    raise BadUsage(f"{name} has no version {number}", where=f"models:/{name}", hint=did_you_mean(str(number), known))


def _train_first(name: str) -> str:
    return f"train one: creditrisk run {name}; then score it with --alias {CANDIDATE}"


def _bundle_folder(text: str) -> Path:
    folder = Path(text)
    if not _is_bundle(folder):
        raise BadUsage(
            f"no bundle at {text!r}: there is no {MANIFEST}",
            hint="give a bundle's folder, or models:/<book>@<alias>",
        )
    return folder


def _is_bundle(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()
