"""raw → validated: hold each table to its suite. The one door of Great Expectations.

Two judges see the same rows: DuckDB finds every broken row in one pass, Great Expectations judges and
reports. Where they disagree the batch is blocked.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, StorageError
from loanbook.intake import data_docs, engine, pushdown, suites
from loanbook.intake.engine import ident
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Reading, Snapshot
from loanbook.intake.rules import Rule, RuleOutcome, Suite, Verdict
from loanbook.lake import Lake
from loanbook.schema import REFERENCES, TABLES, Privacy
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

__all__ = ["RuleOutcome", "Suite", "Verdict", "judge", "load_suites"]

FORMAT = 1  # of verdicts: raise it when the same snapshot and suite are to be judged again
SEEN_WHOLE = 200_000  # larger tables are judged by Great Expectations on a sample
SAMPLE = 50_000
SEED = 7
# Great Expectations keeps its project and its registries in globals
_ONE_AT_A_TIME = threading.Lock()
_TOOLS = ("great-expectations", "duckdb", "pandas")


@dataclass(frozen=True)
class _Findings:
    """What DuckDB found: rules that applied, broken rows by rule, held rows; and what both judges see."""

    rules: tuple[Rule, ...]
    counts: Mapping[str, int]
    held: int
    asked: tuple[Rule, ...]
    frame: pd.DataFrame
    seen: Mapping[str, int]


def load_suites(folder: Path) -> Mapping[str, Suite]:
    """Read a suite per table, or raise DatasetError: a misspelt rule, a table without suite."""
    _awake()
    return suites.load(folder)


def _awake() -> None:
    """Import Great Expectations; what it imports in turn deprecates itself, and says so."""
    if "great_expectations.expectations" in sys.modules:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        importlib.import_module("great_expectations.expectations")


def judge(settings: Settings, dataset: Dataset, reading: Reading, suite: Suite) -> Verdict:
    """Judge one table's snapshot, unless the same was judged before; write its page of Data Docs."""
    snapshot = pushdown.standing(reading, suite.table)
    mark = _mark(dataset, reading, suite)
    known = Lake(settings.home).catalog(dataset.name) / "verdicts"
    reports = Lake(settings.home).reports(dataset.name)
    page = reports / "data_docs" / suite.table / f"{mark[:16]}.html"
    if (verdict := _remembered(known, mark)) and page.exists():
        return verdict
    found = _found(settings, dataset, reading, suite, known / f"{mark}.parquet")
    with _ONE_AT_A_TIME:
        result = _ask(suite.table, found.frame, found.asked)
        _compare(dataset, suite.table, found, result)
        html = _rendered(suite.table, result)
    lake.write_text(page, data_docs.closed(html, suite.table, snapshot.rows, len(found.frame)))
    verdict = Verdict(
        table=suite.table,
        rows=snapshot.rows,
        suite_digest=suite.digest,
        judged_by_gx=len(found.frame),
        rules=tuple(_outcome(rule, found, snapshot.rows) for rule in suite.rules),
        held=found.held,
        action="quarantine" if found.held else "pass",
        snapshot=snapshot.digest,
        breaches=f"{mark}.parquet",
        breaches_digest=digests.of_file(known / f"{mark}.parquet"),
        docs=page.relative_to(reports).as_posix(),
    )
    if verdict.blocking:
        verdict = replace(verdict, action="block")
    lake.write_json(known / f"{mark}.json", verdict.to_json())
    return verdict


def _found(settings: Settings, dataset: Dataset, reading: Reading, suite: Suite, breaches: Path) -> _Findings:
    """Find every broken row in DuckDB, list them in a file, and read what Great Expectations is to see."""
    snapshot = pushdown.standing(reading, suite.table)
    with (
        lake.connect(settings) as connection,
        engine.guarded(snapshot.parts[-1].path, StorageError, "the snapshot can't be judged"),
    ):
        rules = pushdown.find(connection, dataset, reading, suite)
        lake.copy_out(connection, "FROM breaches ORDER BY _at", breaches)
        counts, held = _counted(connection, "true")
        sample = "true" if snapshot.rows <= SEEN_WHOLE else _sampled(snapshot)
        asked = _askable(rules, snapshot)
        frame = _frame(connection, pushdown.judged(dataset, reading, suite), asked, sample)
        seen, _ = _counted(connection, sample)
    return _Findings(rules, counts, held, asked, frame, seen)


def _remembered(known: Path, mark: str) -> Verdict | None:
    """Find an earlier verdict on the same, if its list of broken rows stands as it was written."""
    if not (known / f"{mark}.json").exists():
        return None
    verdict = Verdict.from_json(lake.read_json(known / f"{mark}.json"))
    path = known / verdict.breaches
    return verdict if path.exists() and digests.of_file(path) == verdict.breaches_digest else None


def _mark(dataset: Dataset, reading: Reading, suite: Suite) -> str:
    """Name a judgement by all that it depends on."""
    from importlib.metadata import version

    tables = [suite.table, *(parent for _, parent in REFERENCES.get(suite.table, ()))]
    snapshots = [reading.snapshot(table) for table in tables]
    place = [dataset.place.lat, dataset.place.lon] if dataset.place else None
    tools = [version(name) for name in _TOOLS]
    return digests.of_json(
        [FORMAT, [each.digest if each else None for each in snapshots], suite.digest, place, tools]
    )


def _counted(connection: duckdb.DuckDBPyConnection, sample: str) -> tuple[dict[str, int], int]:
    """Count the broken rows per rule, and the rows that are held."""
    each = "SELECT unnest(rules) AS rule FROM breaches WHERE " + sample
    counts = connection.execute(f"SELECT rule, count(*) FROM ({each}) GROUP BY rule").fetchall()
    held = connection.execute(f"SELECT count(*) FILTER (held) FROM breaches WHERE {sample}").fetchall()
    return {str(rule): int(count) for rule, count in counts}, int(held[0][0])


def _sampled(snapshot: Snapshot) -> str:
    """Pick some SAMPLE rows by a hash of their place: the same rows whenever asked."""
    return f"hash(_at + {SEED}) % {snapshot.rows} < {SAMPLE}"


def _askable(rules: Sequence[Rule], snapshot: Snapshot) -> tuple[Rule, ...]:
    """Leave out what a sample can't tell, uniqueness, and what no rows can't, their mean."""
    sampled, empty = snapshot.rows > SEEN_WHOLE, snapshot.rows == 0
    return tuple(
        rule
        for rule in rules
        if not (sampled and rule.expectation.endswith("_unique"))
        and not (empty and rule.expectation == pushdown.MEAN)
    )


def _frame(
    connection: duckdb.DuckDBPyConnection, judged: str, rules: Sequence[Rule], sample: str
) -> pd.DataFrame:
    """Read the columns that rules speak of, and no other, for pandas."""
    names = sorted({name for rule in rules for name in rule.columns} - {"_held"})
    selected = ", ".join([*(ident(name) for name in names), "coalesce(held, false)::DOUBLE AS _held"])
    return connection.execute(
        f"SELECT {selected} FROM ({judged}) LEFT JOIN (SELECT _at AS _breach, held FROM breaches) "
        f"ON _at = _breach WHERE {sample} ORDER BY _at"
    ).df()


def _ask(table: str, frame: pd.DataFrame, rules: Sequence[Rule]) -> Any:
    """Let Great Expectations judge a frame."""
    _awake()
    import great_expectations as gx

    asset = _context().data_sources.add_or_update_pandas("loanbook").add_dataframe_asset(table)
    batch = asset.add_batch_definition_whole_dataframe("reading").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name=table, expectations=[rule.expects for rule in rules])
    return batch.validate(suite, result_format="BASIC")


@cache
def _context() -> Any:
    """Keep one context a process: each makes a folder for its documents, which we neither need nor leave."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    for site in (context.variables.data_docs_sites or {}).values():
        shutil.rmtree(site["store_backend"]["base_directory"], ignore_errors=True)
    return context


def _compare(dataset: Dataset, table: str, found: _Findings, result: Any) -> None:
    """Block the batch where Great Expectations and DuckDB say different things of the same rows."""
    told = {str(each.expectation_config.meta["rule"]): each for each in result.results}
    for rule in found.asked:
        each = told.get(rule.id)
        if why := _fault(each):
            raise BatchBlocked(
                f"{table}, {rule.id}: Great Expectations can't judge it: {why}", where=dataset.name
            )
        theirs, ours = _said(rule, each, found)
        if theirs != ours:
            raise BatchBlocked(
                f"{table}, {rule.id}: two judges disagree on {len(found.frame):,} rows: "
                f"Great Expectations says {theirs}, DuckDB {ours}",
                where=dataset.name,
                right="Report it: one of the two reads the rule otherwise",
            )


def _fault(each: Any) -> str:
    """Say why Great Expectations could not judge a rule, or nothing if it could."""
    if each is None:
        return "it says nothing of it"
    info = each.exception_info or {}
    # one entry per metric where a metric failed, else the fields themselves
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [
        str(entry["exception_message"] or entry["exception_traceback"]).strip().splitlines()[-1]
        for entry in entries
        if entry["raised_exception"]
    ]
    if not raised and not {"unexpected_count", "observed_value"} & set(each.result):
        raised = ["it counts nothing"]
    return "; ".join(raised)


def _said(rule: Rule, each: Any, found: _Findings) -> tuple[object, object]:
    """Put what both say of a rule side by side."""
    if rule.expectation == pushdown.ROWS:
        return int(each.result["observed_value"]), len(found.frame)
    if rule.expectation == pushdown.MEAN:
        return round(float(each.result["observed_value"]), 9), round(float(found.frame["_held"].mean()), 9)
    return int(each.result["unexpected_count"]), found.seen.get(rule.id, 0)


def _outcome(rule: Rule, found: _Findings, rows: int) -> RuleOutcome:
    said = (rule.id, rule.action, rule.expectation, rule.column)
    if rule not in found.rules:
        return RuleOutcome(*said, 0, True, "the dataset doesn't give this column")
    if rule.broken is not None:
        broken = found.counts.get(rule.id, 0)
        return RuleOutcome(*said, broken, broken == 0)
    if rule.expectation == pushdown.ROWS:
        passed = pushdown.within(rows, rule.kwargs)
        return RuleOutcome(*said, 0 if passed else rows, passed)
    passed = pushdown.within(found.held / rows if rows else 0.0, rule.kwargs)
    return RuleOutcome(*said, 0 if passed else found.held, passed)


def _rendered(table: str, result: Any) -> str:
    """Render a page of Data Docs, without the values that say who a person is."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    told = {column.name for column in TABLES[table].columns if column.privacy is Privacy.OPEN}
    for each in result.results:
        columns = {
            str(each.expectation_config.kwargs.get(name)) for name in ("column", "column_A", "column_B")
        }
        each.result.update(_redacted(each.result, closed=not columns - {"None"} <= told))
    return str(_view().render(ValidationResultsPageRenderer().render(result)))


@cache
def _view() -> Any:
    """Keep the templates, which take longer to compile than a page to render."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _redacted(result: Mapping[str, Any], *, closed: bool) -> dict[str, Any]:
    """Keep numbers; numpy's become Python's, which is all that the renderer can print."""
    lists: dict[str, Any] = (
        {name: [] for name in result if name.startswith("partial_unexpected")} if closed else {}
    )
    value = result.get("observed_value")
    return lists | ({"observed_value": float(value)} if isinstance(value, float) else {})
