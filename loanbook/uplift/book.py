"""champion → offers: a frozen book of what each offer on the menu adds, and which one is to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.errors import ScoringError
from loanbook.governance.promotion import Grant
from loanbook.governance.targeting import Targeting
from loanbook.settings import Settings
from loanbook.training import matrix
from loanbook.uplift.uplifter import Uplifter, with_terms

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]

STAMP = ("model", "version", "bundle", "policy")  # by which bytes and under which policy it was told


@dataclass(frozen=True)
class Offers:
    """A frozen book of offers; `digest` names the file, `picked` counts who is to be made which."""

    digest: str
    path: Path
    rows: int
    picked: dict[str, int]


def freeze(
    settings: Settings,
    dataset: str,
    asked: pa.Table,
    known: pa.Table,
    uplifter: Uplifter,
    targeting: Targeting,
    grant: Grant,
) -> Offers:
    """Write one row per customer and offer on the menu: its uplift, whether it is picked, and by which bytes.

    Of a customer's offers the one that adds most is picked, if it adds the least that the policy asks for.
    Raises ScoringError for an empty book, for one larger than the approval allows, and for an offer that the
    lot never tried.
    """
    import pyarrow as pa

    most = grant.conditions.max_applications
    if not asked.num_rows or (most is not None and asked.num_rows > most):
        raise ScoringError(
            f"the book holds {asked.num_rows:,} customers and the approval allows {most or 'any number'}",
            right="Look at --since and --until, or have the version approved for more",
        )
    menu = targeting.offers
    own = matrix.encode(_with_none(known, uplifter), uplifter.plan)
    laid = with_terms(own, encoded(uplifter, menu))
    without, with_offer = uplifter.chances(laid, threads=settings.threads)
    added = (with_offer - without).reshape(len(own), len(menu))
    best = picked(added, targeting.least_uplift)
    rows = asked.take(pa.array(np.repeat(np.arange(len(own)), len(menu))))
    told: dict[str, Any] = {name: [one[name] for one in menu] * len(own) for name in uplifter.offer}
    told |= {"without_offer": without, "with_offer": with_offer, "uplift": added.ravel()}
    told |= {"picked": (np.arange(len(menu)) == best[:, None]).ravel()}
    told |= {name: [getattr(grant, name)] * rows.num_rows for name in STAMP}
    for name, values in told.items():
        rows = rows.append_column(name, pa.array(values))
    digest, path = _frozen(settings, dataset, rows, ("customer_id", *uplifter.offer))
    return Offers(digest, path, asked.num_rows, _counted(uplifter, menu, best))


def _frozen(settings: Settings, dataset: str, rows: pa.Table, order: Sequence[str]) -> tuple[str, Path]:
    with lake.connect(settings) as connection:
        connection.register("rows", rows)
        query = f"SELECT * REPLACE (version::INTEGER AS version) FROM rows ORDER BY {', '.join(order)}"
        return lake.freeze(connection, query, lake.Lake(settings.home).decisions(dataset))


def _counted(
    uplifter: Uplifter, menu: Sequence[Mapping[str, str | float]], best: npt.NDArray[np.intp]
) -> dict[str, int]:
    """Count who is to be made which offer, by its terms."""
    names = [", ".join(f"{one[name]}" for name in uplifter.offer) for one in menu]
    counted = {name: int((best == place).sum()) for place, name in enumerate(names)}
    return counted | {"no offer": int((best < 0).sum())}


def picked(added: Vector, least: float) -> npt.NDArray[np.intp]:
    """Give the place of each customer's best offer, customers × offers, or -1 where none adds enough."""
    best = np.argmax(added, axis=1)
    return np.where(added[np.arange(len(added)), best] >= least, best, -1)


def encoded(uplifter: Uplifter, menu: Sequence[Mapping[str, str | float]]) -> Vector:
    """Give the menu as numbers, or raise ScoringError for terms beyond those that the lot tried."""
    rows = []
    for one in menu:
        if set(one) != set(uplifter.offer):
            raise ScoringError(
                f"an offer states {', '.join(sorted(one))}",
                right=f"Its terms are {', '.join(uplifter.offer)}",
            )
        rows.append([_number(uplifter, name, one[name]) for name in uplifter.offer])
    return np.array(rows, dtype=float)


def _number(uplifter: Uplifter, name: str, value: str | float) -> float:
    known = uplifter.plan.categories.get(name)
    if known is not None:
        if value not in known:
            raise ScoringError(f"the lot never tried {name} {value}", right=f"It tried {', '.join(known)}")
        return float(known.index(str(value)))
    low, high = uplifter.spans[name]
    if isinstance(value, str) or not low <= value <= high:
        raise ScoringError(f"the lot never tried {name} {value}", right=f"It tried {low:g} to {high:g}")
    return float(value)


def _with_none(known: pa.Table, uplifter: Uplifter) -> pa.Table:
    """Give every customer as one without an offer: its columns are there, and empty."""
    import pyarrow as pa

    for name in uplifter.offer:
        kind = pa.string() if name in uplifter.plan.categories else pa.float64()
        known = known.append_column(name, pa.nulls(known.num_rows, kind))
    return known
