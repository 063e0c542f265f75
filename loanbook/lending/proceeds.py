"""score → decision: what was agreed of each loan and what came of it, from the published ledgers.

These are facts known afterwards. They judge decisions and stand behind no feature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.lending.economics import Contracts, Ledgers
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
FILLED = 0.05  # more payments that are taken as due, and no profit is told
YEAR = 365.25


@dataclass(frozen=True)
class Proceeds:
    """The loans of some applications, row for row; why a part isn't told, `untold` says by its name."""

    lent: Vector
    contracts: Contracts | None
    ledgers: Ledgers | None
    untold: Mapping[str, str]
    filled: int


def read(
    settings: Settings, published: Mapping[str, Path], applications: pa.Array, as_of: datetime
) -> Proceeds:
    """Read what was known of each application's loan at `as_of`."""
    import pyarrow as pa

    asked = pa.table({"place": np.arange(len(applications)), "application_id": applications})
    with lake.connect(settings) as connection:
        connection.register("asked", asked)
        lake.offer(connection, published)
        rows = connection.sql(_sql(as_of)).to_arrow_table()
    found = {name: rows[name].to_numpy(zero_copy_only=False).astype(float) for name in rows.column_names}
    untold = {
        name: why for name, why in (("contracts", _agreed(found)), ("ledgers", _followed(found))) if why
    }
    return Proceeds(
        lent=np.nan_to_num(found["principal"]),
        contracts=None if "contracts" in untold else Contracts(*_of(found, "principal", "rate", "months")),
        ledgers=None if "ledgers" in untold else _ledgers(found),
        untold=untold,
        filled=0 if "ledgers" in untold else int(np.nansum(found["filled"])),
    )


@dataclass(frozen=True)
class Losses:
    """What became of a product's loans that were written off, all told: how many, and the share lost."""

    loans: int
    lgd: float | None


def losses(
    settings: Settings, published: Mapping[str, Path], product: str, as_of: datetime, months: int
) -> Losses:
    """Read what was lost of what was written off at least so many months before `as_of`."""
    with lake.connect(settings) as connection:
        lake.offer(connection, published)
        found = connection.sql(_losses_sql(product, as_of, months)).fetchall()
    loans, lgd = found[0]
    return Losses(int(loans), None if lgd is None else float(lgd))


def _losses_sql(product: str, as_of: datetime, months: int) -> str:
    return f"""
    WITH known AS (SELECT * FROM recoveries WHERE available_at <= TIMESTAMP '{as_of}'),
    off AS (
        SELECT loan_id, sum(amount) AS amount
        FROM known JOIN (SELECT loan_id, product FROM loans) USING (loan_id)
        WHERE kind = 'charge_off' AND product = '{product}'
        GROUP BY loan_id
        HAVING max(event_at) <= TIMESTAMP '{as_of}' - INTERVAL {months} MONTHS AND sum(amount) > 0
    ),
    came AS (
        SELECT loan_id, sum(amount) - coalesce(sum(cost), 0) AS amount
        FROM known WHERE kind <> 'charge_off' GROUP BY loan_id
    )
    SELECT count(*), 1 - coalesce(sum(came.amount), 0)::DOUBLE / nullif(sum(off.amount), 0)::DOUBLE
    FROM off LEFT JOIN came USING (loan_id)
    """


def _of(found: Mapping[str, Vector], *names: str) -> tuple[Vector, ...]:
    return tuple(found[name] for name in names)


def _ledgers(found: Mapping[str, Vector]) -> Ledgers:
    written_off = np.nan_to_num(found["written_off"])
    return Ledgers(
        outlay=found["outlay"],
        paid=found["paid"] + found["filled_with"],
        recovered=np.nan_to_num(found["recovered"]),
        written_off=written_off,
        off_days=np.where(written_off > 0, found["off_days"], np.inf),
        owed=np.where(written_off > 0, 0.0, found["owed"]),
        years=found["money_days"] / YEAR,
    )


def _agreed(found: Mapping[str, Vector]) -> str:
    bare: Flags = np.asarray(np.isnan(np.vstack(_of(found, "principal", "rate", "months"))).any(axis=0))
    return f"{int(bare.sum())} of {len(bare)} loans have no principal, rate or term" if bare.any() else ""


def _followed(found: Mapping[str, Vector]) -> str:
    """Say what the ledgers lack for a profit, or nothing."""
    silent = ~(found["untold"] == 0)
    adrift = np.isnan(found["owed"]) & ~(found["written_off"] > 0)
    lost = np.isnan(found["outlay"]) | np.isnan(found["money_days"])
    filled, told = float(np.nansum(found["filled"])), float(np.nansum(found["told"]))
    if silent.any():
        return f"of {int(silent.sum())} of {len(silent)} loans a payment isn't told"
    if (adrift | lost).any():
        return f"of {int((adrift | lost).sum())} of {len(lost)} loans it isn't told what is owed"
    if filled > FILLED * (filled + told):
        return f"{int(filled)} of {int(filled + told)} payments aren't told"
    return ""


def _sql(as_of: datetime) -> str:
    """Write the query for one row per application asked for.

    Money is summed as decimals, which add up to the same in any order. A ledger that begins after its loan
    begins with what is owed after its first row. An instalment that no row tells, while the balance fell, is
    taken as paid when due; a row that tells no payment while money is owed leaves the loan untold.
    """
    return f"""
    WITH loan AS (
        SELECT a.place, l.*, coalesce(l.observed_from > l.event_at, false) AS late
        FROM asked AS a JOIN loans AS l USING (application_id)
        WHERE l.available_at <= TIMESTAMP '{as_of}'
    ),
    line AS (
        SELECT
            l.place, l.late, r.instalment_no, r.paid_amount, r.balance, r.event_at, l.instalment, l.principal,
            row_number() OVER ledger AS number,
            coalesce(lag(r.balance) OVER ledger, l.principal) AS before,
            coalesce(lag(r.event_at) OVER ledger, l.event_at) AS since,
            coalesce(lag(r.instalment_no) OVER ledger, 0) AS last_no
        FROM loan AS l JOIN repayments AS r USING (loan_id)
        WHERE r.available_at <= TIMESTAMP '{as_of}'
        WINDOW ledger AS (PARTITION BY l.place ORDER BY r.instalment_no, r.event_at, r.repayment_id)
    ),
    told AS (
        SELECT
            *,
            late AND number = 1 AS opens,
            CASE WHEN balance < before THEN greatest(instalment_no - last_no - 1, 0) ELSE 0 END AS gap,
            greatest(datediff('day', since, event_at), 0)::INTEGER AS days
        FROM line
    ),
    followed AS (
        SELECT
            place,
            any_value(CASE WHEN late THEN NULL ELSE principal END) AS lent,
            any_value(balance) FILTER (opens) AS begun_with,
            coalesce(sum(paid_amount) FILTER (NOT opens), 0) AS paid,
            count(*) FILTER (NOT opens AND paid_amount IS NULL AND before > 0) AS untold,
            count(*) FILTER (NOT opens) AS told,
            coalesce(sum(gap) FILTER (NOT opens), 0) AS filled,
            coalesce(sum(gap * instalment) FILTER (NOT opens), 0) AS filled_with,
            arg_max(balance, number) AS owed,
            coalesce(sum(before * days) FILTER (NOT opens), 0) AS money_days
        FROM told
        GROUP BY place
    ),
    returned AS (
        SELECT
            l.place,
            sum(v.amount) FILTER (v.kind = 'charge_off') AS written_off,
            datediff('day', max(v.event_at) FILTER (v.kind = 'charge_off'), TIMESTAMP '{as_of}') AS off_days,
            coalesce(sum(v.amount) FILTER (v.kind <> 'charge_off'), 0) - coalesce(sum(v.cost), 0) AS recovered
        FROM loan AS l JOIN recoveries AS v USING (loan_id)
        WHERE v.available_at <= TIMESTAMP '{as_of}'
        GROUP BY l.place
    )
    SELECT
        l.principal::DOUBLE AS principal, l.rate, l.term_months AS months,
        coalesce(f.lent, f.begun_with)::DOUBLE AS outlay, f.paid::DOUBLE AS paid, f.untold::DOUBLE AS untold,
        f.told::DOUBLE AS told, f.filled::DOUBLE AS filled, f.filled_with::DOUBLE AS filled_with,
        f.owed::DOUBLE AS owed, f.money_days::DOUBLE AS money_days,
        v.written_off::DOUBLE AS written_off, v.off_days::DOUBLE AS off_days, v.recovered::DOUBLE AS recovered
    FROM asked AS a LEFT JOIN loan AS l USING (place) LEFT JOIN followed AS f USING (place)
    LEFT JOIN returned AS v USING (place)
    ORDER BY a.place
    """
