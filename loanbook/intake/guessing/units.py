"""raw → validated: what a raw number counts in, told by its name and its range, and how it becomes ours."""

from __future__ import annotations

from loanbook.intake.engine import among, text
from loanbook.intake.guessing import naming, vocabulary
from loanbook.intake.guessing.looking import ColumnLook, RawLook
from loanbook.schema import Column

MONEY = "DECIMAL(18,2)"
# Of an amount asked for, so many years' income: above it, the income is a month's.
_YEARS_OF_INCOME = 2.5
_YES = ("true", "t", "yes", "y", "是", "1")
_NO = ("false", "f", "no", "n", "否", "0")
_DAYS = frozenset({7, 14, 15, 21, 28, 30, 45, 60, 90, 120, 180, 360})


def converted(look: RawLook, table: str, wanted: Column, given: ColumnLook, sql: str) -> tuple[str, str]:
    """Give the SQL that brings a raw value to our unit, and what was guessed of its unit."""
    if wanted.type == "BOOLEAN":
        return _flag(given, sql), ""
    if (table, wanted.name) == ("applications", "decision"):
        return _decision(sql)
    if wanted.name == "declared_income":
        return _income(look, given, sql)
    by_name = _UNITS.get(wanted.name) or (_money if wanted.type == MONEY else None)
    return by_name(given, sql) if by_name else (sql, "")


def _flag(given: ColumnLook, sql: str) -> str:
    """Read a flag; a word that is neither yes nor no is passed on, and held."""
    if given.type == "BOOLEAN":
        return sql
    if given.kind == "number":
        return f"CASE {sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE {sql}::VARCHAR END"
    lower = f"lower(trim({sql}))"
    yes, no = f"{lower} IN {among(_YES)}", f"{lower} IN {among(_NO)}"
    return f"CASE WHEN {yes} THEN 'true' WHEN {no} THEN 'false' ELSE {sql} END"


def _decision(sql: str) -> tuple[str, str]:
    lower = f"lower(trim({sql}::VARCHAR))"
    whens = " ".join(
        f"WHEN {lower} IN {among(said)} THEN {text(name)}" for name, said in vocabulary.decisions().items()
    )
    told = "by the words lenders use; any other word is passed on, and held"
    return f"CASE {whens} ELSE {sql}::VARCHAR END", told


def _rate(given: ColumnLook, sql: str) -> tuple[str, str]:
    """Bring a rate to a yearly fraction."""
    plain, told = _fraction(given, sql, 1)
    if "日" in given.name or "daily" in naming.words(given.name):
        return f"{plain} * 365", f"{told}; a day's rate by its name"
    if vocabulary.MONTHLY.search(given.name):
        return f"{plain} * 12", f"{told}; a month's rate by its name"
    return plain, f"{told}; a year's rate"


def _share(given: ColumnLook, sql: str) -> tuple[str, str]:
    return _fraction(given, sql, 5)


def _fraction(given: ColumnLook, sql: str, most: float) -> tuple[str, str]:
    if given.format == "percent" or given.median is None:
        return sql, "a fraction, once its percent sign is read"
    if given.median > most or (given.high or 0) > 20 * most:
        return f"{sql} / 100", f"in percent, for its median is {given.median:.4g}"
    return sql, f"a fraction, for its median is {given.median:.4g}"


def _money(given: ColumnLook, sql: str) -> tuple[str, str]:
    if vocabulary.IN_CENTS.search(given.name) and given.whole:
        return f"{sql} / 100", "in minor units, by its name"
    if vocabulary.THOUSANDS.search(given.name):
        return f"{sql} * 1000", "in thousands, by its name"
    if vocabulary.TEN_THOUSANDS.search(given.name):
        return f"{sql} * 10000", "in ten thousands, by its name"
    return sql, ""


def _income(look: RawLook, given: ColumnLook, sql: str) -> tuple[str, str]:
    """Bring an income to a year's: by its name, else by how it compares with what is asked for."""
    money, unit = _money(given, sql)
    said = f"{unit}; " if unit else ""
    if vocabulary.MONTHLY.search(given.name):
        return f"{money} * 12", f"{said}a month's, by its name"
    if vocabulary.YEARLY.search(given.name):
        return money, f"{said}a year's, by its name"
    asked = next(
        (c for c in look.columns if c.kind == "number" and naming.nearness(c.name, _ASKED) >= 0.85), None
    )
    if asked is None or not asked.median or not given.median:
        return money, f"{said}a year's, for nothing tells"
    times = asked.median / given.median
    compared = f"for the median amount asked is {times:.1f} times the median income"
    if times > _YEARS_OF_INCOME:
        return f"{money} * 12", f"{said}a month's, {compared}"
    return money, f"{said}a year's, {compared}"


_ASKED = "amount; loan amount; application amount; principal; 贷款金额; 借款金额; 申请金额"


def _term(given: ColumnLook, sql: str) -> tuple[str, str]:
    """Bring a term to months."""
    if vocabulary.IN_DAYS.search(given.name) and "期限" not in given.name.replace("日期", ""):
        return f"{sql} / 30", "in days, by its name"
    if vocabulary.IN_YEARS.search(given.name):
        return f"{sql} * 12", "in years, by its name"
    if given.low is not None and given.high is not None:
        if given.low >= 7 and {given.low, given.median, given.high} <= _DAYS and given.high > 84:
            return f"{sql} / 30", f"in days, for it goes from {given.low:g} to {given.high:g}"
        return sql, f"in months, for it goes from {given.low:g} to {given.high:g}"
    return sql, "in months"


def _months(given: ColumnLook, sql: str) -> tuple[str, str]:
    if vocabulary.IN_YEARS.search(given.name) or "工龄" in given.name:
        return f"{sql} * 12", "in years, by its name"
    if (given.high or 0) <= 60 and not vocabulary.MONTHLY.search(given.name):
        return f"{sql} * 12", f"in years, for none is over {given.high:g}"
    return sql, ""


_UNITS = {
    "rate": _rate,
    "unemployment": _rate,
    "policy_rate": _rate,
    "utilisation": _share,
    "term_months": _term,
    "employment_months": _months,
    "oldest_account_months": _months,
}
