"""champion → limits: a frozen book of what each limit on the menu makes, and which one is to be set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.errors import ScoringError
from loanbook.governance.promotion import Grant
from loanbook.lending.limits import Choosing
from loanbook.response.making import PRICE
from loanbook.response.responder import Responder
from loanbook.settings import Settings
from loanbook.training import matrix

if TYPE_CHECKING:
    import pyarrow as pa

STAMP = ("model", "version", "bundle", "policy")  # by which bytes and under which policy it was told


@dataclass(frozen=True)
class Limits:
    """A frozen book of limits; `digest` names the file, `picked` counts who is to have which."""

    digest: str
    path: Path
    rows: int
    picked: dict[str, int]


def freeze(
    settings: Settings,
    dataset: str,
    asked: pa.Table,
    known: pa.Table,
    responder: Responder,
    choosing: Choosing,
    grant: Grant,
) -> Limits:
    """Write one row per customer and limit: balance, PD, value, whether it is picked, and by which bytes.

    Raises ScoringError for an empty book, for one larger than the approval allows, and for a limit or a rate
    that the lot never tried.
    """
    import pyarrow as pa

    most = grant.conditions.max_applications
    if not asked.num_rows or (most is not None and asked.num_rows > most):
        raise ScoringError(
            f"the book holds {asked.num_rows:,} customers and the approval allows {most or 'any number'}",
            right="Look at --since and --until, or have the version approved for more",
        )
    refuse_untried(responder, choosing)
    menu = np.array(choosing.menu)
    priced = known.append_column(PRICE, pa.array(np.full(known.num_rows, choosing.rate)))
    own = matrix.encode(priced, responder.plan)
    balance, pd = (responder.over(name, own, menu, threads=settings.threads) for name in ("balance", "pd"))
    value = choosing.values(balance, pd, menu)
    best = choosing.picked(value, pd)
    rows = asked.take(pa.array(np.repeat(np.arange(len(own)), len(menu))))
    told: dict[str, Any] = {
        "limit_amount": np.tile(menu, len(own)),
        "rate": np.full(value.size, choosing.rate),
    }
    told |= {"balance": balance.ravel(), "pd": pd.ravel(), "value": value.ravel()}
    told |= {"picked": (np.arange(len(menu)) == best[:, None]).ravel()}
    told |= {name: [getattr(grant, name)] * rows.num_rows for name in STAMP}
    for name, values in told.items():
        rows = rows.append_column(name, pa.array(values))
    digest, path = _frozen(settings, dataset, rows)
    return Limits(digest, path, asked.num_rows, _counted(choosing, best))


def refuse_untried(responder: Responder, choosing: Choosing) -> None:
    """Raise ScoringError for a limit or a rate beyond those that the lot tried."""
    least, most = responder.doses[0], responder.doses[-1]
    beyond = [limit for limit in choosing.menu if not least <= limit <= most]
    if beyond:
        raise ScoringError(
            f"the lot never tried a limit of {beyond[0]:g}", right=f"It tried {least:g} to {most:g}"
        )
    low, high = responder.prices
    if not low <= choosing.rate <= high:
        raise ScoringError(
            f"the lot never tried a rate of {choosing.rate:g}", right=f"It tried {low:g} to {high:g}"
        )


def _frozen(settings: Settings, dataset: str, rows: pa.Table) -> tuple[str, Path]:
    with lake.connect(settings) as connection:
        connection.register("rows", rows)
        query = "SELECT * REPLACE (version::INTEGER AS version) FROM rows ORDER BY customer_id, limit_amount"
        return lake.freeze(connection, query, lake.Lake(settings.home).decisions(dataset))


def _counted(choosing: Choosing, best: npt.NDArray[np.intp]) -> dict[str, int]:
    """Count who is to have which limit."""
    counted = {f"{limit:g}": int((best == place).sum()) for place, limit in enumerate(choosing.menu)}
    return counted | {"no limit": int((best < 0).sum())}
