"""raw and features → refused: read the same rows on two days, and list every column whose past changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.intake.engine import ident, text, texts
from loanbook.leaks import telling
from loanbook.leaks.findings import Finding, Kind, Verdict
from loanbook.leaks.readings import Reading, Relation, joined
from loanbook.leaks.telling import Flags
from loanbook.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

CORRECTED = 0.05  # a larger share of a column's rows is more than mistakes put right
RELATED = 2.0  # odds of a bad end among the changed rows, over the others'
SHOWN = 3


@dataclass(frozen=True)
class Change:
    """How a column's past changed among the rows that both readings know."""

    rows: int
    changed: int
    filled: int
    empty: int
    keys: tuple[str, ...]

    @property
    def share(self) -> float:
        """Which share of the rows holds another value."""
        return self.changed / self.rows

    @property
    def said(self) -> str:
        """Say it to people."""
        return (
            f"{self.changed:,} of {self.rows:,} rows ({self.share:.1%}) hold another value than on the "
            f"earlier day, {self.filled:,} of them where there was none"
        )


def compare(then: Reading, now: Reading, relations: Sequence[Relation]) -> tuple[Finding, ...]:
    """List every column of the relations that holds another value than on the earlier day, in some row."""
    made = []
    differing = _differing(then, now)
    known = {relation.name: relation for relation in relations if relation.table in then.tables}
    for relation in known.values():
        made += _compare(then, now, relation, differing)
    return tuple(made)


def features(
    then: pa.Table, now: pa.Table, names: Sequence[str], bad: Mapping[str, bool], key: str
) -> tuple[Finding, ...]:
    """List every feature whose past changed: the same rows and moments, asked of two feature sets.

    `bad` gives the outcome of each row for which it is ripe, by what names it in the column `key`.
    """
    import numpy as np

    keys = np.array(now[key].to_pylist(), dtype=object)
    outcome = np.array([bad.get(key, None) for key in keys], dtype=object)
    ripe = np.array([key in bad for key in keys], dtype=bool)
    made = []
    for name in names:
        one, other = _known(then[name]), _known(now[name])
        changed, was_null = _differs(one, other)
        if changed.any():
            change = Change(
                rows=len(keys),
                changed=int(changed.sum()),
                filled=int((changed & was_null).sum()),
                empty=int(was_null.sum()),
                keys=tuple(keys[changed][:SHOWN].tolist()),
            )
            counts = [
                int((rows & (outcome == is_bad)).sum())
                for rows in (changed, ~changed)
                for is_bad in (True, False)
            ]
            came = changed & was_null & ripe
            values = np.array(other.to_pylist(), dtype=object)[came].tolist()
            chance = telling.by_chance(values, outcome[came].astype(bool))
            made.append(_found(name, change, counts, chance, telling.ALPHA / len(names)))
    return tuple(made)


def _known(column: pa.ChunkedArray) -> pa.Array:
    """Give a feature's values; what is no number is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = column.combine_chunks()
    if pa.types.is_floating(values.type):
        return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return values


def _differs(one: pa.Array, other: pa.Array) -> tuple[Flags, Flags]:
    """Tell in which rows two arrays differ, and where the first has nothing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(one.type):
        one = one.cast(other.type)
    equal = pc.fill_null(pc.equal(one, other.cast(one.type)), False)
    same = pc.or_(equal, pc.and_(one.is_null(), other.is_null()))
    empty = np.asarray(one.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    return ~np.asarray(same.to_numpy(zero_copy_only=False), dtype=bool), empty


def _differing(then: Reading, now: Reading) -> dict[str, tuple[str, ...]]:
    """Name the files of each reading that the other lacks, byte for byte: rows of the rest can't differ."""
    files = {
        name: {(one.source, one.file, one.digest) for one in reading.deliveries}
        for name, reading in (("then", then), ("now", now))
    }
    same = files["then"] & files["now"]
    return {name: tuple(sorted(file for _, file, _ in all_ - same)) for name, all_ in files.items()}


def _compare(
    then: Reading, now: Reading, relation: Relation, differing: dict[str, tuple[str, ...]]
) -> list[Finding]:
    common = _common(then, relation)
    if not common or not _lies_in(now, relation, differing["now"]):
        return []
    path = then.scratch / f"{relation.name}.parquet"
    lake.copy_out(then.connection, _rows(relation, common, differing["then"]), path)
    columns = [name for name in common if name in dict(relation.columns)]
    today = _rows(relation, tuple(columns), differing["now"])
    pairs = f"read_parquet({text(str(path))}) AS a JOIN ({today}) AS b USING (__key)"
    counted = ", ".join(
        f"count(*) FILTER (a.{ident(name)} IS DISTINCT FROM b.{ident(name)}), "
        f"count(*) FILTER (a.{ident(name)} IS NULL AND b.{ident(name)} IS NOT NULL), "
        f"count(*) FILTER (a.{ident(name)} IS NULL)"
        for name in columns
    )
    row = now.rows(f"SELECT {counted} FROM {pairs}")[0]
    rows = _rows_in_both(then, now, relation)
    made = []
    for name, changed, filled, empty in zip(columns, row[::3], row[1::3], row[2::3], strict=True):
        if changed:
            change = Change(rows, changed, filled, empty, _keys(now, pairs, name))
            counts = _by_outcome(now, relation, pairs, name)
            chance = _by_value(now, relation, pairs, name) if filled else 1.0
            made.append(_found(relation.full(name), change, counts, chance, telling.ALPHA / len(columns)))
    return made


def _found(column: str, change: Change, counts: Sequence[int], chance: float, alpha: float) -> Finding:
    """Tell a correction from a column that is filled in once the outcome is known.

    `counts` gives bads and goods among the changed, then among the others. `chance` is how likely the values
    that came where there was none would lie so over bads and goods if they told nothing.
    """
    ratio, low, high = telling.odds_ratio((counts[0], counts[1]), (counts[2], counts[3]), alpha)
    related = low >= RELATED or high <= 1 / RELATED
    filled, tells = change.filled >= CORRECTED * change.rows, chance < alpha
    said = change.said
    if sum(counts):
        said += (
            f"; {counts[0]:,} of the {counts[0] + counts[1]:,} changed that are ripe went bad, {counts[2]:,} "
            f"of the {counts[2] + counts[3]:,} others (odds ratio {ratio:.1f}, {low:.1f} to {high:.1f})"
        )
    if tells:
        said += f"; what came where there was none tells the outcome (by chance: {chance:.1g})"
    return Finding(
        column=column,
        kind=Kind.CHANGES,
        verdict=Verdict.REFUSED if related or filled or tells else Verdict.EXPLAIN,
        said=said,
        figures={
            "rows": change.rows,
            "changed": change.changed,
            "filled": change.filled,
            "share": change.share,
            "odds_ratio": ratio,
            "odds_ratio_low": low,
            "odds_ratio_high": high,
            "by_chance": chance,
        },
        keys=change.keys,
    )


def _common(then: Reading, relation: Relation) -> tuple[str, ...]:
    """Name the columns that the earlier reading had too; a relation that it lacked has none."""
    if relation.is_raw and not any(f"raw.{one.source}" == relation.name for one in then.deliveries):
        return ()
    return tuple(name for name, _ in then.columns(relation.source) if name in dict(relation.columns))


def _lies_in(now: Reading, relation: Relation, files: tuple[str, ...]) -> bool:
    return bool(now.rows(f"SELECT 1 FROM {relation.table} WHERE {_among(files)} LIMIT 1"))


def _among(files: tuple[str, ...], of: str = "") -> str:
    return f"{of}_file IN (SELECT unnest({texts(files)}))" if files else "false"


def _rows(relation: Relation, columns: tuple[str, ...], files: tuple[str, ...]) -> str:
    """Write the query for a relation's rows in some files, each under its key; blank text is nothing."""
    kinds = dict(relation.columns)
    values = ", ".join(
        f"nullif(trim(r.{ident(name)}), '') AS {ident(name)}"
        if kinds[name] == "VARCHAR"
        else f"r.{ident(name)}::{kinds[name]} AS {ident(name)}"
        for name in columns
    )
    key = TABLES[relation.table].key
    return (
        f"SELECT t.key AS __key, t._file AS __file, t._row AS __row, {values} "
        f"FROM (SELECT *, {ident(key)} AS key FROM {relation.table} WHERE {_among(files)}) AS t "
        f"JOIN {relation.source} AS r ON {joined(relation)}"
    )


def _rows_in_both(then: Reading, now: Reading, relation: Relation) -> int:
    """Count the rows that both readings know; leave the keys of the earlier one as `then_keys`."""
    key = ident(TABLES[relation.table].key)
    path = then.scratch / f"{relation.table}.keys.parquet"
    if not path.exists():
        lake.copy_out(then.connection, f"SELECT {key} AS key FROM {relation.table}", path)
    now.connection.execute(f"CREATE OR REPLACE TEMP VIEW then_keys AS FROM read_parquet({text(str(path))})")
    return int(
        now.rows(f"SELECT count(*) FROM {relation.table} WHERE {key} IN (SELECT key FROM then_keys)")[0][0]
    )


def _keys(now: Reading, pairs: str, name: str) -> tuple[str, ...]:
    found = now.rows(
        f"SELECT min(__key, {SHOWN}) FROM {pairs} WHERE a.{ident(name)} IS DISTINCT FROM b.{ident(name)}"
    )[0][0]
    return tuple(str(key) for key in found)


def _by_outcome(now: Reading, relation: Relation, pairs: str, name: str) -> list[int]:
    """Count bads and goods among the rows that changed, then among the others; unripe ones don't count."""
    row = now.rows(
        f"WITH changed AS (SELECT DISTINCT __key FROM {pairs} "
        f"WHERE a.{ident(name)} IS DISTINCT FROM b.{ident(name)}), "
        f"told AS (SELECT ever, key IN (SELECT __key FROM changed) AS changed "
        f"FROM linked_{relation.table} WHERE key IN (SELECT key FROM then_keys)) "
        f"SELECT count(*) FILTER (changed AND ever), count(*) FILTER (changed AND NOT ever), "
        f"count(*) FILTER (NOT changed AND ever), count(*) FILTER (NOT changed AND NOT ever) FROM told"
    )[0]
    return [int(count) for count in row]


def _by_value(now: Reading, relation: Relation, pairs: str, name: str) -> float:
    """Hold what came where there was none against the outcomes that are ripe."""
    import numpy as np

    told = now.rows(
        f"SELECT b.{ident(name)}, l.ever FROM {pairs} JOIN linked_{relation.table} AS l ON l.key = __key "
        f"WHERE a.{ident(name)} IS NULL AND b.{ident(name)} IS NOT NULL AND l.ever IS NOT NULL "
        f"ORDER BY __key"
    )
    return telling.by_chance([one for one, _ in told], np.array([ever for _, ever in told], dtype=bool))
