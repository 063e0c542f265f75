"""Models, in figures: how near the truth each line comes, on simulated lenders and on real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import lenders
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


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    for one in lenders.simulated(runner, scratch / "world")["lines"]:
        review, name = one["review"], f"world, {one['line']}"
        ranked, metrics = lenders.against_oracle(place, scratch / "world", review), review["metrics"]
        said = f"share of the oracle's lift (AUC {ranked.auc:.4f} of {ranked.oracle:.4f})"
        yield at_least("models", f"{name}: {said}", ranked.share, 0.93)
        yield between("models", f"{name}: calibration slope", metrics["calibration_slope"], 0.95, 1.05)
        yield at_most("models", f"{name}: ECE", metrics["ece"], 0.01)
        yield from _made_again(place, runner, name, review)


def _noise(_: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    yield from lenders.noise("models", runner, scratch)


def _real(place: Settings, runner: Runner, _: Path) -> Iterator[Row]:
    for row, review in lenders.real("models", runner, REAL):
        yield row
        if review:
            yield from _made_again(place, runner, review["model"], review)


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
