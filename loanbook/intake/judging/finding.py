"""raw → validated: what DuckDB finds in a table: every broken row, and the rows that both judges see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.errors import StorageError
from loanbook.intake import engine
from loanbook.intake.engine import ident
from loanbook.intake.judging import agreement, measures, pushdown
from loanbook.intake.judging.rules import Rule, RuleOutcome, Suite
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Reading, Snapshot
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SEEN_WHOLE = 50_000  # larger tables are judged by Great Expectations on a sample
SAMPLE = 20_000
SEED = 7
_SAMPLED = "FROM seen WHERE _sampled"
_COUNTED = (measures.ROWS, measures.MEAN)


@dataclass(frozen=True)
class Findings:
    """What DuckDB found: the rules that applied, broken rows by rule, held rows, measures of the table.

    `asked` are the rules put to Great Expectations, `frame` the rows it sees, `seen` what is found of those.
    """

    rules: tuple[Rule, ...]
    counts: Mapping[str, int]
    held: int
    measured: Mapping[str, float | None]
    asked: tuple[Rule, ...]
    frame: pd.DataFrame
    seen: agreement.Seen


def found(settings: Settings, dataset: Dataset, reading: Reading, suite: Suite, breaches: Path) -> Findings:
    """Find every broken row in DuckDB, list them in a file, and read what Great Expectations is to see."""
    snapshot = pushdown.standing(reading, suite.table)
    with (
        lake.connect(settings) as connection,
        engine.guarded(snapshot.parts[-1].path, StorageError, "the snapshot can't be judged"),
    ):
        lately = pushdown.lately(connection, reading, suite)
        rules = pushdown.find(connection, dataset, reading, suite, _sample(snapshot), lately)
        listed = "SELECT _at, _rules AS rules, _held = 1 AS held FROM seen WHERE len(_rules) > 0 ORDER BY _at"
        lake.copy_out(connection, listed, breaches)
        counts, held = _counted(connection, "true")
        others = [rule for rule in rules if rule.broken is None and rule.expectation not in _COUNTED]
        whole = pushdown.judged(dataset, reading, suite, pushdown.columns_of(suite, others), lately)
        share = max(_share(held, snapshot.rows), _lately_held(connection, snapshot))
        measured = _plain(rules, snapshot.rows, share) | _measures(connection, others, whole)
        asked = _askable(rules, snapshot)
        frame = _frame(connection, asked)
        broken, _ = _counted(connection, "_sampled")
        seen = agreement.Seen(len(frame), broken, _measures(connection, asked, _SAMPLED))
    return Findings(rules, counts, held, measured, asked, frame, seen)


def _share(held: int, rows: int) -> float:
    return held / rows if rows else 0.0


def _lately_held(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> float:
    """Give the share of broken rows in the newest batch: a long past would hide them. Few rows say little."""
    newest = snapshot.parts[-1].rows
    if newest < measures.FEWEST_COUNTED:
        return 0.0
    first = snapshot.rows - newest
    held = connection.execute(f"SELECT count(*) FILTER (_held = 1) FROM seen WHERE _at >= {first}").fetchall()
    return _share(int(held[0][0]), newest)


def _plain(rules: Sequence[Rule], rows: int, share: float) -> dict[str, float | None]:
    """Measure what is known once the broken rows are counted."""
    known = {measures.ROWS: float(rows), measures.MEAN: share if rows else None}
    return {rule.id: known[rule.expectation] for rule in rules if rule.expectation in known}


def _measures(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], relation: str
) -> dict[str, float | None]:
    """Measure a relation as rules say: the same measure with other limits is taken once."""
    taken: dict[str, float | None] = {}
    told: dict[str, float | None] = {}
    for rule in rules:
        if rule.broken is None:
            way = repr([rule.expectation, *sorted(set(rule.kwargs.items()) - _limits(rule))])
            if way not in taken:
                taken[way] = measures.measure(connection, relation, _SAMPLED, rule.expectation, rule.kwargs)
            told[rule.id] = taken[way]
    return told


def _limits(rule: Rule) -> set[tuple[str, object]]:
    return {(name, value) for name, value in rule.kwargs.items() if name in measures.LIMITS}


def _counted(connection: duckdb.DuckDBPyConnection, where: str) -> tuple[dict[str, int], int]:
    """Count the broken rows per rule, and the rows that are held."""
    each = f"SELECT unnest(_rules) AS rule FROM seen WHERE {where}"
    counts = connection.execute(f"SELECT rule, count(*) FROM ({each}) GROUP BY rule").fetchall()
    held = connection.execute(f"SELECT count(*) FILTER (_held = 1) FROM seen WHERE {where}").fetchall()
    return {str(rule): int(count) for rule, count in counts}, int(held[0][0])


def _sample(snapshot: Snapshot) -> str:
    """Pick all rows, or some SAMPLE by a hash of their place: the same rows whenever asked."""
    if snapshot.rows <= SEEN_WHOLE:
        return "true"
    return f"hash(_at + {SEED}) % {snapshot.rows} < {SAMPLE}"


def _askable(rules: Sequence[Rule], snapshot: Snapshot) -> tuple[Rule, ...]:
    """Leave out what a sample can't tell, uniqueness, and what no rows can: all but their number."""
    sampled, empty = snapshot.rows > SEEN_WHOLE, snapshot.rows == 0
    return tuple(
        rule
        for rule in rules
        if not (sampled and rule.expectation.endswith(pushdown.UNIQUE))
        and not (empty and rule.broken is None and rule.expectation != measures.ROWS)
    )


def _frame(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> pd.DataFrame:
    """Read the columns that rules speak of, and no other, for pandas."""
    names = sorted({"_held", *(name for rule in rules for name in rule.columns)})
    selected = ", ".join(ident(name) for name in names)
    return connection.execute(f"SELECT {selected} FROM seen WHERE _sampled ORDER BY _at").df()


def outcome(rule: Rule, found: Findings) -> RuleOutcome:
    """Say what became of a rule."""
    said = (rule.id, rule.action, rule.expectation, rule.column)
    if rule not in found.rules:
        return RuleOutcome(*said, 0, True, "the dataset doesn't give this column")
    if rule.broken is not None:
        broken = found.counts.get(rule.id, 0)
        return RuleOutcome(*said, broken, broken == 0)
    measured = found.measured[rule.id]
    passed = measures.within(measured, rule.kwargs)
    broken = {measures.MEAN: found.held, measures.ROWS: int(measured or 0)}.get(rule.expectation, 0)
    skipped = "" if measured is not None else "too few rows to tell"
    return RuleOutcome(*said, 0 if passed else broken, passed, skipped, measured)
