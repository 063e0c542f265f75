"""One side of `data_judged` a process: says its CPU seconds, its peak memory, and broken rows by rule."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import measuring
from bench.data_judged import APPLICATIONS, CUSTOMERS, RULES
from loanbook import lake
from loanbook.intake.book import Book
from loanbook.intake.engine import PROVENANCE
from loanbook.intake.judging import finding, quality
from loanbook.intake.judging.rules import Suite
from loanbook.intake.mapping import Dataset, Place, RawSource
from loanbook.intake.parts import stored
from loanbook.intake.readings import Reading, of_file
from loanbook.schema import TABLES
from loanbook.settings import ROOT, Settings

# one row in so many breaks each rule
BAD = 4000
APPLICATION = {
    "application_id": "CASE n % {bad} WHEN 1 THEN NULL WHEN 17 THEN format('A{{:013d}}', n - 1) "
    "ELSE format('A{{:013d}}', n) END",
    "event_at": "CASE WHEN n % {bad} <> 3 THEN TIMESTAMP '2020-01-01' + to_seconds(n * 150) END",
    "available_at": "CASE WHEN n % {bad} = 4 THEN NULL WHEN n % {bad} = 5 THEN TIMESTAMP '2019-06-01' "
    "ELSE TIMESTAMP '2020-01-01' + to_seconds(n * 150 + 60) END",
    "customer_id": "CASE n % {bad} WHEN 6 THEN NULL WHEN 7 THEN format('X{{:08d}}', n) "
    "ELSE format('C{{:08d}}', hash(n) % {customers}) END",
    "product": "CASE WHEN n % {bad} = 8 THEN 'boat' WHEN n % 3 = 0 THEN 'auto' ELSE 'consumer' END",
    "amount": "CASE WHEN n % {bad} = 9 THEN NULL WHEN n % {bad} = 10 THEN -1 ELSE 1000 + hash(n) % 90000 END",
    "term_months": "CASE WHEN n % {bad} = 11 THEN 900 ELSE 12 + n % 48 END",
    "declared_income": "CASE WHEN n % {bad} = 12 THEN -1 ELSE 20000 + hash(n + 1) % 100000 END",
    "lat": "CASE WHEN n % {bad} = 13 THEN 113.2 ELSE 18 + hash(n + 2) % 3600 / 100 END",
    "lon": "100 + hash(n + 3) % 2500 / 100",
    "channel": "['app', 'branch', 'web', 'dealer'][1 + n % 4]",
    "free_text": "CASE WHEN n % {bad} = 14 THEN 'caf\ufffd' "
    "ELSE 'Planned purchase no. ' || n || ', paid monthly' END",
    "decision": "CASE WHEN n % {bad} = 15 THEN 'perhaps' WHEN n % 5 = 0 THEN 'declined' ELSE 'approved' END",
}
DATASET = Dataset(
    name="bench",
    title="",
    currency="EUR",
    country="DE",
    licence="",
    folder=Path(),
    as_of=None,
    place=Place(lat=(18.0, 54.0), lon=(100.0, 125.0)),
    raw=(RawSource("none", (), "csv"),),
    tables={},
    lines={},
)
BY_HAND = """
SELECT
    count(*) FILTER (application_id IS NULL),
    count(*) FILTER (file_row_number <> first),
    count(*) FILTER (customer_id IS NULL),
    count(*) FILTER (customer_id IS NOT NULL AND customer_id NOT IN
        (SELECT customer_id FROM read_parquet('{folder}/customers.parquet'))),
    count(*) FILTER (event_at IS NULL),
    count(*) FILTER (available_at IS NULL),
    count(*) FILTER (available_at < event_at),
    count(*) FILTER (product NOT IN ('auto', 'consumer')),
    count(*) FILTER (amount IS NULL),
    count(*) FILTER (amount <= 0),
    count(*) FILTER (term_months <= 0 OR term_months > 480),
    count(*) FILTER (declared_income < 0),
    count(*) FILTER (lat < -90 OR lat > 90),
    count(*) FILTER (decision NOT IN ('approved', 'declined')),
    count(*) FILTER (
        contains(free_text, '\ufffd') OR contains(free_text, 'ï¿½') OR contains(free_text, '锟斤拷')
    )
FROM read_parquet('{folder}/applications.parquet', file_row_number = true)
LEFT JOIN (
    SELECT application_id AS twice, min(file_row_number) AS first
    FROM read_parquet('{folder}/applications.parquet', file_row_number = true)
    GROUP BY ALL HAVING count(*) > 1
) ON application_id = twice
"""


def make(folder: Path) -> dict[str, Any]:
    """Write applications and customers as snapshots are written."""
    with lake.connect(_settings(folder)) as connection:
        drawn = APPLICATION | {"_file": "'made.parquet'", "_row": "n", "_broken": "NULL::VARCHAR"}
        said = {name: sql.format(bad=BAD, customers=CUSTOMERS) for name, sql in drawn.items()}
        types = {each.name: each.type for each in TABLES["applications"].columns}
        types |= dict(PROVENANCE)
        given = ((name, types.get(name, "VARCHAR")) for name in stored(TABLES["applications"]))
        columns = ", ".join(f"({said.get(name, 'NULL')})::{kind} AS {name}" for name, kind in given)
        query = f"SELECT {columns} FROM range(1, {APPLICATIONS + 1}) AS made(n)"
        lake.copy_out(connection, f"{query} ORDER BY application_id, _row", folder / "applications.parquet")
        people = f"SELECT format('C{{:08d}}', n) AS customer_id FROM range({CUSTOMERS}) AS made(n)"
        lake.copy_out(connection, people, folder / "customers.parquet")
    return {}


def by_hand(folder: Path) -> dict[str, Any]:
    """Count what breaks each rule, in one query."""
    with lake.connect(_settings(folder)) as connection:
        return _timed(lambda: connection.execute(BY_HAND.format(folder=folder)).fetchall()[0])


def ours(folder: Path) -> dict[str, Any]:
    """Find every broken row, write it with the rules that it breaks, count and measure."""
    suite = _suite(only=True)
    place, reading = _settings(folder), _reading(folder)

    def find() -> list[int]:
        found = finding.found(place, DATASET, reading, suite, folder / "breaches.parquet")
        return [found.counts.get(rule, 0) for rule in RULES]

    return _timed(find)


def judged(folder: Path) -> dict[str, Any]:
    """Do all of judging: the same, then Great Expectations on the sample, the comparison, the page."""
    suite = _suite(only=True)
    return _judged(folder, suite)


def whole(folder: Path) -> dict[str, Any]:
    """Judge by the whole suite."""
    return _judged(folder, _suite(only=False))


def great_expectations(folder: Path) -> dict[str, Any]:
    """Let Great Expectations judge all rows in pandas, and list the broken ones."""
    import great_expectations as gx
    import pandas as pd

    suite = _suite(only=True)

    def validate() -> list[int]:
        # no more than the rules need, for it copies every column again and again
        asked_of = {name for rule in suite.rules for name in rule.columns if not name.startswith("_")}
        own = sorted({"application_id", *asked_of} & set(TABLES["applications"].names))
        frame = pd.read_parquet(folder / "applications.parquet", columns=own)
        people = pd.read_parquet(folder / "customers.parquet")["customer_id"]
        for name in ("amount", "declared_income"):
            frame[name] = frame[name].astype("float64")
        frame["_first_of_key"] = ~frame["application_id"].duplicated() | frame["application_id"].isna()
        known = frame["customer_id"].isin(people).astype(object)
        frame["customer_id__known"] = known.where(frame["customer_id"].notna(), float("nan"))
        frame = frame.copy()
        asset = gx.get_context(mode="ephemeral").data_sources.add_pandas("bench").add_dataframe_asset("all")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        asked = gx.ExpectationSuite(name="bench", expectations=[rule.expects for rule in suite.rules])
        results = batch.validate(asked, result_format={"result_format": "COMPLETE"}).results
        counts = {str(each.expectation_config.meta["rule"]): each.result for each in results}
        assert all("unexpected_index_list" in counts[rule] for rule in RULES)
        return [int(counts[rule]["unexpected_count"]) for rule in RULES]

    return _timed(validate)


def _judged(folder: Path, suite: Suite) -> dict[str, Any]:
    place, reading = _settings(folder), _reading(folder)

    def judge() -> list[int]:
        verdict = quality.judge(place, DATASET, reading, suite)
        broken = {each.rule: each.broken for each in verdict.rules}
        return [broken[rule] for rule in RULES]

    # by then Great Expectations is imported, and little else
    return {"import": measuring.cpu(), "rules": len(suite.rules)} | _timed(judge)


def _suite(*, only: bool) -> Suite:
    suite = quality.load_suites(ROOT / "expectations")["applications"]
    if not only:
        return suite
    rules = tuple(suite.rule(name) for name in RULES)
    return replace(suite, rules=rules, digest=f"fifteen of {suite.digest}")


def _settings(folder: Path) -> Settings:
    # a home of its own: what was judged before is not judged again
    return Settings(home=folder / f"home-{os.getpid()}", threads=2)


def _reading(folder: Path) -> Reading:
    return Reading(
        "bench",
        datetime(2024, 10, 3),
        (
            of_file("applications", folder / "applications.parquet", APPLICATIONS),
            of_file("customers", folder / "customers.parquet", CUSTOMERS),
        ),
        Book("bench"),
        "",
    )


def _timed(work: Callable[[], Any]) -> dict[str, Any]:
    before = measuring.cpu()
    counts = dict(zip(RULES, work(), strict=True))
    cpu = measuring.cpu() - before
    return {"cpu": cpu, "memory": measuring.peak(), "counts": counts}


SIDES = {each.__name__: each for each in (make, by_hand, ours, judged, whole, great_expectations)}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(SIDES[sys.argv[1]](Path(sys.argv[2]))) + "\n")
