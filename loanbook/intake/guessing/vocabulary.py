"""raw → validated: the words by which lenders call what our tables hold, read from vocabulary.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# Names a person, and no table of ours holds it.
IDENTIFYING = re.compile(
    r"e_?mail|passport|licen[cs]e_?(no|num|plate)|\bssn\b|face|photo|fingerprint|wechat"
    r"|微信|邮箱|护照|车牌|紧急联系人|联系人",
    re.IGNORECASE,
)
# Filled in, or changed, when the outcome is known: a feature made of it would be a leak.
AFTERWARDS = re.compile(
    r"recover|collect|total_?(pymnt|paid|rec)|out_?prncp|last_?(pymnt|payment|paid|credit_pull)|next_?(pymnt|payment)"
    r"|settlement|hardship|charge_?d?_?off|default|(good|bad)_?(bad|good)?_?flag|loan_?status|repossess|write_?off"
    r"|^status$|^状态$|closed_?(date|at|on)|close_?date|first_?repaid|delinquen(cy|t)_?status|current_?(status|balance|dpd)|days_?late"
    r"|zero_?balance|chargeoff|servicing|modification|payoff|paid_?(date|on|amount)|reporting_?period|next_?report"
    r"|逾期|催收|结清|核销|坏账|违约|还款状态|贷款状态|账户状态|当前状态|回收|五级分类|剩余本金|已还|实还",
    re.IGNORECASE,
)
MONTHLY = re.compile(r"month|每月|月(收入|薪|供|利率)|_?mth", re.IGNORECASE)
YEARLY = re.compile(r"annual|year|per_?annum|年", re.IGNORECASE)
IN_DAYS = re.compile(r"day|天|日", re.IGNORECASE)
IN_YEARS = re.compile(r"year|yrs?\b|年", re.IGNORECASE)
THOUSANDS = re.compile(r"thousand|1000s|_k$|千元", re.IGNORECASE)
TEN_THOUSANDS = re.compile(r"万元|（万）|\(万\)")
IN_CENTS = re.compile(r"cents?\b|minor|pence|（分）|\(分\)|_分$|_fen$", re.IGNORECASE)


@cache
def _read() -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = tomllib.loads(
        Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    )
    return found


def tables() -> tuple[str, ...]:
    """Name the tables that are guessed; what no table of a lender is called by is mapped by hand."""
    return tuple(_read()["words"])


def words(table: str) -> Mapping[str, str]:
    """Give the words for each column of one of our tables."""
    found: Mapping[str, Mapping[str, str]] = _read()["words"]  # type: ignore[assignment]
    return found[table]


def clock(table: str) -> str:
    """Give the words for the column that says when a row of this table happened."""
    return _read()["clocks"][table]


def happened() -> str:
    """Give the words for when any row happened."""
    return _read()["due"]["happened"]


def available() -> str:
    """Give the words for when the lender could know a row."""
    return _read()["due"]["available"]


def due() -> str:
    """Give the words for the day on which an instalment is due."""
    return _read()["due"]["date"]


def linking() -> Mapping[str, str]:
    """Give the words for what links customers who share it, by kind."""
    return _read()["linking"]


def decisions() -> Mapping[str, tuple[str, ...]]:
    """Give what lenders write for approved and declined."""
    return {name: tuple(said.split("; ")) for name, said in _read()["decisions"].items()}


def short() -> Mapping[str, str]:
    """Give what short forms stand for."""
    return _read()["short"]


@cache
def beside() -> frozenset[str]:
    """Give the words that narrow nothing."""
    return frozenset(_read()["plain"]["beside"].split())


def source_name(chinese: str) -> str:
    """Give a plain name for a source whose own is Chinese."""
    return next((table for word, table in _read()["sources"].items() if word in chinese), "source")


@cache
def known() -> frozenset[str]:
    """Give every English word of three letters or more that stands here."""
    told: Mapping[str, Mapping[str, Mapping[str, str]]] = _read()  # type: ignore[assignment]
    texts = [text for table in told["words"].values() for text in table.values()]
    texts += [text for part in ("clocks", "due", "linking", "plain") for text in _read()[part].values()]
    found = {word for text in texts for word in re.findall(r"[a-z]+", text)} | set(short())
    return frozenset(word for word in found if len(word) > 2) | {"id", "no", "at", "on", "by"}
