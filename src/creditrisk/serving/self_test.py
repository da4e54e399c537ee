"""Before a model decides about anybody it decides about the people in its own bundle."""

from __future__ import annotations

from creditrisk.decisions.decide import Decider
from creditrisk.errors import Refused
from creditrisk.kinds import Verdict
from creditrisk.modelling import Bundle
from creditrisk.scoring import score


def self_test(bundle: Bundle, decider: Decider) -> int:
    """How many people were decided as they should; 0 for a bundle that keeps nobody.

    A bundle keeps raw rows of applicants that its model approved. Here, with these libraries, through the same query
    and the same trees as every request, each of them must come out approved again, with a PD.
    Raises Refused otherwise.
    """
    peers = bundle.peers
    if not peers:
        return 0
    decided = score(bundle, decider.features_of(peers), with_reasons=False)["decision"].to_pylist()
    wrong = sum(one != Verdict.APPROVE.value for one in decided)
    if wrong:
        raise Refused(
            f"{wrong} of {len(decided)} example applicants are not approved, whom this model approved when it was made",
            where=f"bundle {bundle.sha256[:16]}",
            hint="compare the bundle's environment.lock with what is installed here: creditrisk doctor",
        )
    return len(decided)
