"""signed → champion: verify all of it again and move the alias."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do
from loanbook.governance import promoting
from loanbook.governance.promotion import Grant
from loanbook.settings import Settings


@flow(name="promote")
def promote(model: str, version: int) -> dict[str, Any]:
    """Make a signed version champion; anything short of that ends in its own error."""
    grant = promoting_of(steps.settings(), model, version)
    return {
        "model": grant.model,
        "version": grant.version,
        "environment": grant.environment,
        "bundle": grant.bundle,
        "evidence": grant.evidence,
        "signers": [approval.signer for approval in grant.approvals],
    }


def promoting_of(place: Settings, model: str, version: int) -> Grant:
    """Give the grant by which the version is champion."""
    return do("verify and promote", promoting.promote, place, model, version, steps.now())
