"""held → ruled: the values that a repair gives to held rows, typed, hidden and judged before anybody signs.

A repaired row is a whole row of a part of its own. Between proposal and confirmation it lies in the catalog,
with tokens in the place of what names a person; the plain value is given again by the second person, must
give the same token, and goes to the vault alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.errors import QuarantineError
from loanbook.held import rows
from loanbook.intake import engine, parts
from loanbook.intake.engine import ident, text
from loanbook.intake.judging import pushdown
from loanbook.intake.judging.rules import Suite
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Frozen, Reading
from loanbook.lake import Lake
from loanbook.privacy import tokens, vault
from loanbook.privacy.tokens import Sealer
from loanbook.schema import TABLES, Column, Privacy, Table
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

FILE = "repair"  # what a repaired row names as its raw file
Given = Mapping[str, str | None]


@dataclass(frozen=True)
class Repair:
    """Values for columns, as text: null where a value is to be none."""

    table: Table
    given: Given

    @property
    def identifying(self) -> tuple[Column, ...]:
        """The columns that hold tokens."""
        return tuple(
            self.table.column(name)
            for name in self.given
            if self.table.column(name).privacy is Privacy.IDENTIFYING
        )


def pending(settings: Settings, dataset: str, digest: str) -> Path:
    """Find the repaired rows of a proposal that waits."""
    return Lake(settings.home).catalog(dataset) / "repairs" / f"{digest}.parquet"


def clear(settings: Settings, dataset: str, digest: str) -> None:
    """Remove the repaired rows of a proposal that was answered."""
    pending(settings, dataset, digest).unlink(missing_ok=True)


def draft(
    settings: Settings, dataset: Dataset, reading: Reading, suite: Suite, names: Sequence[str], given: Given
) -> str:
    """Write the repaired rows to the catalog and give their hash, or raise QuarantineError saying why not."""
    repair = Repair(TABLES[suite.table], dict(given))
    _refuse_unknown(repair, reading)
    with (
        lake.connect(settings) as connection,
        engine.guarded(Path(suite.table), QuarantineError, "the repair can't be written"),
    ):
        sealer = _enter(connection, settings, repair)
        _refuse_unreadable(connection, repair)
        held = rows.named(reading, suite.table, names)
        _refuse_forgotten(connection, repair, held)
        folder = pending(settings, dataset.name, "").parent
        digest, path = lake.freeze(connection, _query(sealer, repair, held), folder)
    part = Frozen(len(reading.book.batches) + 1, digest, path, len(names))
    if broken := _broken(settings, dataset, reading, suite, part):
        path.unlink()
        raise QuarantineError(
            f"the repaired row still breaks {'; '.join(broken)}",
            where=f"{dataset.name}, {suite.table}",
            right="Give it values that keep every rule, or have it released",
        )
    return digest


def keep(
    settings: Settings, dataset: str, table: str, path: Path, columns: Sequence[str], given: Given
) -> None:
    """Hold what the second person gave to the tokens that were signed for; bring it to the vault."""
    repair = Repair(TABLES[table], {name: given.get(name) for name in columns})
    hidden = [column.name for column in repair.identifying]
    if set(given) != set(hidden) and (hidden or given):
        raise QuarantineError(
            f"the second person gives {', '.join(hidden) or 'no value'} again, and nothing else",
            where=f"{dataset}, {table}",
            right="With --set, as the source says it: what was proposed is hidden",
        )
    if not hidden:
        return
    with lake.connect(settings) as connection:
        sealer = _enter(connection, settings, repair)
        told = ", ".join(
            f"{_hidden(sealer, column)} AS {ident(column.name)}" for column in repair.identifying
        )
        source = f"read_parquet({text(str(path))})"
        differs = " OR ".join(f"r.{ident(name)} IS DISTINCT FROM g.{ident(name)}" for name in hidden)
        found = connection.execute(
            f"SELECT count(*) FILTER ({differs}) FROM {source} AS r, (SELECT {told} FROM given) AS g"
        ).fetchall()
        if found[0][0]:
            raise QuarantineError(
                f"what you gave for {', '.join(hidden)} is not what was proposed",
                where=f"{dataset}, {table}",
                right="One of the two mistyped it: refuse the proposal, or look at the source again",
            )
        owners = connection.execute(f"SELECT customer_id FROM {source}").fetchall()
    _to_vault(settings, dataset, repair, [str(owner) for (owner,) in owners if owner is not None])


def _to_vault(settings: Settings, dataset: str, repair: Repair, customers: Sequence[str]) -> None:
    """Keep the reversible values beside what the vault has of these customers already."""
    import pyarrow as pa

    names = [column.name for column in repair.identifying if column.reversible]
    if not names:
        return
    for customer in customers:
        known = vault.plain(settings, dataset, customer) if vault.knows(settings, dataset, customer) else {}
        told = {**known, **{name: repair.given[name] for name in names}}
        shape = pa.schema([(name, pa.string()) for name in ("customer_id", *told)])
        batch = pa.RecordBatch.from_pylist([{"customer_id": customer, **told}], schema=shape)
        vault.keep(settings, dataset, [batch])


def _refuse_unknown(repair: Repair, reading: Reading) -> None:
    snapshot = pushdown.standing(reading, repair.table.name)
    settable = [name for name in repair.table.names if name not in snapshot.missing_columns]
    strangers = [name for name in repair.given if name not in settable]
    if strangers:
        raise QuarantineError(
            f"{repair.table.name} of this dataset has no column {strangers[0]!r}",
            where=reading.dataset,
            right=f"Set one of {', '.join(settable)}",
        )


def _enter(connection: duckdb.DuckDBPyConnection, settings: Settings, repair: Repair) -> Sealer | None:
    """Give a connection the values as the one row of `given`; no SQL text holds them."""
    names = [f"{ident(name)} VARCHAR" for name in repair.given]
    connection.execute(f"CREATE TEMP TABLE given ({', '.join(names)})")
    marks = ", ".join("?" * len(names))
    connection.execute(f"INSERT INTO given VALUES ({marks})", list(repair.given.values()))
    if not repair.identifying:
        return None
    sealer = tokens.open(settings)
    sealer.arm(connection)
    return sealer


def _refuse_unreadable(connection: duckdb.DuckDBPyConnection, repair: Repair) -> None:
    """Refuse a value that isn't of its column's type, without telling it."""
    for name in repair.given:
        kind = repair.table.column(name).type
        broken = engine.cast(name, "VARCHAR", kind).broken
        if broken and connection.execute(f"SELECT 1 FROM given WHERE {broken}").fetchall():
            raise QuarantineError(
                f"the value of {name} is no {kind}",
                where=repair.table.name,
                right=f"{repair.table.column(name).about}; nothing after the = makes it null",
            )


def _refuse_forgotten(connection: duckdb.DuckDBPyConnection, repair: Repair, held: str) -> None:
    """Refuse to pass in silence over a value that couldn't be read when the row came."""
    told = connection.execute(f"SELECT _broken FROM {held} WHERE _broken IS NOT NULL").fetchall()
    pieces = [piece for (said,) in told for piece in str(said).split("; ")]
    unread = {
        name
        for name in repair.table.names
        if any(piece.startswith((f"{name}=", f"{name} like ")) for piece in pieces)
    }
    forgotten = sorted(unread - set(repair.given))
    if forgotten:
        raise QuarantineError(
            f"{', '.join(forgotten)} couldn't be read, and the repair doesn't say what it is",
            where=repair.table.name,
            right=f"Add --set {forgotten[0]}=…; nothing after the = makes it null",
        )


def _query(sealer: Sealer | None, repair: Repair, held: str) -> str:
    """Write the SQL of the repaired rows, column by column as a part has them."""
    said = {name: f"r.{ident(name)}" for name in parts.stored(repair.table)}
    for name in repair.given:
        column = repair.table.column(name)
        value = engine.cast(name, "VARCHAR", column.type).value
        said[name] = f"(SELECT {value} FROM given)"
        if column in repair.identifying:
            said[name] = f"(SELECT {_hidden(sealer, column)} FROM given)"
            said[f"{name}__shape"] = f"(SELECT {tokens.shape(ident(name))} FROM given)"
    said |= {"_file": text(FILE), "_row": "NULL::BIGINT", "_broken": "NULL::VARCHAR"}
    columns = ", ".join(f"{sql} AS {ident(name)}" for name, sql in said.items())
    return f"SELECT {columns} FROM {held} AS r ORDER BY r.{ident(repair.table.key)}, r._at"


def _hidden(sealer: Sealer | None, column: Column) -> str:
    assert sealer is not None
    return sealer.token(column, ident(column.name))


def _broken(settings: Settings, dataset: Dataset, reading: Reading, suite: Suite, part: Frozen) -> list[str]:
    """Judge the repaired rows by their suite as the batch that they would be; say what would hold them."""
    table = pushdown.standing(reading, suite.table)
    alone = replace(table, parts=(part,), digest=digests.of_json(part.digest))
    others = tuple(each for each in reading.snapshots if each.table != suite.table)
    judged = replace(reading, snapshots=(*others, alone))
    with (
        lake.connect(settings) as connection,
        engine.guarded(part.path, QuarantineError, "the repair can't be judged"),
    ):
        rules = pushdown.find(connection, dataset, judged, suite)
        found = connection.execute("SELECT DISTINCT unnest(_rules) FROM seen WHERE _held = 1").fetchall()
    broken = {name for (name,) in found}
    return [
        f"{rule.id}: {rule.because}" for rule in rules if rule.id in broken and rule.action == "quarantine"
    ]
