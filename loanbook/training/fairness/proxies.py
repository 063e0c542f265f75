"""features → candidate: whether what the model knows tells the protected group, and by which features.

Learned on fit for so many rounds, judged on report; carriers are named on the samples between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import comparing, evaluation, fitting
from loanbook.training.comparing import Difference
from loanbook.training.fairness import groups
from loanbook.training.fitting import Form, Recipe, Sample

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# Nothing is stopped early: on a small stopping sample chance ends it before a weak proxy shows.
RECIPE = Recipe(learning_rate=0.05, rounds=100, patience=None)
LARGE = 50_000  # rows under which a second thread costs such small trees more than it brings
SHORTLIST, MOST = 6, 3
CHANCE = 0.5
BETWEEN = ("stop", "calibrate", "threshold")


@dataclass(frozen=True)
class Known:
    """What a model knows of its rows, as it learned from them, and which rows stand in which sample."""

    form: Form
    values: Vector
    rows: Mapping[str, Flags]

    @classmethod
    def of(cls, form: Form, values: Vector, rows: Mapping[str, Flags]) -> Known:
        """Take the features as they are: a sign is the PD's, and nothing to a group."""
        threads = form.threads if int(rows["fit"].sum()) > LARGE else 1
        return cls(replace(form, monotone={}, threads=threads), values, rows)

    def only(self, features: Sequence[str]) -> Known:
        """Know some features alone."""
        places = [self.form.features.index(name) for name in features]
        kept = [name for name in self.form.categorical if name in features]
        form = replace(self.form, features=tuple(features), categorical=tuple(kept))
        return replace(self, form=form, values=self.values[:, places])

    def but(self, features: Sequence[str]) -> Known:
        """Know all but some features."""
        return self.only([name for name in self.form.features if name not in features])


def scan(known: Known, names: npt.NDArray[np.object_], pd: Vector) -> dict[str, Any]:
    """Tell each group of an attribute from the rest, by the features and by the PD itself.

    `names` has every row's group. Groups too small in the fit or report sample are told together. Of two
    groups the smaller is told from the other. `proxy_auc` is the largest AUC of any group, null where none
    was measured.
    """
    whole, small = groups.pooled(names, known.rows["fit"], known.rows["report"])
    found = {name: _or_why(known, whole, name, pd) for name in _asked(whole[known.rows["report"]])}
    areas = [one["auc"] for one in found.values() if one["auc"] is not None]
    return {"groups": found, "judged_together": small, "proxy_auc": max(areas, default=None)}


def carriers(scans: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the features that carry any group of these scans, those that carry the most first."""
    lost: dict[str, float] = {}
    for one in (group for scanned in scans for group in scanned["groups"].values()):
        for carrier in one["carriers"]:
            lost[carrier["feature"]] = max(lost.get(carrier["feature"], 0.0), carrier["lost"])
    return sorted(lost, key=lambda name: (-lost[name], name))


def _asked(names: npt.NDArray[np.object_]) -> list[str]:
    found = groups.judged(names)
    if len(found) == 2 and not set(names.tolist()) - set(found):
        return [min(found, key=lambda one: (int(np.sum(names == one)), one))]
    return found


def _or_why(known: Known, names: npt.NDArray[np.object_], name: str, pd: Vector) -> dict[str, Any]:
    member, said = names == name, names != groups.UNKNOWN
    rows = {sample: mask & said for sample, mask in known.rows.items()}
    report = rows["report"]
    counts = {sample: int(member[rows[sample]].sum()) for sample in ("fit", "report")}
    nothing = dict.fromkeys(
        ("auc", "auc_interval", "score_auc", "score_auc_interval", "without", "without_interval")
    )
    try:
        _enough(member, rows)
        return {
            **counts,
            **nothing,
            **_told(replace(known, rows=rows), member, pd[report]),
            "unmeasured": None,
        }
    except TrainingError as reason:
        return {**counts, **nothing, "carriers": [], "unmeasured": str(reason)}


def _enough(member: Flags, rows: Mapping[str, Flags]) -> None:
    for sample in ("fit", "report"):
        there = int(member[rows[sample]].sum())
        rest = int(rows[sample].sum()) - there
        if min(there, rest) < groups.FEWEST:
            raise TrainingError(
                f"the {sample} sample has {there} of the group and {rest} others, {groups.FEWEST} are needed"
            )


def _told(known: Known, member: Flags, pd: Vector) -> dict[str, Any]:
    report = known.rows["report"]
    model = _learned(known, member)
    area, ends = _judged(known, model, member)
    score, low, high = evaluation.auc(pd, member[report])
    found = {"auc": area, "auc_interval": ends, "score_auc": score, "score_auc_interval": [low, high]}
    if ends[0] <= CHANCE:
        return found | {"carriers": []}  # what nothing tells, nothing carries
    named = _carriers(known, model, member)
    rest = known.but([one["feature"] for one in named])
    if not named or not rest.form.features:
        return found | {"carriers": named}
    without, bounds = _again(rest, member)
    return found | {"carriers": named, "without": without, "without_interval": bounds}


def _learned(known: Known, member: Flags) -> str:
    fit, stop = (Sample(known.values[known.rows[name]], member[known.rows[name]]) for name in ("fit", "stop"))
    return fitting.fit(known.form, fit, stop, RECIPE).model


def _judged(known: Known, model: str, member: Flags) -> tuple[float, list[float]]:
    report = known.rows["report"]
    score = fitting.scores(model, known.values[report], threads=known.form.threads)
    area, low, high = evaluation.auc(score, member[report])
    return area, [low, high]


def _again(known: Known, member: Flags) -> tuple[float, list[float]]:
    return _judged(known, _learned(known, member), member)


def _carriers(known: Known, model: str, member: Flags) -> list[dict[str, Any]]:
    """Shuffle what has the most gain, one by one, on rows unseen; keep what surely loses the most AUC."""
    gain = fitting.importance(model)
    shortlist = sorted((name for name in gain if gain[name]), key=lambda one: (-gain[one], one))[:SHORTLIST]
    lost = _lost(known, model, member, shortlist)
    told = sorted(lost, key=lambda one: (-lost[one]["difference"], one))
    return [
        _carrier(known, member, name, gain[name], lost[name])
        for name in told[:MOST]
        if lost[name]["difference_interval"][0] > 0
    ]


def _carrier(known: Known, member: Flags, name: str, gain: float, lost: Difference) -> dict[str, Any]:
    alone, ends = _again(known.only([name]), member)
    return {
        "feature": name,
        "gain": gain,
        "lost": lost["difference"],
        "lost_interval": lost["difference_interval"],
        "alone": alone,
        "alone_interval": ends,
    }


def _lost(known: Known, model: str, member: Flags, features: Sequence[str]) -> dict[str, Difference]:
    """Give the AUC that is lost when a feature is shuffled, with its paired interval."""
    rows = np.logical_or.reduce([known.rows[name] for name in BETWEEN])
    values, there, threads = known.values[rows], member[rows], known.form.threads
    whole, found = fitting.scores(model, values, threads=threads), {}
    for name in features:
        place, chance = known.form.features.index(name), np.random.default_rng(known.form.seed)
        shuffled = values.copy()
        shuffled[:, place] = chance.permutation(values[:, place])
        score = fitting.scores(model, shuffled, threads=threads)
        found[name] = comparing.auc_difference(whole, score, there)
    return found
