"""The line `fraud`, in figures: which ring members it sends to an investigator, and which innocent people.

The truth knows every ring and every look-alike; the model knows what investigators confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import lenders
from bench.measuring import Row, at_least, at_most, exactly
from loanbook.cli.launch import Runner
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

if TYPE_CHECKING:
    import pandas as pd

LINE, SHARE = "fraud", 0.02
LATER = 30  # days after the decision
UNLINKED = (
    "device_strangers", "phone_strangers", "account_strangers", "identity_others", "referral_chain",
    "referrals_made_quick", "dealer_dear_90d",
)  # fmt: skip


def rows() -> Iterator[Row]:
    """Measure the line on the simulated lender that figures are given of."""
    yield from lenders.in_a_home(_world)


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    folder = scratch / "fraud"
    simulate(WorldSpec(applications=lenders.APPLICATIONS), folder, last_month=lenders.HISTORY)
    made = runner.run("lifecycle", {"dataset": "world", "data": folder / "raw", "line": LINE})
    review = made["lines"][0]["review"]
    yield from measured(place, folder / "truth", review)
    again = runner.run("reproduce", {"model": review["model"], "version": review["version"]})
    same = str(again["metrics"] == review["metrics"])
    yield exactly("models", "world, fraud: made again, the same figures", same, "True")


def measured(place: Settings, truth: Path, review: dict[str, Any]) -> Iterator[Row]:
    """Hold the report sample's scores to the truth."""
    report = _report(place, truth, review)
    metrics, confirmed = review["metrics"], int(report["bad"].sum())
    low, high = metrics["auc_interval"]
    said = (
        f"AUC against confirmed cases (95 % {low:.3f} to {high:.3f}; {confirmed} of {len(report)} confirmed"
    )
    yield _told(f"{said}; gates shut: {', '.join(review['shut']) or 'none'})", metrics["auc"])
    found = _top(report, "pd")
    yield at_least("models", _of_rings(report, found), _share(found, report["ring"]), 0.85)
    yield at_most("models", _of_lookalikes(report, found), _share(found, report["lookalike"]), 0.03)
    yield from _by_kind(report, found, "")
    unusual = _top(report, "unusual")
    yield _told("the score that saw no outcome: ring members in its top 2 %", _share(unusual, report["ring"]))
    yield _told("the same: look-alikes in its top 2 %", _share(unusual, report["lookalike"]))
    yield from _by_kind(report, unusual, "the same: ")
    yield from _missed(report, found)
    later = _top(report, "pd_later")
    yield _told(
        f"scored again {LATER} days later: ring members in the top 2 %", _share(later, report["ring"])
    )
    yield _told("the same: look-alikes in the top 2 %", _share(later, report["lookalike"]))


def _told(name: str, figure: float) -> Row:
    return Row(f"world, fraud: {name}", "models", figure, "told", True)


def _of_rings(report: pd.DataFrame, found: Any) -> str:
    count = int(report["ring"].notna().sum())
    return (
        f"world, fraud: of {count} ring members in the report period, in the top 2 % of scores "
        f"({int(found.sum())} applications) at the decision"
    )


def _of_lookalikes(report: pd.DataFrame, _: Any) -> str:
    count = int(report["lookalike"].notna().sum())
    return f"world, fraud: of {count} families' and call centres' applications, in the same top 2 %"


def _by_kind(report: pd.DataFrame, found: Any, before: str) -> Iterator[Row]:
    for column in ("ring", "lookalike"):
        for kind in sorted(report[column].dropna().unique()):
            yield _told(f"{before}{kind}, in the top 2 %", float(found[report[column] == kind].mean()))


def _missed(report: pd.DataFrame, found: Any) -> Iterator[Row]:
    """Say how many of the missed nothing could have found when they were decided."""
    rings = report[report["ring"].notna()]
    missed = rings[~found[report["ring"].notna()]]
    unlinked = (missed[list(UNLINKED)].fillna(0) == 0).all(axis=1)
    alone = missed["others_filed"] == 0
    yield _told("ring members missed", len(missed))
    yield _told("of them, known to share nothing with anybody when decided", int(unlinked.sum()))
    yield _told(
        "of those, the first of their ring: nobody else of it had filed", int((unlinked & alone).sum())
    )


def _share(found: Any, group: Any) -> float:
    return float(found[group.notna()].mean())


def _top(report: pd.DataFrame, score: str) -> Any:
    """Mark the highest scores, two in a hundred at most; equal scores stand or fall together."""
    from loanbook.lending import strategy

    return report[score] >= strategy.over(report[score].to_numpy(), SHARE)


def _report(place: Settings, truth: Path, review: dict[str, Any]) -> pd.DataFrame:
    """Give the report sample: scores at the decision and later, what was known, and the truth beside it."""
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.training import bundle, candidates

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "world", tags["loanbook.candidate"])
    stored = pq.read_table(made.predictions).to_pandas()
    report: pd.DataFrame = stored[stored["sample"] == "report"].reset_index(drop=True)
    opened = bundle.read(made.bundle)
    known = _known(place, report, 0)
    report = report.join(known.select(list(UNLINKED)).to_pandas())
    report["pd_later"] = _scored(opened, _known(place, report, LATER), place)
    for name, file in (("ring", "rings"), ("lookalike", "lookalikes")):
        kinds = pq.read_table(truth / f"{file}.parquet", columns=["application_id", "kind"]).to_pandas()
        report[name] = report["application_id"].map(kinds.set_index("application_id")["kind"])
    report["others_filed"] = report["application_id"].map(_others_filed(truth)).fillna(0)
    return report


def _known(place: Settings, report: pd.DataFrame, days: int) -> Any:
    """Join what was known of each application so many days after it was decided."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from loanbook import lines
    from loanbook.features import store, tables
    from loanbook.intake import publishing
    from loanbook.schema import APPLICATION
    from loanbook.training import frame

    publication = publishing.current(place, "world")
    keys = pq.read_table(publication.paths["applications"], columns=["application_id", "vehicle_id"])
    rows = report[["application_id", "customer_id", "decided_at"]].merge(keys.to_pandas(), how="left")
    rows["vehicle_id"] = rows["vehicle_id"].fillna("")
    rows["decided_at"] += timedelta(days=days)
    features = tables.current(place, "world", publication.id)
    asked = frame.entities(pa.Table.from_pandas(rows, preserve_index=False), APPLICATION)
    return store.history(place, features, lines.find(LINE).feature_service, asked)


def _scored(opened: Any, known: Any, place: Settings) -> Any:
    from loanbook.lending import scoring

    return scoring.pds(opened, known, threads=place.threads)


def _others_filed(truth: Path) -> dict[str, int]:
    """Count, for each ring member, who else of its ring had filed within three days after it."""
    import duckdb

    found = duckdb.execute(
        f"WITH r AS (SELECT application_id, ring_id, event_at FROM '{truth / 'applications.parquet'}' "
        "WHERE ring_id IS NOT NULL) "
        "SELECT a.application_id, count(b.application_id) FROM r AS a LEFT JOIN r AS b "
        "ON a.ring_id = b.ring_id AND a.application_id <> b.application_id "
        "AND b.event_at <= a.event_at + INTERVAL 3 DAYS GROUP BY ALL"
    ).fetchall()
    return dict(found)
