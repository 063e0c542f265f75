"""What must hold of every table: it can be read, its keys and clocks are whole, its parents are known.

Its newest rows are fresh, as many as before, and spread as before.

`held` holds the row, `noted` only counts it, `blocking` stops the batch. `because` ends the sentence
"<column> is <value>: …", and `shows` names the columns that are told when they are not the rule's own.
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from loanbook.schema import REFERENCES, TABLES, Privacy

from .history import ExpectColumnSpreadToHold, ExpectColumnVolumeToBeBetween

# more than this share of broken rows is not a few bad rows but another kind of data
SHARE_HELD = 0.2
YEARS = (1980, 2100)
# days since a table's newest row after which its source may have fallen silent
STALE = 45
NEWEST, BEFORE = 3, 12
# PSI from which a spread is commonly called another
MOVED = 0.25
# an application names a vehicle only when one is pledged
MAY_BE_NULL = {("applications", "vehicle_id")}

CLOCKS = {"event_year": "year(event_at)", "available_year": "year(available_at)"}


def held(rule: str, because: str, *shows: str) -> dict[str, Any]:
    """Hold the row that breaks it."""
    return _said(rule, "quarantine", "warning", because, shows)


def noted(rule: str, because: str, *shows: str) -> dict[str, Any]:
    """Count the row that breaks it, and let it pass."""
    return _said(rule, "note", "info", because, shows)


def blocking(rule: str, because: str) -> dict[str, Any]:
    """Stop the batch."""
    return _said(rule, "block", "critical", because, ())


def shown(table: str, column: str) -> str:
    """Name the column in which a value can be looked at: of an identifying one, its shape."""
    identifying = TABLES[table].column(column).privacy is Privacy.IDENTIFYING
    return f"{column}__shape" if identifying else column


def whole_texts(table: str, *columns: str) -> tuple[Any, ...]:
    """Hold texts in which a character was lost: the replacement sign, or what became of it."""
    return tuple(
        gxe.ExpectColumnValuesToNotMatchRegex(
            column=shown(table, column),
            regex="\ufffd|ï¿½|锟斤拷",
            **held(f"{column}_whole", "a character was lost in it", column),
        )
        for column in columns
    )


def garbled_texts(table: str, *columns: str) -> tuple[Any, ...]:
    """Count texts in UTF-8 that somebody read as Latin-1, as in cafÃ©."""
    plain = "[ÂÃ][\u0080-\u00bf]|â€|[\u0080-\u009f]"
    # in a shape most letters are A; °, ® and · follow letters in honest names
    shape = "[AÂÃ][\u00a1-\u00ad\u00af\u00b1-\u00b6\u00b8-\u00bf]|[Aâ]€|[\u0080-\u009f]"
    return tuple(
        gxe.ExpectColumnValuesToNotMatchRegex(
            column=shown(table, column),
            regex=plain if shown(table, column) == column else shape,
            **noted(f"{column}_not_garbled", "it was read in the wrong encoding", column),
        )
        for column in columns
    )


def as_written(table: str, column: str, regex: str, because: str) -> Any:
    """Hold values that are not written as such values are; of an identifying one, its shape is looked at."""
    return gxe.ExpectColumnValuesToMatchRegex(
        column=shown(table, column), regex=regex, **held(f"{column}_as_written", because, column)
    )


def spread(*columns: str) -> tuple[Any, ...]:
    """Note columns whose newest values are spread otherwise than before."""
    return tuple(
        ExpectColumnSpreadToHold(
            column_A=column,
            column_B="_lately",
            max_value=MOVED,
            **noted(f"{column}_spread_as_before", "the newest rows are spread otherwise than those before"),
        )
        for column in columns
    )


def not_cut_short() -> Any:
    """Stop a batch whose newest months have lost nearly all their rows."""
    return _volume(0.1, None, **blocking("not_cut_short", "hardly a row came of the newest months"))


def of(table: str, *, stale: float = STALE) -> tuple[Any, ...]:
    """Give the rules of every table; `stale` are the days after which its newest row is old."""
    key = TABLES[table].key
    return (
        gxe.ExpectTableRowCountToBeBetween(min_value=1, **blocking("some_rows", "the table is empty")),
        gxe.ExpectColumnMeanToBeBetween(
            column="_held",
            max_value=SHARE_HELD,
            **blocking("few_held", f"over {SHARE_HELD:.0%} of the rows are broken"),
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="_readable",
            value_set=[True],
            **held("readable", "it can't be read as declared", "_broken"),
        ),
        gxe.ExpectColumnValuesToNotBeNull(column=key, **held(f"{key}_given", "a row needs its key")),
        gxe.ExpectColumnValuesToBeInSet(
            column="_first_of_key",
            value_set=[True],
            **held(f"{key}_once", "a row with this key came before", key),
        ),
        gxe.ExpectColumnMinToBeBetween(
            column="_age_days",
            max_value=stale,
            **noted("fresh", f"its newest row is over {stale:g} days old at the reading"),
        ),
        _volume(
            0.5, 2, **noted("volume_as_before", "far more or far fewer rows came than in the year before")
        ),
        *_clocks(),
        *(rule for column, parent in REFERENCES.get(table, ()) for rule in _parent(table, column, parent)),
    )


def _clocks() -> tuple[Any, ...]:
    first, last = YEARS
    plausible = tuple(
        gxe.ExpectColumnValuesToBeBetween(
            column=f"{clock}_year",
            min_value=first,
            max_value=last,
            **held(f"{clock}_plausible", f"it lies outside {first}–{last}", f"{clock}_at"),
        )
        for clock in ("event", "available")
    )
    return (
        gxe.ExpectColumnValuesToNotBeNull(
            column="event_at", **held("event_at_given", "a row must say when it happened")
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="available_at", **held("available_at_given", "a row must say when it could be known")
        ),
        *plausible,
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="available_at",
            column_B="event_at",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            **held("known_after_event", "nothing is known before it happens"),
        ),
    )


def _volume(low: float, high: float | None, **said: Any) -> Any:
    return ExpectColumnVolumeToBeBetween(
        column="_month", newest=NEWEST, before=BEFORE, min_value=low, max_value=high, **said
    )


def _parent(table: str, column: str, parent: str) -> tuple[Any, ...]:
    known = gxe.ExpectColumnValuesToBeInSet(
        column=f"{column}__known",
        value_set=[True],
        **held(f"{column}_known", f"{parent} has no such row", column),
    )
    if (table, column) in MAY_BE_NULL:
        return (known,)
    given = gxe.ExpectColumnValuesToNotBeNull(
        column=column, **held(f"{column}_given", f"a row must name its row of {parent}")
    )
    return (given, known)


def _said(rule: str, action: str, severity: str, because: str, shows: tuple[str, ...]) -> dict[str, Any]:
    meta = {"rule": rule, "action": action, "because": because, "shows": list(shows)}
    return {"meta": meta, "severity": severity}
