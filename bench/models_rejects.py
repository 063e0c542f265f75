"""Who was not lent to, and what a cut-off earns: bounds held to what came, on worlds and real loans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.measuring import Row, between
from loanbook.settings import Settings

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
FOLDS, SEED, THREADS = 5, 7, 2
WHOLE_LIFE = 60  # months: Lending Club's longest term


def world(place: Settings, folder: Path, review: Mapping[str, Any]) -> Iterator[Row]:
    """Hold a reviewed version's bounds to the world's truth, which no flow reads; tell what it would earn."""
    judged, line = _facts(place, review)["judged"], review["model"]
    found = judged["rejects"]
    rate, area = _truth(place, folder, review, found["from"])
    lot = found["by_lot"]
    low, high = found["bad_rate_interval"]
    worst = found["worst_case"]["bad_rate_interval"]
    said = f"{line}: bad rate of {found['lent'] + found['unlent']:,} at the door, had all been lent to"
    yield between("models", said, rate, round(low, 4), round(high, 4))
    yield between(
        "models", f"{line}: AUC at that door", area, *(round(end, 4) for end in found["auc_interval"])
    )
    wide = f"{line}: width of those bounds (worst case {worst[1] - worst[0]:.3f}; the lent alone: "
    yield Row(f"{wide}{found['bad_rate_of_the_lent']:.4f})", "models", high - low, "told", True)
    ends = lot["bad_rate_interval"]
    by_lot = (
        f"{line}: bad rate of {lot['rows']} let in by lot (95 % {ends[0]:.3f} to {ends[1]:.3f}) in the bounds"
    )
    yield Row(
        by_lot,
        "models",
        lot["bounds_of_the_bad_rate"],
        "not misses",
        lot["bounds_of_the_bad_rate"] != "misses",
    )
    yield from _earned(line, judged["economics"])


def _earned(line: str, found: Mapping[str, Any]) -> Iterator[Row]:
    (chosen,) = [point for point in found["points"] if point["chosen"]]
    best = max(found["points"], key=lambda point: point["realised_per_application"])
    low, high = chosen["realised_per_application_interval"]
    said = (
        f"{line}: profit per application at its cut-off (95 % {low:,.0f} to {high:,.0f}; approves "
        f"{chosen['approval_rate']:.1%}, bad rate {chosen['bad_rate']:.3f}; expected "
        f"{chosen['expected_per_application']:,.0f})"
    )
    yield Row(said, "models", chosen["realised_per_application"], "told", True)
    said = f"{line}: the most that a cut-off of the grid earned (approves {best['approval_rate']:.1%})"
    yield Row(said, "models", best["realised_per_application"], "told", True)


def _facts(place: Settings, review: Mapping[str, Any]) -> Mapping[str, Any]:
    from loanbook.governance import champions, shelf
    from loanbook.governance.ledger import of_home

    digest = champions.reviewed(of_home(place.home).entries(), review["model"], review["version"])
    return shelf.evidence(place, review["model"], review["version"], digest).facts


def _truth(place: Settings, folder: Path, review: Mapping[str, Any], since: str) -> tuple[float, float]:
    """Give bad rate and AUC of the door that the bounds are of, by what each really would have done."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.lending import scoring
    from loanbook.training import bundle, candidates, evaluation, frame

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "world", tags["loanbook.candidate"])
    whole = pq.read_table(frame.read(place, "world", str(made.record["frame"])).path)
    stored = pq.read_table(made.predictions).to_pandas()
    lent = stored[(stored["sample"] == "report") & (stored["decided_at"] >= np.datetime64(since))]
    unlent = frame.unlent(whole)
    unlent = unlent.filter(pc.greater_equal(unlent["decided_at"], np.datetime64(since).astype(object)))
    pd = scoring.pds(bundle.read(made.bundle), unlent, threads=place.threads)
    truth = pq.read_table(folder / "truth" / "applications.parquet").to_pandas().set_index("application_id")
    of_policy = lent[~truth.loc[lent["application_id"], "randomised"].to_numpy(dtype=bool)]
    names = [*of_policy["application_id"], *unlent["application_id"].to_pylist()]
    bad = truth.loc[names, "bad12"].to_numpy(dtype=bool)
    return float(bad.mean()), evaluation.auc(np.append(of_policy["pd"].to_numpy(), pd), bad)[0]


@dataclass(frozen=True)
class Funded:
    """Loans of one time as numbers, those outside the policy too, which were funded all the same."""

    plan: Any
    values: Vector
    bad: Flags
    outside: Flags


def lending_club(place: Settings, review: Mapping[str, Any]) -> Iterator[Row]:
    """Learn from the loans within the policy alone, infer those outside it, and see what they did."""
    for name, months in (("within a year", None), ("over the whole life", WHOLE_LIFE)):
        funded = _funded(place, review, months)
        yield from _inferred(f"lending_club, charged off {name}", funded)


def _inferred(name: str, funded: Funded) -> Iterator[Row]:
    from loanbook.training import evaluation, rejects, segments

    door, pd = _door(funded)
    found = rejects.bounds(door, SEED)
    came = funded.bad[funded.outside]
    rate, ends = float(came.mean()), segments.wilson(int(came.sum()), len(came))
    low, high = found["bad_rate_of_the_unlent_interval"]
    said = (
        f"{name}: bad rate of {len(came):,} funded outside the policy (95 % {ends[0]:.3f} to {ends[1]:.3f})"
    )
    yield between("models", said, rate, round(low, 4), round(high, 4))
    yield Row(
        f"{name}: what the model within the policy says of them", "models", float(pd.mean()), "told", True
    )
    for one in found["methods"]:
        said = f"{name}: what {one['method']} says of them"
        yield Row(said, "models", one["bad_rate_of_the_unlent"], "told", True)
    area = evaluation.auc(np.append(door.score, door.unlent_score), np.append(door.bad, came))[0]
    yield between("models", f"{name}: AUC over both", area, *(round(end, 4) for end in found["auc_interval"]))


def _door(funded: Funded) -> tuple[Any, Vector]:
    """Give the door, and the PD of those outside; nobody is scored by what learned from them."""
    from loanbook.training import acceptance, calibration, fitting, rejects
    from loanbook.training.fitting import Form, Recipe, Sample

    form = Form.of(funded.plan, seed=SEED, threads=THREADS)
    within = np.flatnonzero(~funded.outside)
    fold = np.random.default_rng(SEED).permutation(len(within)) % FOLDS
    own, others = np.empty(len(within)), np.zeros(int(funded.outside.sum()))
    recipe = Recipe(rounds=400, patience=None)
    for turn in range(FOLDS):
        learn, left = (
            Sample(funded.values[rows], funded.bad[rows])
            for rows in (within[fold != turn], within[fold == turn])
        )
        fitted = fitting.fit(form, learn, left, recipe)
        own[fold == turn] = fitting.scores(fitted.model, left.matrix, threads=THREADS)
        others += fitting.scores(fitted.model, funded.values[funded.outside], threads=THREADS) / FOLDS
    platt = calibration.fit(own, funded.bad[within])
    lending = acceptance.log_odds(form, funded.values[within], funded.values[funded.outside])
    door = rejects.Door(own, lending[0], funded.bad[within], others, lending[1])
    return door, platt.pd(others)


def _funded(place: Settings, review: Mapping[str, Any], months: int | None) -> Funded:
    """Take the loans of the months in which some were funded outside the policy."""
    import pyarrow.parquet as pq

    from loanbook import lines
    from loanbook.governance.registry import Registry
    from loanbook.intake import publishing
    from loanbook.training import bundle, candidates, frame, matrix

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "lending_club", tags["loanbook.candidate"])
    known = pq.read_table(frame.read(place, "lending_club", str(made.record["frame"])).path)
    data = publishing.open_publication(place, "lending_club", str(made.record["data"]["publication"]))
    line = lines.find(str(made.record["line"]))
    line = line if months is None else lines.adapted(line, {"window_months": months})
    outcome = frame.outcomes(place, data.paths, line, data.as_of).select(["application_id", "outcome"])
    decision = pq.read_table(data.paths["applications"], columns=["application_id", "decision"])
    rows = known.drop(["outcome"]).join(outcome, "application_id").join(decision, "application_id")
    rows = rows.sort_by([("decided_at", "ascending"), ("application_id", "ascending")])
    outside = np.array(rows["decision"].to_pylist()) == "declined"
    decided = np.asarray(rows["decided_at"].to_numpy())
    told = np.isin(np.array(rows["outcome"].to_pylist()), frame.RIPE)
    kept = told & (decided <= decided[outside].max())
    rows, outside = rows.filter(kept), outside[kept]
    opened = bundle.read(made.bundle)
    plan = matrix.plan(rows.filter(~outside), opened.plan.features, line.monotone)
    bad = np.array(rows["outcome"].to_pylist()) == "bad"
    return Funded(plan, matrix.encode(rows, plan), bad, outside)
