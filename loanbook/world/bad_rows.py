"""The simulated lender's broken rows: copies of good ones, each with exactly one defect, written down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from loanbook.world.arrays import NOTHING, Columns, Flags, Ints, take
from loanbook.world.chance import Topic, stream
from loanbook.world.spec import Plant, WorldSpec
from loanbook.world.tables import RAW, render

SHARE = 0.003
Row = dict[str, Any]


@dataclass(frozen=True)
class Defect:
    """One way for a row to be broken: its name, the column it shows in, and how to do it."""

    kind: str
    column: str
    spoil: Callable[[Row, str], None]
    only: Callable[[Columns], Flags] | None = None


@dataclass(frozen=True)
class BadRow:
    """One broken row as it lies in a raw file; `row` counts from 1, `key` is None when that is broken."""

    table: str
    file: str
    row: int
    key: str | None
    kind: str
    column: str


@dataclass(frozen=True)
class Spoilt:
    """Broken rows to put among a file's good ones: `order` picks from the good followed by the broken."""

    rows: Any
    order: Ints
    record: tuple[BadRow, ...]


def _null(row: Row, column: str) -> None:
    row[column] = None


def _negative(row: Row, column: str) -> None:
    row[column] = -row[column]


def _orphan(row: Row, column: str) -> None:
    row[column] = row[column][0] + "99" + row[column][3:]


def _far_future(row: Row, column: str) -> None:
    row[column] = 2060


def _impossible(row: Row, column: str) -> None:
    row[column] = row[column][:4] + "-02-31"


def _swap(row: Row, column: str) -> None:
    row[column], row["lon"] = row["lon"], row[column]


def _garble(row: Row, column: str) -> None:
    row[column] = row[column][:-2] + "\ufffd\ufffd"


def _nothing(row: Row, column: str) -> None:
    """Leave the copy as it is."""


def _above_zero(source: str) -> Callable[[Columns], Flags]:
    return lambda columns: columns[source] > 0


def _written(columns: Columns) -> Flags:
    return np.asarray(columns["text"] != NOTHING)


def _defects(key: str, *own: Defect) -> tuple[Defect, ...]:
    return (Defect("null_key", key, _null), Defect("duplicate", key, _nothing), *own)


def _required(column: str) -> Defect:
    return Defect("null_required", column, _null)


def _unknown(column: str) -> Defect:
    return Defect("orphan_key", column, _orphan)


def _below_zero(column: str, source: str) -> Defect:
    return Defect("negative_amount", column, _negative, _above_zero(source))


DEFECTS = MappingProxyType(
    {
        "customers": _defects(
            "customer_id",
            _required("event_at"),
            Defect("impossible_date", "birth_date", _impossible),
            Defect("broken_encoding", "name", _garble),
        ),
        "applications": _defects(
            "application_id",
            _required("amount"),
            _unknown("customer_id"),
            _below_zero("amount", "amount"),
            Defect("swapped_position", "lat", _swap),
            Defect("broken_encoding", "free_text", _garble, _written),
        ),
        "bureau_reports": _defects(
            "report_id",
            _required("customer_id"),
            _unknown("customer_id"),
            _below_zero("total_balance", "total_balance"),
        ),
        "vehicles": _defects(
            "vehicle_id",
            _required("event_at"),
            _below_zero("list_price", "list_price"),
            Defect("future_model_year", "model_year", _far_future),
        ),
        "transactions": _defects(
            "transaction_id", _required("amount"), _unknown("customer_id"), _below_zero("amount", "amount")
        ),
        "links": _defects("link_id", _required("shared_key"), _unknown("customer_id")),
        "loans": _defects("loan_id", _unknown("customer_id"), _below_zero("principal", "principal")),
        "repayments": _defects(
            "repayment_id", _required("loan_id"), _unknown("loan_id"), _below_zero("due_amount", "due")
        ),
        "recoveries": _defects("recovery_id", _unknown("loan_id"), _below_zero("amount", "amount")),
        "contacts": _defects("contact_id", _required("customer_id"), _unknown("customer_id")),
        "limits": _defects("limit_id", _unknown("customer_id"), _below_zero("limit_amount", "amount")),
        "statements": _defects("statement_id", _required("limit_id"), _unknown("limit_id")),
    }
)


@dataclass
class Spoiler:
    """Breaks rows; the kinds of a table take turns over the months."""

    turns: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def spoil(self, spec: WorldSpec, table: str, month: int, columns: Columns) -> Spoilt | None:
        """Break a few of a file's rows, or none."""
        if not spec.has(Plant.BAD_ROWS) or table not in DEFECTS:
            return None
        rng = stream(spec.seed, month, Topic.BAD_ROWS, tuple(RAW).index(table))
        size = len(columns["event"])
        originals, defects = self._choose(rng, table, columns)
        if not len(originals):
            return None
        rows = render(table, take(columns, originals), spec.has(Plant.LEAKAGE))
        key = RAW[table][0][0]
        broken = [_broken(row, one, key) for row, one in zip(rows.to_pylist(), defects, strict=True)]
        # A copy always lies below its original, so that of two equal rows the second is the bad one.
        below = originals + 1 + np.floor(rng.random(len(originals)) * (size - originals)).astype(np.int64)
        order = np.argsort(np.concatenate([np.arange(size), below - 0.5]), kind="stable")
        file = f"{table}/{spec.name_of(month)}.parquet"
        record = []
        for position in np.flatnonzero(order >= size):
            copy = order[position] - size
            one = defects[copy]
            record.append(BadRow(table, file, int(position) + 1, broken[copy][key], one.kind, one.column))
        return Spoilt(pa.Table.from_pylist(broken, schema=rows.schema), order, tuple(record))

    def _choose(self, rng: np.random.Generator, table: str, columns: Columns) -> tuple[Ints, list[Defect]]:
        """Choose rows to copy, and for each the next kind of defect; no canary is copied.

        Until every kind has had its turn, each file has one: so the smallest world shows them all.
        """
        size, kinds = len(columns["event"]), DEFECTS[table]
        wanted = max(int(rng.poisson(SHARE * size)), int(self.turns[table] < len(kinds)))
        turns = (self.turns[table] + np.arange(wanted)) % len(kinds)
        self.turns[table] += wanted
        free = columns["canary"] == NOTHING if "canary" in columns else np.ones(size, dtype=np.bool_)
        at_random = rng.permutation(size)
        chosen: list[tuple[int, Defect]] = []
        for number, kind in enumerate(kinds):
            fits = free if kind.only is None else free & kind.only(columns)
            rows = at_random[fits[at_random]][: int((turns == number).sum())]
            free[rows] = False
            chosen += [(int(row), kind) for row in rows]
        chosen.sort(key=lambda pair: pair[0])
        return np.array([row for row, _ in chosen], dtype=np.int64), [kind for _, kind in chosen]


def _broken(row: Row, defect: Defect, key: str) -> Row:
    """Copy a row under a key of its own, which no honest row has, and break it."""
    copy = dict(row)
    if defect.kind != "duplicate":
        copy[key] = copy[key][0] + "9" + copy[key][2:]
    defect.spoil(copy, defect.column)
    return copy
