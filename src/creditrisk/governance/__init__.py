"""Who did what, on which evidence; which version a name means; what may be done with it."""

from creditrisk.governance.audit import (
    Act,
    Audited,
    ChainVerdict,
    acts_about,
    append_act,
    checkpoint,
    verify_audit,
    verify_chain,
)
from creditrisk.governance.model_reference import FoundBundle, alias_meant, find_bundle, find_version

__all__ = [
    "Act", "Audited", "ChainVerdict", "FoundBundle", "acts_about", "alias_meant", "append_act", "checkpoint",
    "find_bundle", "find_version", "verify_audit", "verify_chain",
]  # fmt: skip
