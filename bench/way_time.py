"""Time kept: what comes later changes nothing, a join by hand agrees, the same order gives the same bytes."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.measuring import Row, at_least, exactly
from loanbook import lines
from loanbook.features import store, tables
from loanbook.features.tables import FeatureSet
from loanbook.governance import shelf
from loanbook.intake import mapping, publishing, raw, snapshots
from loanbook.intake.judging import quality
from loanbook.intake.publishing import Publication
from loanbook.schema import TABLES
from loanbook.settings import Settings
from loanbook.training import candidates, frame, reasons
from loanbook.training.candidate import Order
from loanbook.world import WorldSpec, simulate

LINE = lines.find("underwriting/auto")
SAMPLE = 2_000
ALTERED = {"DOUBLE": "{0} * 3 + 7", "INTEGER": "{0} * 3 + 7", "DECIMAL(18,2)": "({0} * 3 + 7)::DECIMAL(18,2)"}


def rows(scratch: Path) -> Iterator[Row]:
    """Measure on a small world of its own."""
    simulate(WorldSpec(applications=12_000), scratch / "world", last_month=48)
    place = replace(Settings.read({}), home=scratch / "home")
    publication = _published(place, scratch / "world" / "raw")
    features = _features(place, publication.paths, "as it was")
    outcome = frame.outcomes(place, publication.paths, LINE, publication.as_of)
    yield from _later_rows(place, publication, features, outcome, scratch / "altered")
    yield from _by_hand(place, features, outcome)
    yield from _twice(place, features, outcome, scratch)


def _published(place: Settings, data: Path) -> Publication:
    source = mapping.load("world")
    deliveries = raw.survey(source, data)
    reading = snapshots.freeze(place, source, deliveries, as_of=None)
    suites = quality.load_suites(place.repo / "expectations")
    verdicts = [quality.judge(place, source, reading, suites[one.table]) for one in reading.snapshots]
    return publishing.publish(place, source, reading, suites, verdicts)


def _features(place: Settings, paths: Mapping[str, Path], name: str) -> FeatureSet:
    made = tables.compute(place, "world", name, paths)
    store.declare(place, made)
    return made


def _later_rows(
    place: Settings, publication: Publication, features: FeatureSet, outcome: Any, folder: Path
) -> Iterator[Row]:
    """Change or remove every row that became available after t; ask for features up to t, and after."""
    moment = sorted(outcome["decided_at"].to_pylist())[outcome.num_rows // 2]
    altered = _features(place, _alter(publication.paths, moment, folder), "altered after t")
    entities = frame.entities(outcome, LINE.grain)
    before, after = (store.history(place, one, LINE.feature_service, entities) for one in (features, altered))
    known = [decided <= moment for decided in outcome["decided_at"].to_pylist()]
    names = [name for name in before.column_names if name not in entities.column_names]
    differing = {True: 0, False: 0}
    for name in names:
        for is_known, one, two in zip(known, before[name].to_pylist(), after[name].to_pylist(), strict=True):
            differing[is_known] += not _same(one, two)
    yield exactly(
        "way", f"features at t that a later row moved ({sum(known):,} × {len(names)})", differing[True], 0
    )
    yield at_least("way", "  the same after t, where they must move", differing[False], 1)


def _alter(paths: Mapping[str, Path], moment: datetime, folder: Path) -> dict[str, Path]:
    import duckdb

    folder.mkdir(parents=True)
    made = {}
    for name, path in paths.items():
        columns = ", ".join(_altered(one.name, one.type) for one in TABLES[name].columns)
        made[name] = folder / f"{name}.parquet"
        kept = f"available_at <= $t OR hash({TABLES[name].key}) % 3 > 0"
        query = f"SELECT {columns} FROM read_parquet('{path}') WHERE {kept}"
        duckdb.execute(f"COPY ({query}) TO '{made[name]}' (FORMAT parquet)", {"t": moment})
    return made


def _altered(name: str, kind: str) -> str:
    if kind not in ALTERED:
        return f'"{name}"'
    other = ALTERED[kind].format(name)
    return f'CASE WHEN available_at > $t THEN {other} ELSE "{name}" END AS "{name}"'


def _by_hand(place: Settings, features: FeatureSet, outcome: Any) -> Iterator[Row]:
    """Join some applications row by row in Python: the last row of each view known then, within its TTL."""
    import pyarrow.parquet as pq

    chosen = sorted(random.Random(7).sample(range(outcome.num_rows), min(SAMPLE, outcome.num_rows)))
    asked = frame.entities(outcome.take(chosen), LINE.grain)
    got = store.history(place, features, LINE.feature_service, asked).to_pylist()
    served = {one.name for one in store.service(place, features, LINE.feature_service).features}
    differing = cells = 0
    for view in store.views(place, features):
        kept: dict[str, list[dict[str, Any]]] = {}
        for row in pq.read_table(features.folder / f"{view.name}.parquet").to_pylist():
            kept.setdefault(row[view.key], []).append(row)
        for answer in got:
            at = answer["event_timestamp"].replace(tzinfo=None)
            known = [
                row for row in kept.get(answer[view.key], []) if at - view.ttl <= row["available_at"] <= at
            ]
            last = max(known, key=lambda row: row["available_at"]) if known else {}
            for name in served.intersection(view.features):
                cells += 1
                differing += not _same(last.get(name), answer[name])
    yield exactly("way", f"cells that differ from a join done by hand ({cells:,} cells)", differing, 0)


def _twice(place: Settings, features: FeatureSet, outcome: Any, scratch: Path) -> Iterator[Row]:
    digests = set()
    for name in ("first", "second"):
        home = replace(place, home=scratch / name)
        wanted = frame.wanted(outcome)
        service = store.service(place, features, LINE.feature_service)
        history = store.history(place, features, LINE.feature_service, frame.entities(wanted, LINE.grain))
        known = frame.freeze(home, "world", LINE.grain, wanted, history)
        made = candidates.make(home, "world", _order(place, known, service, features), {"who": name})
        digests.add(str(made.record["bundle"]))
    yield exactly("way", "bundle hashes of training twice in two places", len(digests), 1)


def _order(place: Settings, known: frame.Frame, service: store.Service, features: FeatureSet) -> Order:
    policy = shelf.policy(place, LINE.name)
    wording = (place.repo / "expectations" / "policies" / "reasons.toml").read_text(encoding="utf-8")
    return Order(
        line=LINE,
        recipes=(),
        frame=known.path,
        frame_digest=known.digest,
        service=service.digest,
        features=tuple(one.name for one in service.features if one.name not in features.absent),
        reasons=reasons.parse(wording, "reasons.toml"),
        strategy=policy.cut_offs,
        report_from=None,
        shared_customers=False,
        seed=7,
        threads=place.threads,
    )


def _same(one: object, two: object) -> bool:
    return one == two or (_nothing(one) and _nothing(two))


def _nothing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
