"""Judging a million applications by fifteen rules: against one query by hand, and against Great Expectations.

Each side runs in a process of its own, on the same Parquet file; CPU seconds, and peak memory. Importing
Great Expectations is left out on both sides and told apart.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measuring import Row, at_least, at_most, beside, exactly

APPLICATIONS, CUSTOMERS = 1_000_000, 300_000
RULES = (
    "application_id_given",
    "application_id_once",
    "customer_id_given",
    "customer_id_known",
    "event_at_given",
    "available_at_given",
    "known_after_event",
    "product_of_its_kinds",
    "amount_given",
    "amount_positive",
    "term_plausible",
    "income_not_negative",
    "lat_plausible",
    "decision_of_its_kinds",
    "free_text_whole",
)
ROUNDS = 3


def rows() -> Iterator[Row]:
    """Measure on this machine, as it is now."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _side("make", folder)
        plain = _best("by_hand", folder)
        ours = _best("ours", folder)
        judged = _best("judged", folder)
        whole = _side("whole", folder)
        theirs = _side("great_expectations", folder)
    yield exactly(
        "data", "judged: rules on which three judges count the same", _agreeing(plain, ours, theirs), 15
    )
    size = f"{APPLICATIONS:,} applications, 15 rules"
    yield at_most(
        "data",
        f"validate {size}, row-level reasons written: CPU against one DuckDB query that counts "
        f"({_told(ours)} against {_told(plain)})",
        ours["cpu"] / plain["cpu"],
        3,
    )
    yield at_least(
        "data",
        f"the same, against Great Expectations on pandas, COMPLETE ({_told(theirs)})",
        theirs["cpu"] / ours["cpu"],
        10,
    )
    yield at_least(
        "data",
        "the same with our page of Data Docs and the second judge on a sample of 20,000 "
        f"({_told(judged)}; in all {judged['cpu'] / plain['cpu']:.1f}× the query)",
        theirs["cpu"] / judged["cpu"],
        5,
    )
    yield at_most(
        "data",
        f"the whole suite instead, {whole['rules']} rules, volume and spreads among them, with its page, "
        "CPU seconds",
        whole["cpu"],
        10,
    )
    yield at_most("data", "importing Great Expectations, once a process, CPU seconds", judged["import"], 15)
    yield at_most("data", "validate: peak memory, GiB", ours["memory"], 2)


def _agreeing(*sides: dict[str, Any]) -> int:
    return sum(len({side["counts"][rule] for side in sides}) == 1 for rule in RULES)


def _told(side: dict[str, Any]) -> str:
    return f"{side['cpu']:.2f} s, {side['memory']:.2f} GiB"


def _best(name: str, folder: Path) -> dict[str, Any]:
    """Take the quickest of some rounds, each in its own process."""
    return min((_side(name, folder) for _ in range(ROUNDS)), key=lambda side: float(side["cpu"]))


def _side(name: str, folder: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(beside("bench.data_judged_sides", name, str(folder)))
    return made
