"""candidate → reviewed: what moves a PD, and whether the reasons given for it hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.training import explaining, fitting, response
from loanbook.training.explaining import Explained

if TYPE_CHECKING:
    from loanbook.governance.judging import Subject

Vector = npt.NDArray[np.float64]
MOVED = 1000  # rows whose PD's answer to a move is averaged


def sensitivity(subject: Subject) -> dict[str, Any]:
    """Move each number by what it varies in the fit sample; a category has no such move."""
    plan, rows = subject.bundle.plan, _some(subject)
    return {
        "rows": len(rows),
        "features": response.sensitivity(subject.judge, rows, plan.features, _deviations(subject)),
        "unmeasured": list(plan.categories),
    }


def stress(subject: Subject) -> dict[str, Any]:
    """Give what each stated move would do to the PDs and to who is approved."""
    rows = _some(subject)
    cut_off = subject.bundle.cut_offs.approve_below
    moves = response.stressed(subject.judge, rows, subject.bundle.plan.features, cut_off)
    return {"rows": len(rows), "expected": float(subject.judge(rows).mean()), "moves": moves}


def reasons(subject: Subject) -> dict[str, Any]:
    """Hold the reasons of the report sample's declined and referred to what a reason must do."""
    bundle, threads = subject.bundle, subject.count("threads")
    model = Explained(
        map=bundle.reasons,
        features=bundle.plan.features,
        parts=lambda rows: fitting.contributions(bundle.model, rows, threads=threads),
        pd=subject.judge,
    )
    report = subject.values[subject.rows["report"]]
    found = explaining.held(
        model, report, bundle.cut_offs.approve_below, _deviations(subject), subject.count("seed")
    )
    return {"sample": "report", **found}


def _deviations(subject: Subject) -> dict[str, float]:
    """Give what each number varies in the fit sample; a category has no such width."""
    plan, fit = subject.bundle.plan, subject.values[subject.rows["fit"]]
    numbers = [name for name in plan.features if name not in plan.categories]
    return {name: float(np.nanstd(fit[:, plan.features.index(name)])) for name in numbers}


def _some(subject: Subject) -> Vector:
    """Draw rows of the report sample; no outcome is looked at."""
    values = subject.values[subject.rows["report"]]
    chance = np.random.default_rng(subject.count("seed"))
    return values[np.sort(chance.choice(len(values), min(MOVED, len(values)), replace=False))]
