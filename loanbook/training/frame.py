"""features → candidate: outcomes beside what was known at the decision, frozen and named by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.errors import StorageError, TrainingError
from loanbook.response import doses
from loanbook.schema import Grain, Line
from loanbook.settings import Settings
from loanbook.training import labels, population
from loanbook.uplift import lot
from loanbook.valuation import seen

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES = ("bad", "good", "unripe", "unfollowed", "unlent")
BAD = ("bad", "taken", "defaulted")  # the rarer outcome, which is to be told beforehand
RIPE = ("bad", "good", "priced", "taken", "left", *doses.RIPE)
DOOR = timedelta(days=365)  # the door's population, against which production is watched


@dataclass(frozen=True)
class Frame:
    """A training set by time of decision: the ripe loans, who was not lent to beside them, the last year."""

    digest: str
    path: Path
    rows: int


def outcomes(settings: Settings, published: Mapping[str, Path], line: Line, as_of: datetime) -> pa.Table:
    """Give each row of the line, learned from or not, with its outcome as it was known at `as_of`.

    Raises TrainingError where a table is absent without which there would be no bad outcome at all.
    """
    absent = [name for name in labels.needs(line) if name not in published]
    if absent:
        raise TrainingError(
            f"the line {line.name} has no outcome: the dataset has no {', '.join(absent)}",
            right=f"Map {', '.join(absent)}, or choose another line",
        )
    return _query(settings, published, population.outcomes_sql(line, as_of=as_of))


def applications(
    settings: Settings, published: Mapping[str, Path], line: Line, *, since: datetime, until: datetime
) -> pa.Table:
    """Give all of the line's rows that are decided in [since, until), whatever became of them."""
    return _query(settings, published, population.asked_sql(line, since=since, until=until))


def alike(
    settings: Settings, published: Mapping[str, Path], line: Line, *, since: datetime, until: datetime
) -> pa.Table:
    """Give the rows of [since, until) as a training set would draw them."""
    return _query(settings, published, population.drawn_sql(line, since=since, until=until))


def vehicles(
    settings: Settings, published: Mapping[str, Path], line: Line, *, since: datetime, until: datetime
) -> pa.Table:
    """Give the vehicles that are valued in [since, until), priced or not."""
    return _query(settings, published, seen.period_sql(line, since=since, until=until))


def customers(
    settings: Settings, published: Mapping[str, Path], line: Line, *, since: datetime, until: datetime
) -> pa.Table:
    """Give the customers met in [since, until) who may be made an offer."""
    return _query(settings, published, lot.customers_sql(line, since=since, until=until))


def products(settings: Settings, published: Mapping[str, Path]) -> tuple[str, ...]:
    """Give the products that anybody applied for."""
    table = _query(settings, published, "SELECT DISTINCT product FROM applications ORDER BY product")
    return tuple(table["product"].to_pylist())


def counts(table: pa.Table) -> dict[str, int]:
    """Count the rows of each outcome."""
    import pyarrow.compute as pc

    found = {one["values"]: one["counts"] for one in pc.value_counts(table["outcome"]).to_pylist()}
    kinds = (seen.OUTCOMES, lot.OUTCOMES, doses.OUTCOMES, OUTCOMES)
    names = next((one for one in kinds if found.keys() <= {*one}), OUTCOMES)
    return {name: int(found.get(name, 0)) for name in names}


def ripe(table: pa.Table) -> pa.Table:
    """Keep the rows whose outcome may be counted: known, and decided before any that is unripe.

    Short loans ripen early. Counting them beside months whose longer loans don't count yet would make
    those months look like short loans alone.
    """
    return table.filter(_is_ripe(table))


def door(table: pa.Table) -> pa.Table:
    """Keep whoever was judged in the last year: all who applied, lent to or not, or the whole book."""
    return table.filter(_at_the_door(table))


def unlent(table: pa.Table) -> pa.Table:
    """Keep who was not lent to in the last year whose outcomes may be counted: their own nobody saw."""
    return table.filter(_unlent(table))


def after(table: pa.Table, moment: datetime) -> pa.Table:
    """Keep what was decided after a moment."""
    import pyarrow.compute as pc

    return table.filter(pc.greater(table["decided_at"], moment))


def wanted(table: pa.Table) -> pa.Table:
    """Keep what a training set needs: the ripe, the unlent of their last year, and the door.

    What was sent or set by judgement, or to who didn't agree, is counted and not kept.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not table.num_rows:
        raise TrainingError("the line has nobody to judge", right="Look at the dataset's product")
    kept = pc.or_(pc.or_(_is_ripe(table), _unlent(table)), _at_the_door(table))
    aside = pc.is_in(table["outcome"], value_set=pa.array((*lot.ASIDE, *doses.ASIDE)))
    return table.filter(pc.and_(kept, pc.invert(aside)))


def entities(table: pa.Table, grain: Grain) -> pa.Table:
    """Give what Feast joins on: the keys, and the moment of the decision."""
    import pyarrow as pa

    moment = table["decided_at"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    keys = table.select(dict.fromkeys((grain.key, *grain.joins)))
    return keys.append_column("event_timestamp", moment)


def freeze(settings: Settings, dataset: str, grain: Grain, outcome: pa.Table, history: pa.Table) -> Frame:
    """Put outcomes and features side by side, by row, and freeze them; other rows raise TrainingError."""
    if outcome[grain.key].to_pylist() != history[grain.key].to_pylist():
        raise TrainingError(
            f"{history.num_rows} rows of features are not of the {outcome.num_rows} outcomes, in order",
            where=grain.key,
        )
    keys = {grain.key, *grain.joins, "event_timestamp"}
    whole = outcome
    for name in history.column_names:
        if name not in keys:
            whole = whole.append_column(name, history[name])
    with lake.connect(settings) as connection:
        connection.register("whole", whole)
        query = f"SELECT * FROM whole ORDER BY decided_at, {grain.key}"
        digest, path = lake.freeze(connection, query, lake.Lake(settings.home).frames(dataset))
    return Frame(digest, path, whole.num_rows)


def read(settings: Settings, dataset: str, digest: str) -> Frame:
    """Open a frozen training set, or raise StorageError unless it has this digest."""
    import pyarrow.parquet as pq

    path = lake.Lake(settings.home).frames(dataset) / f"{digest}.parquet"
    if not path.exists() or digests.of_file(path) != digest:
        raise StorageError("the training set is gone or changed", where=str(path), right="Train again")
    return Frame(digest, path, pq.read_metadata(path).num_rows)


def _is_ripe(table: pa.Table) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.is_in(table["outcome"], pa.array(RIPE))
    first_unripe = pc.min(table["decided_at"].filter(pc.equal(table["outcome"], "unripe")))
    if first_unripe.as_py() is None:
        return known
    return pc.and_(known, pc.less(table["decided_at"], first_unripe))


def _unlent(table: pa.Table) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    decided, nobody = table["decided_at"], pc.equal(table["outcome"], "unlent")
    last = pc.max(decided.filter(_is_ripe(table))).as_py()
    if last is None:
        return pa.chunked_array([pa.repeat(False, table.num_rows)])
    beside = pc.and_(pc.greater(decided, last - DOOR), pc.less_equal(decided, last))
    return pc.and_(nobody, beside)


def _at_the_door(table: pa.Table) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.greater(table["decided_at"], pc.max(table["decided_at"]).as_py() - DOOR)


def _query(settings: Settings, published: Mapping[str, Path], sql: str) -> pa.Table:
    with lake.connect(settings) as connection:
        lake.offer(connection, published)
        table: pa.Table = connection.sql(sql).to_arrow_table()
        return table
