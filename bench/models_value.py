"""What a vehicle is worth, in figures: held-out listings, the simulated truth, and what repossessions left.

The report sample of each is read by the review alone; how settings were chosen says decision 21.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import lenders
from bench.measuring import DATA, Row, at_most, between, exactly
from loanbook.cli.launch import Runner
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

LINE, APPLICATIONS, HISTORY = "vehicle_value", 60_000, 48
A_YEAR = 0.86  # what a used vehicle of the simulated lender keeps
SALES = """
WITH taken AS (
    SELECT loan_id, min(event_at) FILTER (kind = 'sale') AS sold,
        sum(coalesce(amount, 0) - coalesce(cost, 0)) FILTER (kind <> 'charge_off')::DOUBLE AS net
    FROM recoveries GROUP BY loan_id HAVING count(*) FILTER (kind = 'sale') > 0
),
owed AS (
    SELECT t.*, arg_max(r.balance, r.event_at)::DOUBLE AS owed, max(r.event_at) AS stopped
    FROM taken AS t JOIN repayments AS r USING (loan_id)
    WHERE r.balance > 0 AND r.event_at < t.sold GROUP BY ALL
)
SELECT a.vehicle_id, o.sold, o.net, o.owed, o.stopped, coalesce(m.used_vehicle_index / 100, 1) AS index_then
FROM owed AS o JOIN loans AS l USING (loan_id) JOIN applications AS a USING (application_id)
ASOF LEFT JOIN market AS m ON o.stopped >= m.available_at
WHERE a.vehicle_id IS NOT NULL ORDER BY o.sold, a.vehicle_id
"""


def rows() -> Iterator[Row]:
    """Measure on the listings, on the simulated lender, and on a real lender's repossessions."""
    yield from lenders.in_a_home(_listings)
    yield from lenders.in_a_home(_world)
    yield from lenders.in_a_home(_ally)


def _listings(_place: Settings, runner: Runner, _: Path) -> Iterator[Row]:
    if not (DATA / "used_cars_uk").is_dir():
        yield Row("UK listings: median error", "models", "no data beside the checkout", "at most 0.06", False)
        return
    review = _reviewed(runner, "used_cars_uk", DATA / "used_cars_uk")
    found, shut = review["metrics"], ", ".join(review["shut"]) or "none"
    low, high = found["median_ape_interval"]
    said = f"UK listings, {found['rows']:,} held out (95 % {low:.4f} to {high:.4f}; gates shut: {shut})"
    yield at_most("models", f"{said}: median absolute error over price", found["median_ape"], 0.06)
    yield between("models", "UK listings: share within the 10–90 % interval", found["coverage"], 0.78, 0.82)
    yield between("models", "UK listings: bias, median of told over price less 1", found["bias"], -0.01, 0.01)
    yield from _made_again(runner, "UK listings", review)


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    folder = scratch / "world"
    simulate(WorldSpec(applications=APPLICATIONS), folder, last_month=HISTORY)
    review = _reviewed(runner, "world", folder / "raw")
    found, opened = review["metrics"], _open(place, "world", review)
    said = f"world of {APPLICATIONS:,} applications, {found['rows']:,} reported"
    yield Row(f"{said}: median absolute error over value", "models", found["median_ape"], "told", True)
    yield between("models", "world: share within the 10–90 % interval", found["coverage"], 0.78, 0.82)
    truth = _truth(place, opened)
    for months in (0, 12, 24, 36):
        told = opened.ahead(months)[:, opened.valuer.middle]
        away = float(np.median(np.abs(told / truth.at(months) - 1)))
        yield at_most("models", f"world: median error against the true value, {months} months on", away, 0.06)
    yield from _losses(place, "world", opened)


def _ally(place: Settings, runner: Runner, _: Path) -> Iterator[Row]:
    if not (DATA / "ally_auto").is_dir():
        yield Row("Ally: median error", "models", "no data beside the checkout", "told", False)
        return
    review = _reviewed(runner, "ally_auto", DATA / "ally_auto")
    found, shut = review["metrics"], ", ".join(review["shut"]) or "none"
    said = f"Ally, {found['rows']:,} of the latest (gates shut: {shut}): median absolute error over value"
    yield Row(said, "models", found["median_ape"], "told", True)
    yield from _losses(place, "ally_auto", _open(place, "ally_auto", review))


def _reviewed(runner: Runner, dataset: str, data: Path) -> dict[str, Any]:
    made = runner.run("lifecycle", {"dataset": dataset, "data": data, "line": LINE})
    review: dict[str, Any] = made["lines"][0]["review"]
    return review


def _made_again(runner: Runner, name: str, review: dict[str, Any]) -> Iterator[Row]:
    again = runner.run("reproduce", {"model": review["model"], "version": review["version"]})
    same = again["metrics"] == review["metrics"]
    yield exactly("models", f"{name}: made again, the same bundle and the same figures", str(same), "True")


@dataclass(frozen=True)
class Opened:
    """A valuer beside the rows of its frame that stand in a sample: the report, or all of them."""

    valuer: Any
    table: Any
    report: npt.NDArray[np.bool_]
    threads: int

    def ahead(self, months: int) -> npt.NDArray[np.float64]:
        """Value the report sample some months on, the index as it was."""
        from loanbook.training import matrix

        rows = self.table.filter(self.report)
        values, level = matrix.encode(rows, self.valuer.plan), rows["level"].to_numpy()
        after = np.full(len(values), float(months))
        market = rows["market"].to_numpy()
        return np.asarray(self.valuer.ahead(values, level, market, after, threads=self.threads))


def _open(place: Settings, dataset: str, review: dict[str, Any]) -> Opened:
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.training import candidates, frame
    from loanbook.valuation import valuer

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, dataset, tags["loanbook.candidate"])
    table = pq.read_table(frame.read(place, dataset, str(made.record["frame"])).path)
    report = pq.read_table(made.predictions, filters=[("sample", "=", "report")])
    kept = np.isin(table["vehicle_id"].to_pylist(), report["vehicle_id"].to_pylist())
    return Opened(valuer.read(made.bundle, expected=made.record["bundle"]), table, kept, place.threads)


@dataclass(frozen=True)
class Truth:
    """What the simulated lender makes a vehicle's value of: its price when new, its age, the index."""

    price: npt.NDArray[np.float64]
    age: npt.NDArray[np.float64]
    used: npt.NDArray[np.bool_]
    index: npt.NDArray[np.float64]

    def at(self, months: int) -> npt.NDArray[np.float64]:
        """Give the value without its luck, some months on, the index as it was."""
        worn = A_YEAR ** (self.age + months / 12) * self.index
        return np.asarray(self.price * np.where(self.used | (months > 0), worn, 1.0))


def _truth(place: Settings, opened: Opened) -> Truth:
    """Take prices from the simulator's own list, and the index of the very month: no flow reads either so."""
    from loanbook import lake
    from loanbook.intake import publishing
    from loanbook.world import words

    price = {f"{one.make} {one.model}".lower(): float(one.price) for one in words.MODELS}
    with lake.connect(place) as connection:
        lake.offer(connection, publishing.current(place, "world").paths)
        connection.register("asked", opened.table.filter(opened.report).select(["vehicle_id", "decided_at"]))
        found = connection.sql(
            "SELECT lower(v.make || ' ' || v.model) AS kind, v.condition = 'used' AS used, "
            "year(v.event_at) - v.model_year AS age, m.used_vehicle_index / 100 AS index "
            "FROM asked AS a JOIN vehicles AS v USING (vehicle_id) "
            "LEFT JOIN market AS m ON m.month = strftime(v.event_at, '%Y-%m') "
            "ORDER BY a.decided_at, a.vehicle_id"
        ).fetchnumpy()
    return Truth(
        np.array([price[str(kind)] for kind in found["kind"]]),
        np.asarray(found["age"], dtype=float),
        np.asarray(found["used"], dtype=bool),
        np.asarray(found["index"], dtype=float),
    )


def _losses(place: Settings, dataset: str, opened: Opened) -> Iterator[Row]:
    """Learn what sales leave on the earlier half of the repossessions, and hold the later half to it."""
    from loanbook import lake
    from loanbook.intake import publishing
    from loanbook.lending import collateral
    from loanbook.training import matrix

    with lake.connect(place) as connection:
        lake.offer(connection, publishing.current(place, dataset).paths)
        sales = connection.sql(SALES).to_arrow_table()
    places = {name: place for place, name in enumerate(opened.table["vehicle_id"].to_pylist())}
    kept = [row for row, name in enumerate(sales["vehicle_id"].to_pylist()) if name in places]
    sales = sales.take(kept)
    table = opened.table.take([places[name] for name in sales["vehicle_id"].to_pylist()])
    months = (sales["stopped"].to_numpy() - table["decided_at"].to_numpy()) / np.timedelta64(1, "D") / 30.4375
    known, level = matrix.encode(table, opened.valuer.plan), table["level"].to_numpy()
    then = opened.valuer.ahead(
        known, level, sales["index_then"].to_numpy(), np.maximum(months, 0.0), threads=opened.threads
    )
    now = opened.valuer.now(known, level, threads=opened.threads)[:, opened.valuer.middle]
    values = collateral.rolled(table["amount"].to_numpy(), now, then)
    owed, net = sales["owed"].to_numpy(), sales["net"].to_numpy()
    realised, half = 1 - net / owed, len(owed) // 2
    terms = collateral.learn(values[:half], net[:half])
    found = collateral.against(collateral.expected(values[half:], owed[half:], terms), realised[half:])
    name = f"{dataset}: LGD of {found['loans']} later repossessions of {len(owed)} (all: mean "
    name += (
        f"{realised.mean():.3f}, sd {realised.std(ddof=1):.3f}, {realised.min():.2f} to {realised.max():.2f})"
    )
    yield Row(f"{name}: realised mean", "models", found["realised"], "told", True)
    yield Row(
        f"{dataset}: expected mean (sales left {terms.share:.2f} of the value)",
        "models",
        found["expected"],
        "told",
        True,
    )
    yield Row(f"{dataset}: mean absolute error of LGD", "models", found["mean_error"], "told", True)
    rank = found["rank"] if found["rank"] is not None else "none: all alike"
    yield Row(f"{dataset}: rank correlation of expected and realised LGD", "models", rank, "told", True)
