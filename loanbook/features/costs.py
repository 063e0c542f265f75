"""validated → features: what a missing column costs: the features and the lines that fall away with it."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loanbook.features import store, tables
from loanbook.features.store import Feature
from loanbook.features.tables import FeatureSet
from loanbook.schema import Amount, CaseLabel, Line, Response, Uplift, consents
from loanbook.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

# Without these a line has no outcome to learn from: one of loans, and one of investigations.
NEEDED = ("applications.product", "loans.application_id", "repayments.loan_id", "repayments.days_past_due")
NEEDED_OF_CASES = ("cases.application_id", "cases.outcome")


@dataclass(frozen=True)
class LineCost:
    """What a line loses: features by name with the columns that they miss; `why_not` it can't be trained."""

    line: str
    features: int
    lost: Mapping[str, tuple[str, ...]]
    why_not: tuple[str, ...]


def of_lines(
    settings: Settings,
    published: Mapping[str, Path],
    filled: Collection[str],
    products: Collection[str],
    lines: Sequence[Line],
) -> tuple[LineCost, ...]:
    """Compute every feature on what is there, and hold it to the lines' services.

    `filled` names each column that has a value, as `table.column`. Writes below the settings' home alone.
    """
    features = tables.compute(settings, "check", "check", published)
    # feast 0.67 tells whoever looks on that on-demand views are an experiment. Drop when it stops.
    with warnings.catch_warnings(record=True):
        store.declare(settings, features)
        return tuple(_of_line(settings, features, filled, products, line) for line in lines)


def _of_line(
    settings: Settings, features: FeatureSet, filled: Collection[str], products: Collection[str], line: Line
) -> LineCost:
    declared = store.service(settings, features, line.feature_service).features
    wanted = _needed(line)
    why = [f"nothing fills {column}" for column in wanted if column not in filled]
    if line.product is not None and line.product not in products:
        why.append(f"no application is of the product {line.product}")
    return LineCost(line.name, len(declared), lost(declared, filled, features.absent), tuple(why))


def _needed(line: Line) -> tuple[str, ...]:
    """Name the columns without which there is nothing to learn from."""
    match line.label:
        case Amount(table=table, column=column):
            return (f"{table}.{column}",)
        case Uplift(table=table):
            named = (line.label.answer, line.label.by_lot, line.label.treatment)
            return (*(f"{table}.{column}" for column in named), *_asked(line))
        case Response(table=table, told=told):
            terms = (line.label.dose, line.label.price, line.label.by_lot)
            outcomes = (line.label.balance, line.label.late)
            return (*(f"{table}.{name}" for name in terms), *(f"{told}.{name}" for name in outcomes))
        case CaseLabel():
            return NEEDED_OF_CASES
        case _:
            return NEEDED


def _asked(line: Line) -> tuple[str, ...]:
    """Name the column in which a customer agrees to the line's purpose, where somebody must."""
    column = consents.ASKED.get(line.purpose)
    return () if column is None else (f"customers.{column}",)


def lost(
    declared: Iterable[Feature], filled: Collection[str], absent: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Name the features without a value, each with the columns that it misses.

    Of a feature that is computed beforehand `absent` says it. One made at the moment of asking falls away
    with any of its columns, unless another feature of that column and others that are there has values: then
    the others suffice.
    """
    every = tuple(declared)
    kept = [set(one.columns) for one in every if one.ttl_days is not None and one.name not in absent]
    found = {}
    for one in every:
        missing = [column for column in one.columns if column not in filled]
        if one.ttl_days is None:
            missing = [
                column for column in missing if not any(column in kin <= set(one.columns) for kin in kept)
            ]
        if one.name in absent or (one.ttl_days is None and missing):
            found[one.name] = tuple(missing)
    return found
