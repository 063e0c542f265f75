"""features → candidate: search for a model that falls less on protected groups and ranks nearly as well.

Learned on fit, stopped on stop, calibrated on calibrate, cut off and chosen on threshold. The report sample
is read once, for what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.lending import strategy
from loanbook.training import calibration, comparing, fitting
from loanbook.training.fairness import groups
from loanbook.training.fairness.proxies import Known
from loanbook.training.fitting import Recipe, Sample

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]

CARRIERS, MAKERS = 2, 2  # features to leave out: those that tell the group, and those that make the gap
DRAWS = 500
ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class Bounds:
    """What an alternative keeps to: the stated loss of AUC, and the cut-offs' own rule."""

    max_auc_loss: float
    max_bad_rate: float
    refer_band: float


@dataclass(frozen=True)
class Model:
    """The model under review, by what it gave each row, and how it was learned."""

    known: Known
    monotone: Mapping[str, int]
    recipe: Recipe
    text: str
    pd: Vector
    bad: Flags
    second: Vector  # the scorecard's PD


@dataclass(frozen=True)
class Asked:
    """One alternative to learn: what is left out, and by which recipe."""

    name: str
    left_out: tuple[str, ...]
    recipe: Recipe


@dataclass(frozen=True)
class Judged:
    """Each row's PD by one model, and who is approved by it."""

    pd: Vector
    approved: Flags


def search(
    model: Model, people: Mapping[str, Names], carriers: Sequence[str], bounds: Bounds
) -> dict[str, Any]:
    """Try a handful of alternatives, and choose among those within the loss the one that falls least.

    `people` has each attribute's group of every row; what is bettered is the worst ratio of approval rates
    of any of them. An alternative counts when that ratio's change is above 0 by its whole interval and no
    attribute's ratio is worse than the worst was. None may be found, which is a finding. An attribute whose
    groups are too small for a ratio is left out by name.
    """
    rows = model.known.rows["threshold"]
    base = _decided(model, model.pd, bounds)
    wanted, people = people, _comparable(people, base.approved, rows)
    before = _ratios(people, base.approved, rows)
    worst = min(before, key=lambda name: (before[name], name))
    made = dict(_made(model, bounds, _asked(model, people[worst], base, carriers)))
    told: dict[str, dict[str, Any]] = {
        name: {"unmeasured": one}
        if isinstance(one, str)
        else _told(model, base, one, people, worst, bounds, rows)
        for name, one in made.items()
    }
    chosen = _chosen(told)
    report = model.known.rows["report"]
    found = made[chosen] if chosen else None
    return {
        "attributes": sorted(people),
        "left_out": sorted(wanted.keys() - people.keys()),
        "attribute": worst,
        "max_auc_loss": bounds.max_auc_loss,
        "draws": DRAWS,
        "threshold": {"worst_ratio": before[worst], "ratios": before, **_share(model, base, rows)},
        "tried": told,
        "chosen": chosen,
        "gain": told[chosen]["worst_ratio"] - before[worst] if chosen else 0.0,
        "report": _told(model, base, found, people, worst, bounds, report)
        if isinstance(found, Judged)
        else None,
    }


def _asked(model: Model, names: Names, base: Judged, carriers: Sequence[str]) -> list[Asked]:
    """List what to try: each suspect left out, all of them, simpler trees with all and with the rest."""
    makers = _makers(model, names, base)
    suspects = tuple(dict.fromkeys([*carriers[:CARRIERS], *makers[:MAKERS]]))
    simple = replace(model.recipe, num_leaves=2, max_depth=1)
    asked = [Asked(f"without {name}", (name,), model.recipe) for name in suspects]
    if len(suspects) > 1:
        asked.append(Asked(f"without {', '.join(suspects)}", suspects, model.recipe))
    if simple != model.recipe:
        asked.append(Asked("simpler trees", (), simple))
        asked.append(Asked(f"simpler trees without {', '.join(suspects)}", suspects, simple))
    return [one for one in asked if set(one.left_out) < set(model.known.form.features)]


def _makers(model: Model, names: Names, base: Judged) -> list[str]:
    """Name the features that put the least approved group's log-odds above the most approved one's."""
    rows = model.known.rows["threshold"]
    names = groups.pooled(names, rows)[0]
    _, low, high = groups.selection_ratio(names[rows], base.approved[rows])
    parts = fitting.contributions(model.text, model.known.values[rows], threads=model.known.form.threads)
    apart = parts[names[rows] == low].mean(axis=0) - parts[names[rows] == high].mean(axis=0)
    found = dict(zip(model.known.form.features, apart.tolist(), strict=True))
    return [name for name in sorted(found, key=lambda one: (-found[one], one)) if found[name] > 0]


def _made(model: Model, bounds: Bounds, asked: Sequence[Asked]) -> Iterator[tuple[str, Judged | str]]:
    """Give each alternative's PDs and decisions, or why there are none."""
    yield "the scorecard", _decided(model, model.second, bounds)
    for one in asked:
        try:
            yield one.name, _decided(model, _learned(model, one.left_out, one.recipe), bounds)
        except TrainingError as reason:
            yield one.name, str(reason)


def _learned(model: Model, left_out: Sequence[str], recipe: Recipe) -> Vector:
    """Learn as the model itself was: fit, stop, then once more from both, then calibrate."""
    known = model.known.but(left_out)
    signs = {name: sign for name, sign in model.monotone.items() if name in known.form.features}
    form, rows = replace(known.form, monotone=signs), known.rows
    fit, stop = (Sample(known.values[rows[name]], model.bad[rows[name]]) for name in ("fit", "stop"))
    both = rows["fit"] | rows["stop"]
    fitted = fitting.fit(form, fit, stop, recipe)
    again = fitting.refit(form, Sample(known.values[both], model.bad[both]), fitted)
    score = fitting.scores(again.model, known.values, threads=form.threads)
    own = rows["calibrate"]
    return calibration.fit(score[own], model.bad[own]).pd(score)


def _decided(model: Model, pd: Vector, bounds: Bounds) -> Judged:
    rows = model.known.rows["threshold"]
    cut_offs = strategy.find(
        pd[rows], model.bad[rows], max_bad_rate=bounds.max_bad_rate, refer_band=bounds.refer_band
    )
    return Judged(pd, cut_offs.decide(pd) == "approve")


def _comparable(people: Mapping[str, Names], approved: Flags, rows: Flags) -> dict[str, Names]:
    found = {name: one for name, one in people.items() if _ratio(one, approved, rows) is not None}
    if not found:
        raise TrainingError(f"the threshold sample has no ratio of approval rates by {', '.join(people)}")
    return found


def _ratios(people: Mapping[str, Names], approved: Flags, rows: Flags) -> dict[str, float]:
    """Give each attribute's ratio; TrainingError names one that has none."""
    found = {}
    for name, names in people.items():
        ratio = _ratio(names, approved, rows)
        if ratio is None:
            raise TrainingError(f"no ratio of approval rates by {name}")
        found[name] = ratio
    return found


def _ratio(names: Names, approved: Flags, rows: Flags) -> float | None:
    """Give the lowest rate over the highest, groups too small in these rows put together."""
    return groups.selection_ratio(groups.pooled(names, rows)[0][rows], approved[rows])[0]


def _told(
    model: Model,
    base: Judged,
    one: Judged,
    people: Mapping[str, Names],
    attribute: str,
    bounds: Bounds,
    rows: Flags,
) -> dict[str, Any]:
    """Hold an alternative to the model, on the same rows."""
    loss = comparing.auc_difference(base.pd[rows], one.pd[rows], model.bad[rows])
    try:
        before, after = (_ratios(people, each.approved, rows) for each in (base, one))
    except TrainingError as reason:
        return {"unmeasured": str(reason)}
    change, ends = _change(model, base, one, people[attribute], rows)
    return {
        "auc": loss["second"],
        "auc_loss": loss["difference"],
        "auc_loss_interval": loss["difference_interval"],
        "within_the_loss": loss["difference"] <= bounds.max_auc_loss,
        "worst_ratio": min(after.values()),
        "ratios": after,
        "change": change,
        "change_interval": ends,
        "falls_less": ends[0] > 0 and min(after.values()) > min(before.values()),
        **_share(model, one, rows),
        "unmeasured": None,
    }


def _share(model: Model, one: Judged, rows: Flags) -> dict[str, Any]:
    approved = one.approved[rows]
    rate = float(model.bad[rows][approved].mean()) if approved.any() else None
    return {"approved": float(approved.mean()), "bad_rate_of_approved": rate}


def _change(model: Model, base: Judged, one: Judged, names: Names, rows: Flags) -> tuple[float, list[float]]:
    """Give how the ratio of the model's own two furthest groups moves, and its interval (percentiles of 500).

    Each group's people are drawn again, paired: who both approve, either, or neither. The two groups stand
    still: a ratio that may turn round at 1 would hide a gain that ends there.
    """
    names, chance = groups.pooled(names, rows)[0], np.random.default_rng(model.known.form.seed)
    _, *pair = groups.selection_ratio(names[rows], base.approved[rows])
    found = []
    for name in pair:
        there = rows & (names == name)
        shares = np.bincount(2 * base.approved[there] + one.approved[there], minlength=4) / there.sum()
        drawn = chance.multinomial(int(there.sum()), shares, size=DRAWS) / there.sum()
        found.append(np.vstack([shares, drawn]))
    low, high = found
    before, after = ((low[:, kinds].sum(axis=1), high[:, kinds].sum(axis=1)) for kinds in ((2, 3), (1, 3)))
    moved = _over(*after) - _over(*before)
    return float(moved[0]), [float(end) for end in np.percentile(moved[1:], ENDS)]


def _over(low: Vector, high: Vector) -> Vector:
    """Divide; where nobody is approved all are treated alike."""
    return np.asarray(np.where(high > 0, low / np.where(high > 0, high, 1.0), 1.0))


def _chosen(told: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Choose, of those that count, the one with the best ratio; of equals the one that loses least."""
    good = [
        name
        for name, one in told.items()
        if one["unmeasured"] is None and one["within_the_loss"] and one["falls_less"]
    ]
    return min(good, key=lambda one: (-told[one]["worst_ratio"], told[one]["auc_loss"], one), default=None)
