"""Which versions a model was made with."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PRODUCT = "creditrisk"


@cache
def environment_lock() -> str:
    """`name==version`, sorted, a line for each installed distribution that the product needs, directly or not."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    versions: dict[str, str] = {}
    waiting = [Requirement(PRODUCT)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in versions and not wanted.extras:
            continue
        try:
            distribution = metadata.distribution(wanted.name)
        except metadata.PackageNotFoundError:  # needed on another system only, or run from a plain source tree
            continue
        requirements = [Requirement(text) for text in distribution.requires or ()]
        waiting += [requirement for requirement in requirements if _needed(requirement, wanted.extras)]
        versions[name] = distribution.version
    lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
    return "\n".join([f"# python {platform.python_version()}", *lines]) + "\n"


def _needed(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))
