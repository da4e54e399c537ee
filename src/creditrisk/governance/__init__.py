"""Who did what, on which evidence; which version a name means; what may be done with it."""

from creditrisk.governance.audit import Act, ChainVerdict, acts_about, append_act, verify_chain
from creditrisk.governance.model_reference import FoundBundle, alias_meant, find_bundle, find_version

__all__ = [
    "Act", "ChainVerdict", "FoundBundle", "acts_about", "alias_meant", "append_act", "find_bundle", "find_version",
    "verify_chain",
]  # fmt: skip
