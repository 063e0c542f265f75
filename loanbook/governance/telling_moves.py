"""candidate → champion: the dossier's tables of what moves a PD, and of what is said of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loanbook.governance import reading
from loanbook.governance.reading import Facts
from loanbook.governance.saying import Table, ends, judged, listed

MOST = 15


def sensitivity(facts: Facts) -> Table:
    """Tell what moves the mean PD most."""
    found = judged(facts, "sensitivity")
    features = reading.mapping(found, "features")
    weight = {
        name: max(abs(reading.number(one, way)) for way in ("up", "down")) for name, one in features.items()
    }
    names = ("deviation", "up", "up_interval", "down", "down_interval")
    rows = [
        [name, *(reading.at(features[name], part) for part in names)]
        for name in sorted(features, key=lambda one: (-weight[one], one))[:MOST]
    ]
    left = reading.texts(found, "unmeasured")
    about = (
        f"Change of the mean PD over {reading.count(found, 'rows')} loans when one feature moves a standard "
        f"deviation, the rest standing still: the {len(rows)} that move it most, of {len(features)}."
        + (f" Categories have no such move: {', '.join(left)}." if left else "")
    )
    heads = ("Feature", "Deviation", "Up", "95 % interval", "Down", "95 % interval")
    return Table("What moves the PD", about, heads, rows)


def stress(facts: Facts) -> Table:
    """Tell what each stated move would do."""
    found = judged(facts, "stress")
    parts = (
        "expected", "change", "change_interval", "approved_expected", "approved_change_interval",
        "approval_before", "approval_after",
    )  # fmt: skip
    rows = [
        [
            f"{reading.text(move, 'move')}: {reading.text(move, 'about')}",
            *(move.get(part) for part in parts),
            _left(move),
        ]
        for move in listed(found, "moves")
    ]
    about = (
        f"Bad rates that the model expects of {reading.count(found, 'rows')} loans of the report sample, "
        f"{reading.number(found, 'expected'):.4g} before any move. Figures, not gates: who was approved, is "
        "who was before the move."
    )
    heads = (
        "Move", "Bad rate", "Change", "95 % interval", "Of the approved", "Change, 95 %", "Approved before",
        "After", "Not moved",
    )  # fmt: skip
    return Table("Under stress", about, heads, rows)


def reasons(facts: Facts) -> Table:
    """Tell whether the reasons hold."""
    found = judged(facts, "reasons")
    codes, noise, mended = (reading.mapping(found, name) for name in ("codes", "noise", "mended"))
    about = (
        f"{reading.count(found, 'rows')} of the {reading.text(found, 'sample')} sample who weren't approved, "
        f"{reading.count(found, 'without_a_reason')} of them without a reason. With every number blurred by "
        f"{reading.number(noise, 'deviations'):.0%} of its deviation, "
        f"{reading.number(noise, 'first_kept'):.1%} keep their first reason and "
        f"{reading.number(noise, 'all_kept'):.1%} keep all. Given what the approved near the cut-off have "
        f"of the first reason alone, {reading.number(mended, 'lowered'):.1%} get a lower PD and "
        f"{reading.number(mended, 'approved_then'):.1%} would be approved."
    )
    rows = sorted(
        ((code, reading.count(one, "first"), reading.count(one, "cited")) for code, one in codes.items()),
        key=lambda row: (-row[1], -row[2], row[0]),
    )
    return Table("Do the reasons hold?", about, ("Reason", "Comes first", "Is cited"), rows)


def unusual(facts: Facts) -> Table:
    """Tell of the score that saw no outcome."""
    found = judged(facts, "unusual")
    low, high = ends(found, "auc_interval")
    share, rows = reading.number(found, "share"), reading.count(found, "rows")
    unseen = reading.count(found, "unseen_by_pd")
    about = (
        "A second score that saw no outcome: how far out a row stands in "
        f"{len(reading.texts(found, 'features'))} features, by the tails of the fit sample. Of the report "
        f"sample {rows:,} rows stand in its top {share:.0%}, {unseen:,} of them outside the PD's. It decides "
        "nothing."
    )
    named = [
        ("AUC against the outcome", reading.number(found, "auc")),
        ("95 % interval", (low, high)),
        ("Bads in its top", reading.number(found, "bads_found")),
        ("Bads in the PD's top", reading.number(found, "bads_found_by_pd")),
    ]
    return Table("How unusual, whatever was confirmed", about, ("Measure", "Figure"), named)


def _left(move: Mapping[str, Any]) -> str | None:
    if isinstance(move.get("unmeasured"), str):
        return str(move["unmeasured"])
    return ", ".join(reading.texts(move, "left_as_it_is")) or None
