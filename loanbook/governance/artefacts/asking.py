"""reviewed → champion: how obligations stand for a version on any day, by its evidence and by the ledger."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from loanbook.governance import basis, champions, shelf, since
from loanbook.governance.artefacts import filing
from loanbook.governance.basis import Basis
from loanbook.governance.duties import Duty, judge
from loanbook.governance.ledger import of_home
from loanbook.governance.registry import Registry
from loanbook.settings import Settings


def stand(settings: Settings, model: str, version: int, on: date) -> tuple[Duty, ...]:
    """Answer every obligation of today's file for a reviewed version, as of a day."""
    bound = bound_of(settings, model, version)
    known = since.known(settings, bound.evidence, on)
    return judge(filing.obligations(settings), bound, on, known)


def bound_of(settings: Settings, model: str, version: int) -> Basis:
    """Put together a version's evidence, policy and bundle as they lie there now; what doesn't fit raises."""
    digest = champions.reviewed(of_home(settings.home).entries(), model, version)
    evidence = shelf.evidence(settings, model, version, digest)
    with tempfile.TemporaryDirectory() as taken:
        folder = Registry(settings).fetch_bundle(model, version, Path(taken) / "bundle")
        parts = basis.texts(folder)
    return basis.bind(evidence, shelf.policy(settings, evidence.line), parts)
