"""candidate → champion: the dossier's tables of a valuer, made from the facts alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loanbook.governance import reading
from loanbook.governance.amounts import SEGMENTS, parts_of
from loanbook.governance.reading import Facts, UnreadableFact
from loanbook.governance.saying import Table, or_absent
from loanbook.governance.telling import monotone, product_mix

PART = ("rows", "median_ape", "median_ape_interval", "bias", "coverage", "unmeasured")
HEADS = ("Rows", "Median error", "95 % interval", "Bias", "Coverage", "Too few")


def tables(facts: Facts) -> tuple[Table, ...]:
    """Give every table, in order."""
    makers: tuple[tuple[str, Callable[[Facts], Table]], ...] = (
        ("Are the trees worth it?", _second_model),
        ("By segment", _segments),
        ("By quarter of valuation", _vintages),
        ("In months to come", _ahead),
        ("What the samples share", _apart),
        ("Product mix from fit to report", product_mix),
        ("Declared signs", monotone),
        ("Quantiles that cross", _crossing),
    )
    return tuple(or_absent(title, make, facts) for title, make in makers)


def _second_model(facts: Facts) -> Table:
    found = reading.mapping(facts, "judged", "second_model")
    trees, plain = reading.mapping(facts, "metrics", "report"), reading.mapping(found, "metrics")
    difference = reading.number(found, "closer", "difference")
    low, high = (reading.finite(one, "end") for one in reading.at(found, "closer", "difference_interval"))
    by = f"their error in logarithms less the curve's is {difference:+.4f}, 95 % {low:+.4f} to {high:+.4f}"
    said = "are nearer" if high < 0 else "are further off" if low > 0 else "can't be told from the curve"
    about = f"On the same rows of the report the trees {said}: {by}. The curve values nothing."
    rows = [(name, reading.at(trees, name), value) for name, value in plain.items()]
    slopes = reading.mapping(found, "slopes")
    rows += [(f"slope of the logarithm by {name}", None, value) for name, value in slopes.items()]
    return Table("Are the trees worth it?", about, ("Measure", "Trees", "Hedonic curve"), rows)


def _segments(facts: Facts) -> Table:
    rows = [
        [cut, reading.text(part, "part"), *(reading.at(part, name) for name in PART)]
        for cut in SEGMENTS
        for part in parts_of(facts, cut)
    ]
    return Table("By segment", "On the report sample.", ("Cut by", "Part", *HEADS), rows)


def _vintages(facts: Facts) -> Table:
    found = reading.mapping(facts, "judged", "vintages")
    if "unmeasured" in found:
        raise UnreadableFact(f"vintages could not be measured: {reading.text(found, 'unmeasured')}")
    parts = reading.at(found, "quarters")
    if not isinstance(parts, list | tuple):
        raise UnreadableFact("judged.vintages.quarters is no list")
    rows = [[reading.text(part, "part"), *(reading.at(part, name) for name in PART)] for part in parts]
    return Table("By quarter of valuation", "On the report sample.", ("Quarter", *HEADS), rows)


def _ahead(facts: Facts) -> Table:
    found = reading.mapping(facts, "judged", "ahead")
    months, assumed = reading.mapping(found, "months"), reading.mapping(found, "assumed")
    driven: Any = reading.at(assumed, "km_a_year")
    usual = (
        "no distance is known" if driven is None else f"driven {reading.finite(driven, 'km'):,.0f} km a year"
    )
    about = (
        f"The median share of its value that a vehicle of the report keeps, the market's index "
        f"{reading.text(assumed, 'index')}, {usual}."
    )
    rows = [(name, reading.number(one, "kept"), reading.count(one, "rows")) for name, one in months.items()]
    return Table("In months to come", about, ("Months", "Keeps", "Rows"), rows)


def _apart(facts: Facts) -> Table:
    found = reading.mapping(facts, "judged", "apart")
    how = "drawn by what a row is" if reading.flag(found, "drawn") else "cut by time"
    names = {
        "different": "different vehicles",
        "repeated": "rows that repeat another in all but name, day and price",
        "shared": "vehicles in more than one sample",
    }
    rows = [(said, reading.count(found, name)) for name, said in names.items()]
    return Table("What the samples share", f"The samples are {how}.", ("What", "How many"), rows)


def _crossing(facts: Facts) -> Table:
    found: Mapping[str, Any] = reading.mapping(facts, "judged", "crossing")
    about = "As predicted, and once more with a third of the features hidden."
    row = (reading.count(found, "rows"), reading.count(found, "crossed"))
    return Table("Quantiles that cross", about, ("Rows", "Crossed"), [row])
