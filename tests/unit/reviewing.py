"""What the tests of a review share: facts with one of them changed, and predictions with two swapped."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from loanbook import digests, lake
from loanbook.governance import gates
from loanbook.governance.gates import GateResult, Status
from loanbook.governance.policy import Policy
from loanbook.governance.recompute import Figures
from loanbook.governance.stored import Stored
from loanbook.schema import TABLES, Line
from loanbook.settings import Settings
from loanbook.training.frame import Frame
from loanbook.training.orders import Candidate, Order

GONE = object()
Facts = dict[str, Any]


def put(facts: Mapping[str, Any], path: str, value: object) -> Facts:
    """Give the facts with another value at a/path/0/through them, or with that place GONE."""
    changed = copy.deepcopy(dict(facts))
    *way, last = path.split("/")
    inner: Any = changed
    for key in way:
        inner = inner[int(key) if isinstance(inner, list) else key]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return changed


def put_all(facts: Mapping[str, Any], changes: Mapping[str, object]) -> Facts:
    """Give the facts with every one of these changes."""
    changed = dict(facts)
    for path, value in changes.items():
        changed = put(changed, path, value)
    return changed


def answer(rules: Policy, facts: Mapping[str, Any], gate: str) -> GateResult:
    """Give what one gate says."""
    return next(one for one in gates.run(rules, facts) if one.gate == gate)


def shut(rules: Policy, facts: Mapping[str, Any]) -> dict[str, str]:
    """Give the gates that don't pass, each with its reason."""
    return {one.gate: one.why for one in gates.run(rules, facts) if one.status is not Status.PASSED}


def without(text: str, gate: str) -> str:
    """Give a policy's text with one gate struck out."""
    start = text.index(f"[gates.{gate}]")
    end = text.find("\n[", start + 1)
    return text[:start] + (text[end + 1 :] if end > 0 else "")


def facts_of(
    figures: Figures, table: str, rows: int, feature: str, permit: Mapping[str, object], **split: object
) -> Facts:
    """Put what the gates ask for beside what a review found: of one table, by one feature."""
    published = {"snapshot": "s", "published": True, "rows": rows, "held": 1}
    return {
        "samples": figures.samples,
        "metrics": figures.metrics,
        "stability": figures.stability,
        "maturity": figures.maturity,
        "judged": figures.judged,
        "split": {"shared_rows": figures.shared_rows, **split},
        "features": {"used": [feature], "columns": {feature: dict(permit)}},
        "data": {"publication": "p", "tables": {table: published}},
        "code": {"commit": "c0" * 20, "digest": "ab" * 32, "lockfile": "ab" * 32, "dirty": False},
        "environment": {"name": "local"},
        "seed": 7,
        "threads": 1,
    }


@dataclass(frozen=True)
class Place:
    """A lender's place: what is published of it, and what a model is ordered from."""

    settings: Settings
    line: Line
    published: dict[str, Path]
    order: Order
    as_of: datetime

    def stored(self, made: Candidate, **otherwise: Any) -> Stored:
        """Give what a review is handed; what is named is other than it was made."""
        plain = Stored(
            bundle=made.folder,
            bundle_digest=made.bundle,
            predictions=made.predictions,
            predictions_digest=made.predictions_digest,
            frame=self.order.frame,
            published=self.published,
            absent_columns={},
            line=self.line,
            as_of=self.as_of,
        )
        return replace(plain, **otherwise)

    def swapped(self, made: Candidate, folder: Path, column: str) -> Stored:
        """Give what a review is handed when two rows of a stored column were changed about."""
        table = parquet.read_table(made.predictions)
        values = np.array(table[column].to_pylist(), dtype=object)
        one, other = _different(values)
        values[[one, other]] = values[[other, one]]
        kind = table.schema.field(column).type
        path = folder / "predictions.parquet"
        place = table.column_names.index(column)
        parquet.write_table(table.set_column(place, column, pa.array(values.tolist(), kind)), path)
        return self.stored(made, predictions=path, predictions_digest=digests.of_file(path))


def _different(values: Any) -> tuple[int, int]:
    """Give the places of two values that differ; NaN, which differs from itself, is none."""
    known = [place for place, value in enumerate(values) if value == value]
    return known[0], next(place for place in known if values[place] != values[known[0]])


def order_of(line: Line, known: Frame, features: tuple[str, ...]) -> Order:
    """Order a model of a frozen training set."""
    return Order(
        line=line,
        frame=known.path,
        frame_digest=known.digest,
        service="5e" * 32,
        features=features,
        report_from=None,
        seed=7,
        threads=1,
    )


def publish(settings: Settings, folder: Path, name: str, columns: Mapping[str, Any]) -> Path:
    """Write a table as it is published: every column of the schema, in its type."""
    table = pa.table({key: pa.array(values, from_pandas=True) for key, values in columns.items()})
    names = ", ".join(
        f"{one.name if one.name in columns else 'NULL'}::{one.type} AS {one.name}"
        for one in TABLES[name].columns
    )
    with lake.connect(settings) as connection:
        connection.register("made", table)
        query = f"SELECT {names} FROM made ORDER BY {TABLES[name].key}"
        lake.copy_out(connection, query, folder / f"{name}.parquet")
    return folder / f"{name}.parquet"
