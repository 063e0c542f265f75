"""raw → validated: which raw column is which of ours, and what a raw table is a table of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from loanbook.intake.guessing import naming, vocabulary
from loanbook.intake.guessing.looking import ColumnLook, RawLook
from loanbook.schema import TABLES

MONEY = "DECIMAL(18,2)"
ENOUGH = 0.6  # nearness from which two names may mean the same
SURE = 0.85
CERTAIN = 0.8  # a key's name must be as near, or rows would be put together that don't belong together
_SHAPED = {
    "phone": ("customers", "phone"),
    "id": ("customers", "id_number"),
    "card": ("customers", "bank_account"),
}
_CODED = frozenset({"code", "indicator", "flag", "type", "level", "status"})
_KEYS = frozenset({"customer_id", "loan_id", "application_id", "vehicle_id"})
# Column by column, what a table of each kind must have besides its keys.
_NEEDS: Mapping[str, tuple[tuple[str, ...], int]] = MappingProxyType(
    {
        "repayments": (("due_amount", "paid_amount", "days_past_due", "instalment_no", "balance"), 2),
        "transactions": (("direction", "category", "merchant", "transaction_id"), 1),
        "links": (("kind", "shared_key"), 2),
        "contacts": (("offer", "response", "randomised", "limit_amount"), 1),
        "recoveries": (("recovery_id", "kind", "amount", "cost"), 2),
        "market": (("used_vehicle_index", "policy_rate", "unemployment"), 1),
    }
)


@dataclass(frozen=True)
class Match:
    """A raw column that is taken for one of ours, and how near its name is."""

    column: ColumnLook
    score: float


def matches(look: RawLook, table: str, leave: Collection[str] = ()) -> dict[str, Match]:
    """Give each of a table's columns the raw column that fits it best; none serves two of one table."""
    pairs, called = [], vocabulary.words(table)
    for place, column in enumerate(look.columns):
        _, best = naming.nearest(column.name, called.items())
        best = max(best, float(column.name.lower() in called))
        for name, words in called.items():
            score = _score(look, table, name, words, column)
            if score >= max(ENOUGH, best - 0.1) and column.name not in leave:
                pairs.append((-score, -column.filled, place, name, column))
    found: dict[str, Match] = {}
    used: set[str] = set()
    for negative, _, _, name, column in sorted(pairs, key=lambda pair: pair[:4]):
        if name not in found and column.name not in used:
            found[name] = Match(column, -negative)
            used.add(column.name)
    return found


def _score(look: RawLook, table: str, name: str, words: str, column: ColumnLook) -> float:
    """Score a pair: by name, by shape; a key that names each row is nearer than one that doesn't."""
    kind = TABLES[table].column(name).type
    if not _fits(kind, column, is_key=name in _KEYS | {TABLES[table].key}):
        return 0.0
    if (kind == MONEY and 0 < (column.high or 0) <= 1) or (
        name == "name" and 3 * column.distinct < column.filled
    ):
        return 0.0  # a ratio is no amount, and what many share is nobody's name
    score = 1.0 if column.name.lower() == name else naming.nearness(column.name, words)
    if (name in _KEYS or name == TABLES[table].key) and score < CERTAIN:
        return 0.0
    if _SHAPED.get(column.shape) == (table, name):
        score = max(score, 0.8)
    if column.shape and (table, name) != _SHAPED.get(column.shape, (table, name)):
        score -= 0.2
    if name == TABLES[table].key:
        score += 0.2 if column.name in look.keys else -0.3 if table not in {"customers"} else 0.0
    return score


def _fits(kind: str, column: ColumnLook, *, is_key: bool) -> bool:
    """Tell whether values of a column can be of that type."""
    if column.kind == "empty":
        return False
    if is_key:
        return column.kind == "text" or (column.kind == "number" and column.whole)
    if kind in {"TIMESTAMP", "DATE"}:
        return column.kind == "time"
    if kind == "BOOLEAN":
        return column.kind == "flag" or (column.kind == "number" and (column.low, column.high) == (0, 1))
    if kind == "VARCHAR":
        return column.kind in {"text", "flag"} or (column.kind == "number" and column.distinct <= 50)
    return column.kind == "number" and not naming.tokens(column.name) & _CODED


def clock(look: RawLook, table: str, leave: Collection[str] = ()) -> Match | None:
    """Find the column that says when a row happened: by its name, else the only time there is."""
    times = [column for column in look.columns if column.kind == "time" and column.name not in leave]
    words = f"{vocabulary.clock(table)}; {vocabulary.happened()}"
    scored = [Match(column, naming.nearness(column.name, words)) for column in times]
    good = [match for match in scored if match.score >= ENOUGH]
    if good:
        return max(good, key=lambda match: (round(match.score, 1), match.column.filled))
    return scored[0] if len(scored) == 1 else None


def known(look: RawLook) -> Match | None:
    """Find the column that says when the lender could know a row."""
    for column in look.columns:
        if column.kind == "time" and naming.nearness(column.name, vocabulary.available()) >= SURE:
            return Match(column, 1.0)
    return None


def due(look: RawLook) -> Match | None:
    """Find the column that says when an instalment was due."""
    times = [column for column in look.columns if column.kind == "time"]
    scored = [Match(column, naming.nearness(column.name, vocabulary.due())) for column in times]
    best = max(scored, key=lambda match: match.score, default=None)
    return best if best and best.score >= ENOUGH else None


def kind_of(look: RawLook) -> str:
    """Tell which of our tables a raw one is first of all; '' for none, `applications` for any deals."""
    named = _named(look)
    found = {table: matches(look, table) for table in vocabulary.tables()}
    loan = found["repayments"].get("loan_id")
    several = loan is not None and loan.column.distinct < 0.9 * look.rows
    if loan and (several or named == "repayments") and _ledger(look, found["repayments"]):
        return "repayments"
    if _needed(found, "recoveries") and named == "recoveries":
        return "recoveries"
    deal = set(found["applications"]) | set(found["loans"])
    has_amount = bool(deal & {"amount", "principal"})
    spent = _needed(found, "transactions") and "amount" in found["transactions"]
    of_whom = clock(look, "transactions") and "customer_id" in found["transactions"]
    if (spent or named == "transactions") and of_whom and "term_months" not in deal:
        return "transactions"
    if has_amount and len(deal - _KEYS) >= 3 and named not in {"contacts", "recoveries", "vehicles"}:
        return "applications"
    return _other(found, named)


def _other(found: Mapping[str, Mapping[str, Match]], named: str) -> str:
    """Tell of a table that is none of deals or money."""
    for table in ("links", "contacts", "market"):
        if _needed(found, table) and (named == table or _best(found[table], _NEEDS[table][0]) >= SURE):
            return table
    counts = {
        table: sum(match.score for name, match in found[table].items() if name not in _KEYS)
        + (2 if named == table else 0)
        for table in ("customers", "bureau_reports", "vehicles")
    }
    best = max(counts, key=lambda table: counts[table])
    person = "customer_id" in found["customers"]
    if best != "vehicles" and not person:
        return ""
    return best if counts[best] >= 1.5 else ""


def _named(look: RawLook) -> str:
    """Tell which table a source is called after."""
    table, score = naming.nearest(look.source.name, ((name, name.replace("_", " ")) for name in TABLES))
    return table if score >= SURE else ""


def _best(found: Mapping[str, Match], names: Collection[str]) -> float:
    return max((found[name].score for name in names if name in found), default=0.0)


def _needed(found: Mapping[str, Mapping[str, Match]], table: str) -> bool:
    names, count = _NEEDS[table]
    return sum(name in found[table] for name in names) >= count


def _ledger(look: RawLook, found: Mapping[str, Match]) -> bool:
    """Tell whether there is what an instalment has: amounts or lateness, and a day."""
    names, count = _NEEDS["repayments"]
    told = sum(name in found for name in names)
    days = (due(look) is not None) + (clock(look, "repayments") is not None)
    return told >= 1 and days >= 1 and told + days > count
