"""Early warning, in figures: who on the book goes 60 days late, on real pools and on a simulated lender."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import lenders
from bench.measuring import DATA, ROOT, Row, at_least
from loanbook.cli.launch import Runner
from loanbook.settings import Settings

TOPIC, ALLY, LINE = "models", "ally_auto", "early_warning/auto"
LINES = ("early_warning/auto", "early_warning/consumer")
AT_MONTH_6 = 7  # instalments told of: the pool's first reporting period, and six months after it
MONTH_6 = 0.74
# The outcome of the 0.727 that the floor comes from: three payments missed in a row within twelve months.
AS_PUBLISHED = {"days_past_due": 90, "window_months": 12}


def rows() -> Iterator[Row]:
    """Measure both lines of early warning."""
    if (DATA / ALLY).is_dir():
        yield from lenders.in_a_home(_ally)
        yield from lenders.in_a_home(_ally_as_published)
    else:
        yield Row(
            "ally_auto, early warning", TOPIC, "no data beside the checkout", f"at least {MONTH_6}", False
        )
    yield from lenders.in_a_home(_world)


def _ally(place: Settings, runner: Runner, _: Path) -> Iterator[Row]:
    """Learn from the 2017 pools, and rank the 2019 pool's loans by who will be 60 days late in 6 months."""
    made = runner.run("lifecycle", {"dataset": ALLY, "data": DATA / ALLY, "line": LINE})
    judged = _judged(place, ALLY, made["lines"][0]["review"])
    name = "ally_auto, early warning, 2017 pools to 2019 pool, 60+ days late in 6 months"
    at_6 = judged[judged["loan_instalments_told"] == AT_MONTH_6]
    yield at_least(TOPIC, *_auc(f"{name}: AUC at month 6", at_6), MONTH_6)
    yield _told(*_auc(f"{name}: AUC at month 6 of loans not late", at_6[at_6["loan_dpd"] == 0]))
    yield _told(*_auc(f"{name}: AUC over all months", judged))
    yield from _calibration(name, made["lines"][0]["review"])


def _ally_as_published(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    """Ask the same of the outcome by which the published figure was taken."""
    folder = scratch / ALLY
    shutil.copytree(ROOT / "loanbook" / "datasets" / ALLY, folder)
    stated = (folder / "dataset.toml").read_text(encoding="utf-8")
    head = f'[lines."{LINE}"]\n'
    more = "".join(f"{name} = {value}\n" for name, value in AS_PUBLISHED.items())
    (folder / "dataset.toml").write_text(stated.replace(head, head + more), encoding="utf-8")
    made = runner.run("lifecycle", {"dataset": str(folder), "data": DATA / ALLY, "line": LINE})
    judged = _judged(place, ALLY, made["lines"][0]["review"])
    name = "ally_auto, early warning, 2017 pools to 2019 pool, three missed in a row in 12 months"
    yield _told(*_auc(f"{name}: AUC at month 6", judged[judged["loan_instalments_told"] == AT_MONTH_6]))


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    """Go the way of both lines on the simulated lender; the underwriting lines are others' to measure."""
    from loanbook.world import WorldSpec, simulate

    simulate(WorldSpec(applications=lenders.APPLICATIONS), scratch / "world", last_month=lenders.HISTORY)
    for line in LINES:
        made = runner.run("lifecycle", {"dataset": "world", "data": scratch / "world" / "raw", "line": line})
        review, name = made["lines"][0]["review"], f"world, {line}"
        judged = _judged(place, "world", review).merge(_true_pd(scratch / "world"), on="application_id")
        said, found = _auc(f"{name}: AUC", judged)
        yield _told(said, found)
        yield _told(f"{name}: AUC of the true PD at application, which knows no payment", _by_truth(judged))
        yield _told(*_auc(f"{name}: AUC of loans not late", judged[judged["loan_dpd"] == 0]))
        yield from _calibration(name, review)


def _judged(place: Settings, dataset: str, review: Mapping[str, Any]) -> Any:
    """Put the report sample's predictions beside what was known, as a data frame."""
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.training import candidates, frame

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, dataset, tags["loanbook.candidate"])
    known = pq.read_table(
        frame.read(place, dataset, str(made.record["frame"])).path,
        columns=["loan_month", "application_id", "loan_instalments_told", "loan_dpd"],
    )
    stored = pq.read_table(made.predictions).to_pandas()
    return stored[stored["sample"] == "report"].merge(known.to_pandas(), on="loan_month")


def _true_pd(folder: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(
        folder / "truth" / "applications.parquet", columns=["application_id", "true_pd"]
    ).to_pandas()


def _auc(name: str, rows: Any) -> tuple[str, float]:
    """Give a measure's name with its interval by customers and its bads, and the AUC."""
    from loanbook.training import evaluation

    bad = rows["bad"].to_numpy(dtype=bool)
    area, low, high = evaluation.auc(rows["pd"].to_numpy(), bad, rows["customer_id"].to_numpy(dtype=str))
    return f"{name} (95 % by customer {low:.3f} to {high:.3f}; {int(bad.sum())} bads of {len(bad)})", area


def _by_truth(rows: Any) -> float:
    from loanbook.training import evaluation

    return evaluation.auc(rows["true_pd"].to_numpy(), rows["bad"].to_numpy(dtype=bool))[0]


def _calibration(name: str, review: Mapping[str, Any]) -> Iterator[Row]:
    metrics, shut = review["metrics"], ", ".join(review["shut"]) or "none"
    yield _told(f"{name}: calibration slope (gates shut: {shut})", metrics["calibration_slope"])
    yield _told(f"{name}: ECE", metrics["ece"])


def _told(name: str, figure: float) -> Row:
    return Row(name, TOPIC, float(figure), "told", True)
