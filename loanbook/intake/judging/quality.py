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
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import digests, lake
from loanbook.intake.judging import agreement, data_docs, finding, pushdown, suites
from loanbook.intake.judging.rules import Rule, RuleOutcome, Suite, Verdict
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Reading
from loanbook.lake import Lake
from loanbook.schema import REFERENCES, TABLES, Privacy
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RuleOutcome", "Suite", "Verdict", "judge", "load_suites"]

FORMAT = 2  # of verdicts: raise it when the same snapshot and suite are to be judged again
# Great Expectations keeps its project and its registries in globals
_ONE_AT_A_TIME = threading.Lock()
_TOOLS = ("great-expectations", "duckdb", "pandas")


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
    found = finding.found(settings, dataset, reading, suite, known / f"{mark}.parquet")
    with _ONE_AT_A_TIME:
        result = _ask(suite.table, found.frame, found.asked)
        agreement.refuse_disagreement(dataset.name, suite.table, found.asked, found.seen, result)
        html = _rendered(suite.table, result)
    lake.write_text(page, data_docs.closed(html, suite.table, snapshot.rows, len(found.frame)))
    verdict = Verdict(
        table=suite.table,
        rows=snapshot.rows,
        suite_digest=suite.digest,
        judged_by_gx=len(found.frame),
        rules=tuple(finding.outcome(rule, found) for rule in suite.rules),
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
    as_of = reading.as_of.isoformat()
    return digests.of_json(
        [FORMAT, [each.digest if each else None for each in snapshots], suite.digest, place, as_of, tools]
    )


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
