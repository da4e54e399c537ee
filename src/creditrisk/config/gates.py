"""What a model must show before anybody may use it (`gates:`), and what a lender says of its use (`document:`)."""

from __future__ import annotations

from creditrisk.config.strict import Limit, Strict

BESIDE_THE_MODEL = frozenset(
    {
        "gates", "document", "review", "retention", "approval", "waiver", "canary", "inventory", "monitoring",
        "notifications", "engine", "spark",
    }
)  # fmt: skip
"""Keys of portfolio.yaml that judge and describe a model, or say where it is made: no part of its bundle or hash."""


class Gates(Strict):
    """Limits of `creditrisk validate`, on rows that nothing was learnt from; docs/model-document.md tells each gate."""

    bads_min: Limit = Limit(
        value=50,
        because="50 bads leave an AUC open by 0.08 and a default rate by 30 %: fewer can neither pass nor fail",
    )
    """Bads, and goods, that a figure needs before it can pass or fail."""
    auc_min: Limit = Limit(value=0.6, because="a model that ranks hardly better than a coin is not worth its risks")
    """AUC on the test part from which the model ranks well enough."""
    auc_max: Limit = Limit(
        value=0.9, because="nobody ranks loans so well by what is known at application; columns that know more do"
    )
    """AUC above which a column is suspected of knowing the outcome."""
    brier_skill_min: Limit = Limit(value=0.0, because="PDs that are no better than the average are no PDs")
    """Share of the average's Brier that the PDs must take away, with the whole interval above it."""
    mean_pd_tolerance: Limit = Limit(
        value=0.1, because="prices and limits follow the mean PD; a tenth of it is what vintages differ by anyway"
    )
    """How far mean PD / default rate may lie from 1."""
    slope_min: Limit = Limit(value=0.85, because="below it the riskiest look half again as risky as they are")
    """Lowest calibration slope."""
    slope_max: Limit = Limit(value=1.2, because="above it good and bad risks are told apart too timidly to be priced")
    """Highest calibration slope."""
    grades_tested_min: Limit = Limit(value=0.8, because="a scale of which a fifth is untested is not tested")
    """Share of the rows whose grades must have bads and goods enough for a test."""
    reasons_proved_min: Limit = Limit(
        value=0.95, because="a decline without one proved reason cannot be explained to whom it concerns"
    )
    """Share of declines and referrals that must have at least one proved reason."""
    reasons_principal_min: Limit = Limit(
        value=0.9, because="the law asks for the principal reasons, so those whose removal lowers the risk most"
    )
    """Share of the reasons given that must be among the four whose removal lowers the risk most."""
    tracked_tolerance: Limit = Limit(
        value=1e-9, because="a figure may lose its last bits on the way through a database, and nothing more"
    )
    """How far a figure of the tracker's run may lie from the report's, as a share of it."""


class Document(Strict):
    """What only the lender can say of the model. The model document marks every empty one as a blank to fill."""

    owner: str | None = None
    """Who answers for the model."""
    developer: str | None = None
    """Who developed it, with their role."""
    validator: str | None = None
    """Who validates it, independent of the developer."""
    use: str | None = None
    """Which decisions it may serve, and which it may not."""
    materiality: str | None = None
    """How much depends on it, and the tier it has in the model inventory."""
    off_policy: str | None = None
    """Loans in the data that today's credit policy would not grant, and what that means."""
    overrides: str | None = None
    """Who may override a decision, within which limits, and how it is recorded."""
    monitoring: str | None = None
    """What is watched once it decides, how often, and who is told."""
    data_protection: str | None = None
    """Legal basis for the personal data, and how long they are kept."""
    limits_known: tuple[str, ...] = ()
    """Weaknesses known to whoever made the book, each in a sentence."""
    next_review: str | None = None
    """When it is reviewed again at the latest."""
