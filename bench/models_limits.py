"""The line `limit_response`, in figures: what limits chosen by it are worth, by what each would truly make.

The truth knows each customer's balance and PD at every limit; the model knows one limit of each, by lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import lenders
from bench.measuring import Row, at_least, between, exactly
from loanbook.cli.launch import Runner
from loanbook.governance import shelf
from loanbook.lending.limits import Choosing
from loanbook.response import responder
from loanbook.response.measures import Law
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

LINE, HISTORY = "limit_response", 60  # a year's outcomes want a year more than other lines have
NAMES = {"balance": "balance", "pd": "PD"}
DEALT = {"limits": ("limit_amount", "rate"), "limits alone": ("limit_amount",)}

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """The report's limits: what was drawn, and both outcomes at every dose, rows × doses."""

    price: Vector
    dose: Vector
    doses: Vector
    told: Mapping[str, Vector]
    true: Mapping[str, Vector]


def rows() -> Iterator[Row]:
    """Measure the line on the simulated lender that figures are given of, and where limits do nothing."""
    yield from lenders.in_a_home(_world)
    for what, names in DEALT.items():
        yield from lenders.in_a_home(partial(_noise, what, names))


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    folder = _simulated(scratch / "limits")
    review = _reviewed(runner, folder / "raw")
    held = _held(place, folder / "truth", review)
    yield from measured(held, shelf.policy(place, LINE).choice, review)
    again = runner.run("reproduce", {"model": review["model"], "version": review["version"]})
    same = str(again["metrics"] == review["metrics"])
    yield exactly("models", "world, limit_response: made again, the same figures", same, "True")


def _noise(what: str, names: tuple[str, ...], _: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    """Deal the lot's limits out again once everything is told: then none of them did anything."""
    folder = _simulated(scratch / "idle")
    for path in sorted((folder / "raw" / "limits").glob("*.parquet")):
        deal_again(path, names)
    review = _reviewed(runner, folder / "raw")
    low, high = review["metrics"]["balance_slope_interval"]
    shut = review["shut"]
    said = f"{what} that do nothing (slope 95 % {low:+.0f} to {high:+.0f}; shut: {', '.join(shut)})"
    yield at_least("models", f"world, limit_response: {said}: gates that are shut", len(shut), 1)


def _simulated(folder: Path) -> Path:
    simulate(WorldSpec(applications=lenders.APPLICATIONS), folder, last_month=HISTORY)
    return folder


def _reviewed(runner: Runner, raw: Path) -> dict[str, Any]:
    made = runner.run("lifecycle", {"dataset": "world", "data": raw, "line": LINE})
    review: dict[str, Any] = made["lines"][0]["review"]
    return review


def deal_again(path: Path, names: tuple[str, ...]) -> None:
    """Give each of a file's limits by lot another one's terms; statements stay where they were."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    lot = np.flatnonzero(np.array(table["randomised"].to_pylist()) == True)  # noqa: E712  # nulls are none
    places = np.arange(table.num_rows)
    places[lot] = np.random.default_rng(len(lot)).permutation(lot)
    for name in names:
        dealt = table[name].take(pa.array(places))
        table = table.set_column(table.column_names.index(name), table.schema.field(name), dealt)
    pq.write_table(table, path)


def measured(held: Held, choice: Choosing, review: Mapping[str, Any]) -> Iterator[Row]:
    """Hold limits chosen, slopes and levels to what is true of the report's limits."""
    found, name = review["metrics"], "world, limit_response"
    own, single, oracle = worth(held, choice)
    said = (
        f"value of limits chosen by it less the best single limit's, a head and year, by the true responses "
        f"of {len(held.price)} limits at their own rates ({own:.1f} and {single:.1f}, the oracle's "
        f"{oracle:.1f}; gates shut: {', '.join(review['shut']) or 'none'})"
    )
    yield Row(f"{name}: {said}", "models", own - single, "at least 0", own >= single)
    yield _told("share of the oracle's gain over the best single limit", (own - single) / (oracle - single))
    law = Law.of(held.dose)
    for outcome, called in NAMES.items():
        told, true = (law.slopes(side[outcome]) for side in (held.told, held.true))
        low, high = found[f"{outcome}_steepness_interval"]
        drawn = f"(by the outcomes drawn {found[f'{outcome}_steepness']:.3f}, 95 % {low:.3f} to {high:.3f})"
        ratio, said = float(told.mean() / true.mean()), f"slope of {called} told over the true one {drawn}"
        if outcome == "balance":
            yield between("models", f"{name}: {said}", ratio, 0.9, 1.1)
        else:
            yield _told(said, ratio)
        yield _told(f"correlation of slopes of {called}", float(np.corrcoef(told, true)[0, 1]))
        yield _told(
            f"area of a ranking by slope of {called} over the oracle's", area(told, true) / area(true, true)
        )
        level = float(held.told[outcome].mean() / held.true[outcome].mean())
        yield _told(f"mean {called} told over the true one, at every limit", level)


def worth(held: Held, choice: Choosing) -> tuple[float, float, float]:
    """Give the true value a head of limits by the model, of the best single limit, and of the oracle's.

    Each is at the row's own rate; a model and an oracle may choose none, and so may who gives all the same.
    """
    true, told = (_values(held, choice, side) for side in (held.true, held.told))
    pd = {"told": held.told["pd"], "true": held.true["pd"]}
    own = _taken(true, choice.picked(told, pd["told"]))
    oracle = _taken(true, choice.picked(true, pd["true"]))
    return own, max(0.0, float(true.mean(axis=0).max())), oracle


def _values(held: Held, choice: Choosing, side: Mapping[str, Vector]) -> Vector:
    """Give every limit's value, rows × doses, each row at its own rate."""
    found = choice.values(side["balance"], side["pd"], held.doses)
    return np.asarray(found + (held.price - choice.rate)[:, None] * side["balance"])


def _taken(values: Vector, places: npt.NDArray[np.intp]) -> float:
    picked = values[np.arange(len(values)), np.maximum(places, 0)]
    return float(np.where(places < 0, 0.0, picked).mean())


def area(score: Vector, true: Vector) -> float:
    """Give the area between taking customers by a score and taking anybody, in true slopes per head."""
    gain = np.cumsum(true[np.argsort(-score, kind="stable")]) / len(true)
    share = np.arange(1, len(true) + 1) / len(true)
    return float(np.mean(gain - share * gain[-1]))


def _told(name: str, figure: float) -> Row:
    return Row(f"world, limit_response: {name}", "models", figure, "told", True)


def _held(place: Settings, truth: Path, review: Mapping[str, Any]) -> Held:
    """Open a reviewed version's bundle and frame, and lay the truth beside the report's rows."""
    from loanbook.governance.registry import Registry
    from loanbook.training import candidates, frame

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "world", tags["loanbook.candidate"])
    known = frame.read(place, "world", str(made.record["frame"])).path
    return laid(made.bundle, made.predictions, known, truth / "responses.parquet", place.threads)


def laid(bundle: Path, predictions: Path, known: Path, truth: Path, threads: int) -> Held:
    """Tell both outcomes of the report at every dose, beside the truth."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from loanbook.training import matrix

    opened = responder.read(bundle)
    report = pq.read_table(predictions, filters=[("sample", "=", "report")])

    def beside(path: Path) -> pa.Table:
        table = pq.read_table(path)
        places = pc.index_in(report["limit_id"], value_set=table["limit_id"].combine_chunks())
        return table.take(pa.array(places.to_numpy(zero_copy_only=False)))

    values, true, doses = matrix.encode(beside(known), opened.plan), beside(truth), np.array(opened.doses)
    return Held(
        price=report["price"].to_numpy(),
        dose=report["dose"].to_numpy(),
        doses=doses,
        told={name: opened.over(name, values, doses, threads=threads) for name in NAMES},
        true={
            name: np.column_stack([true[f"{name}_at_{dose:.0f}"].to_numpy() for dose in doses])
            for name in NAMES
        },
    )
