"""What `review:` of `portfolio.yaml` may say: how people overrule a decision, and whom an applicant may turn to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from creditrisk.config.strict import Strict

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Review(Strict):
    """Overrides and disclosure. A server reads it from the book of today, not from the model's."""

    override_codes: dict[Code, Annotated[str, Field(min_length=1)]] = Field(
        default={
            "DOCUMENTS_SEEN": "Documents show other facts than the application",
            "KNOWN_CUSTOMER": "The lender knows the applicant beyond what the model reads",
            "COLLATERAL": "Security or a guarantor covers the risk",
            "FRAUD_SUSPECTED": "The application is suspected of fraud",
            "POLICY_EXCEPTION": "An exception of credit policy, approved by whoever may",
        }
    )
    """Why a person may decide otherwise than the model, by code."""
    contact: str | None = None
    """Whom an applicant may ask for a person's review or a correction; told in every disclosure."""
