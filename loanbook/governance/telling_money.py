"""candidate → champion: the dossier's tables of cut-offs, swaps and the unlent, made from the facts alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loanbook.governance import reading
from loanbook.governance.reading import Facts, UnreadableFact
from loanbook.governance.saying import Table
from loanbook.training import rejects

PROFIT = ("profit", "per_application", "per_application_interval")
SWAPS = ("swapped_in", "swapped_out")
CELL = ("people", "bads", "bad_rate", "lent", "profit")
CAME = {"holds": "lies within", "touches": "lies outside, its interval not, of", "misses": "lies outside"}
NAMES = {
    "both_approve": "both approve",
    "swapped_in": "swapped in: this version alone approves",
    "swapped_out": "swapped out: the champion alone approves",
    "neither_approves": "neither approves",
}


def tables(facts: Facts) -> tuple[Table, ...]:
    """Give every table, in order."""
    makers: tuple[tuple[str, Callable[[Facts], Table]], ...] = (
        ("What a cut-off approves and earns", _cut_offs),
        ("Whom it swaps with the champion", _swaps),
        ("Whom it swaps, by segment and protected group", _parts),
        ("Had everybody been lent to", _rejects),
    )
    return tuple(_or_absent(title, make, facts) for title, make in makers)


def _or_absent(title: str, make: Callable[[Facts], Table], facts: Facts) -> Table:
    try:
        return make(facts)
    except UnreadableFact as reason:
        return Table(title, "", (), (), str(reason))


def _judged(facts: Facts, name: str) -> Mapping[str, Any]:
    found = reading.mapping(facts, "judged", name)
    if isinstance(found.get("unmeasured"), str):
        raise UnreadableFact(f"{name} could not be measured: {found['unmeasured']}")
    return found


def _listed(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    listed = reading.at(found, name)
    if not isinstance(listed, list | tuple) or not all(isinstance(one, Mapping) for one in listed):
        raise UnreadableFact(f"{name} is no list of facts")
    return list(listed)


def _cut_offs(facts: Facts) -> Table:
    found = _judged(facts, "economics")
    rows = [
        [
            reading.number(point, "cut_off"),
            "chosen" if reading.flag(point, "chosen") else None,
            *(
                reading.at(point, name)
                for name in (
                    "approval_rate",
                    "approval_rate_at_the_door",
                    "bad_rate",
                    "bad_rate_interval",
                    "lent",
                )
            ),
            *(
                reading.at(point, f"{kind}_{name}")
                for kind in ("expected", "realised")
                for name in PROFIT[:2]
            ),
            reading.at(point, "realised_per_application_interval"),
        ]
        for point in _listed(found, "points")
    ]
    heads = (
        "Approve below", "", "Approved", "At the door", "Bad rate", "95 % interval", "Lent",
        "Expected profit", "Per application", "Realised profit", "Per application", "95 % interval",
    )  # fmt: skip
    return Table("What a cut-off approves and earns", " ".join(_terms(found)), heads, rows)


def _terms(found: Mapping[str, Any]) -> list[str]:
    """Say on what the profits stand."""
    said = [f"On the {reading.text(found, 'sample')} sample, by which nothing is chosen."]
    assumed, lost = reading.at(found, "assumed"), reading.at(found, "lost")
    if isinstance(assumed, Mapping):
        said.append(
            f"Of a bad loan the policy takes {reading.number(assumed, 'lgd'):.0%} of what is owed as lost, "
            f"and money to cost {reading.number(assumed, 'cost_of_funds'):.1%} a year; "
            f"what was written off is collected for {reading.count(assumed, 'recovery_months')} months."
        )
    if isinstance(lost, Mapping) and lost.get("lgd") is not None:
        loans, share = reading.count(lost, "loans"), reading.number(lost, "lgd")
        said.append(
            f"Of {loans:,} loans whose collecting is over {share:.0%} of what was written off was lost."
        )
    if reading.at(found, "loss_of_the_bad") is not None:
        share = reading.number(found, "loss_of_the_bad")
        said.append(f"The bad of the sample, cured ones too, cost {share:.0%} of what they were lent.")
    filled = reading.count(found, "payments_taken_as_due")
    if filled:
        said.append(f"{filled:,} payments aren't told and taken as paid when due, for the balance fell.")
    untold = reading.at(found, "untold")
    if isinstance(untold, Mapping):
        said += [f"The {name.replace('_', ' ')} isn't told: {why}." for name, why in sorted(untold.items())]
    return said


def _swaps(facts: Facts) -> Table:
    found = _judged(facts, "swap_set")
    rows = [[said, *(reading.at(found, "all", cell, name) for name in CELL)] for cell, said in NAMES.items()]
    version, digest = reading.count(found, "champion", "version"), reading.digest(found, "champion", "bundle")
    learned = reading.text(found, "champion", "learned_to")[:10]
    unseen = reading.flag(found, "unseen_by_the_champion")
    when = "before" if unseen else "not only before"
    about = (
        f"Held against version {version} ({digest[:12]}), champion when this was reviewed. It learned from "
        f"decisions up to {learned}, {when} those of the {reading.text(found, 'sample')} sample. Each "
        "decides by its own cut-off; whoever is referred isn't approved."
    )
    return Table("Whom it swaps with the champion", about, ("", *_heads("")), rows)


def _heads(swap: str) -> tuple[str, ...]:
    return tuple(f"{swap}{name}" for name in ("People", "Bads", "Bad rate", "Lent", "Profit"))


def _parts(facts: Facts) -> Table:
    found = _judged(facts, "swap_set")
    rows: list[list[object]] = []
    small = []
    for kind in ("segments", "groups"):
        for cut, parts in sorted(reading.at(found, kind).items()):
            for name, cells in sorted(reading.at(parts, "parts").items()):
                swapped = (reading.at(cells, swap, one) for swap in SWAPS for one in CELL)
                rows.append([cut, name, *swapped])
            small += [f"{cut} {name}" for name in reading.texts(parts, "too_small")]
    about = (
        f"Too few people to be shown: {', '.join(small)}." if small else "No part is too small to be shown."
    )
    heads = ("Cut by", "Part", *_heads("In: "), *_heads("Out: "))
    return Table("Whom it swaps, by segment and protected group", about, heads, rows)


def _rejects(facts: Facts) -> Table:
    found = _judged(facts, "rejects")
    names = tuple(name for one in rejects.MEASURES for name in (one, f"{one}_interval"))
    rows: list[list[object]] = [
        [
            reading.text(one, "method"),
            reading.text(one, "assumes"),
            *(reading.at(one, name) for name in names),
        ]
        for one in _listed(found, "methods")
    ]
    over = {name: reading.at(found, name) for name in names if name.endswith("_interval")}
    worst = reading.mapping(found, "worst_case")
    rows.append(["over all methods", "one of these holds", *(over.get(name) for name in names)])
    rows.append(["worst case", "nothing", *(worst.get(name) for name in names)])
    lot = reading.mapping(found, "by_lot")
    if "unmeasured" not in lot:
        rows.append(["let in by lot", "what came", *(lot.get(name) for name in names)])
    heads = (
        "Method",
        "If",
        "Bad rate",
        "95 % interval",
        "Of the unlent",
        "95 % interval",
        "AUC",
        "95 % interval",
    )
    return Table("Had everybody been lent to", _judgement(found, lot), heads, rows)


def _judgement(found: Mapping[str, Any], lot: Mapping[str, Any]) -> str:
    """Say who stands behind the bounds, and what those who were let in by lot say of them."""
    lent, unlent = (reading.count(found, name) for name in ("lent", "unlent"))
    rate, predicted = (reading.number(found, name) for name in ("bad_rate_of_the_lent", "predicted"))
    said = (
        f"Since {reading.text(found, 'from')[:10]}, {lent:,} were lent to by policy, with a bad rate of "
        f"{rate:.4g}, and {unlent:,} were not. The model expects {predicted:.4g} of them all. The "
        f"reweighting stands on as much as {reading.number(found, 'effective_rows'):,.0f} loans."
    )
    if "unmeasured" in lot:
        return f"{said} Not held to a lot: {reading.text(lot, 'unmeasured')}."
    rows, bads = (reading.count(lot, name) for name in ("rows", "bads"))
    of_rate, of_area = (CAME[reading.text(lot, f"bounds_of_the_{name}")] for name in ("bad_rate", "auc"))
    return (
        f"{said} Of {rows:,} let in by lot {bads:,} went bad: their bad rate {of_rate} the methods' bounds, "
        f"their AUC {of_area} them."
    )
