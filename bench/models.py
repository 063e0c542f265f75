"""Models, in figures: how near the truth each line comes, on simulated lenders and on real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import (
    lenders,
    models_fairness,
    models_fraud,
    models_limits,
    models_referral,
    models_rejects,
    models_uptake,
    models_value,
    models_warning,
)
from bench.lenders import Truth
from bench.measuring import Row, at_least, at_most, between, exactly
from loanbook.cli.launch import Runner
from loanbook.settings import Settings

REAL = {
    "ally_auto": ("underwriting/auto", 0.62),
    "superlender": ("underwriting/consumer", 0.72),
    "lending_club": ("underwriting/consumer", 0.695),
}


def rows() -> Iterator[Row]:
    """Measure every line that is built."""
    yield from lenders.in_a_home(_world)
    yield from lenders.in_a_home(_noise)
    yield from lenders.in_a_home(_real)
    for part in (
        models_referral,
        models_warning,
        models_fraud,
        models_value,
        models_uptake,
        models_limits,
        models_fairness,
    ):
        yield from part.rows()


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    for one in lenders.simulated(runner, scratch / "world")["lines"]:
        review, name = one["review"], f"world, {one['line']}"
        yield from _true(lenders.held_to_truth(place, scratch / "world", review), name, review["metrics"])
        yield from models_rejects.world(place, scratch / "world", review)
        yield from _made_again(place, runner, name, review)


def _true(found: Truth, name: str, metrics: Mapping[str, Any]) -> Iterator[Row]:
    """Hold lift, slope and ECE to their targets without the chance of the draw; tell each with it too."""
    expected, drawn = found.expected, found.drawn
    said = f"share of the oracle's lift, by the true PDs (AUC {expected.auc:.4f} of {expected.oracle:.4f})"
    yield at_least("models", f"{name}: {said}", expected.share, 0.93)
    yield _drawn(found, name, "share", f"AUC {drawn.auc:.4f} of {drawn.oracle:.4f}; ", drawn.share)
    yield between("models", f"{name}: calibration slope, by the true PDs", found.slope, 0.95, 1.05)
    yield _drawn(found, name, "slope", "", float(metrics["calibration_slope"]))
    yield at_most("models", f"{name}: ECE, by the true PDs", found.ece, 0.01)
    yield _drawn(found, name, "ece", "", float(metrics["ece"]))


def _drawn(found: Truth, name: str, part: str, more: str, figure: float) -> Row:
    low, high = found.redrawn[part]
    said = (
        f"{name}: the same {part} of the outcomes drawn ({more}redrawn, nine of ten {low:.4f} to {high:.4f})"
    )
    return Row(said, "models", figure, "told", True)


def _noise(_: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    yield from lenders.noise("models", runner, scratch)


def _real(place: Settings, runner: Runner, _: Path) -> Iterator[Row]:
    for row, review in lenders.real("models", runner, REAL):
        yield row
        if review:
            yield from _made_again(place, runner, review["model"], review)
        if review and review["model"].startswith("lending_club."):
            yield from models_rejects.lending_club(place, review)


def _made_again(place: Settings, runner: Runner, name: str, review: dict[str, Any]) -> Iterator[Row]:
    """Reproduce the version, and tell by how much the trees rank better than the scorecard."""
    from loanbook.governance import champions, shelf
    from loanbook.governance.ledger import of_home

    model, version = review["model"], review["version"]
    again = runner.run("reproduce", {"model": model, "version": version})
    digest = champions.reviewed(of_home(place.home).entries(), model, version)
    facts = shelf.evidence(place, model, version, digest).facts
    same = again["bundle"] == facts["bundle"]["digest"] and again["metrics"] == facts["metrics"]["report"]
    yield exactly("models", f"{name}: made again, the same bundle and the same figures", str(same), "True")
    found = facts["judged"]["second_model"]["auc"]
    low, high = found["difference_interval"]
    said = f"{name}: AUC of the trees less the scorecard's (95 % {low:+.4f} to {high:+.4f})"
    yield Row(said, "models", float(found["difference"]), "told", True)
