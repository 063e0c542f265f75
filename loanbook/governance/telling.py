"""candidate → champion: the dossier's tables of what was judged, made from the facts alone.

A table whose facts aren't there says so in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loanbook.governance import reading
from loanbook.governance.reading import Facts, UnreadableFact

MOST = 15
COMPARED = ("auc", "auc_interval", "gini", "ks", "pr_auc", "lift_10", "brier", "calibration_slope", "ece")


@dataclass(frozen=True)
class Table:
    """A table of the page: its heads, rows, and a sentence; or the reason why it is not there."""

    title: str
    about: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    absent: str = ""


def tables(facts: Facts) -> tuple[Table, ...]:
    """Give every table, in order."""
    makers: tuple[tuple[str, Callable[[Facts], Table]], ...] = (
        ("Is the first model worth it?", _second_model),
        ("How far each measure could be off", _intervals),
        ("By segment", _segments),
        ("By quarter of decision", _vintages),
        ("How sure a single PD is", _venn_abers),
        ("Product mix from fit to report", product_mix),
        ("Would more data help?", _data_size),
        ("Declared signs", monotone),
        ("What moves the PD", _sensitivity),
        ("Under stress", _stress),
        ("Do the reasons hold?", _reasons),
        *([("How unusual, whatever was confirmed", _unusual)] if "unusual" in facts["judged"] else []),
    )
    return tuple(or_absent(title, make, facts) for title, make in makers)


def unmeasured(facts: Facts) -> list[str]:
    """Name what the facts say could not be measured, and why."""
    found = [
        f"Not measured: {name.replace('_', ' ')}: {part['unmeasured']}."
        for name, part in sorted(facts["judged"].items())
        if isinstance(part, Mapping) and "unmeasured" in part and isinstance(part["unmeasured"], str)
    ]
    mix = facts["stability"].get("mix_psi") or {}
    missing = sorted(name for name, part in mix.items() if "unmeasured" in part)
    if missing:
        found.append(f"Not measured: the mix of {', '.join(missing)}.")
    parts = facts["judged"].get("segments")
    cut = _parts(parts) if isinstance(parts, Mapping) else []
    small = sum(part["unmeasured"] is not None for part in cut)
    if small:
        figure = "an AUC" if any("auc" in part for part in cut) else "figures"
        found.append(f"Too small for {figure} of their own: {small} segment{'s' if small > 1 else ''}.")
    return found


def or_absent(title: str, make: Callable[[Facts], Table], facts: Facts) -> Table:
    """Make a table; where its facts aren't there, say so in its place."""
    try:
        return make(facts)
    except UnreadableFact as reason:
        return Table(title, "", (), (), str(reason))


def _judged(facts: Facts, name: str) -> Any:
    found = reading.at(facts, "judged", name)
    if isinstance(found, Mapping) and isinstance(found.get("unmeasured"), str):
        raise UnreadableFact(f"{name} could not be measured: {found['unmeasured']}")
    return found


def _list(found: Any, name: str) -> list[Mapping[str, Any]]:
    listed = reading.at(found, name)
    if not isinstance(listed, list | tuple) or not all(isinstance(one, Mapping) for one in listed):
        raise UnreadableFact(f"{name} is no list of facts")
    return list(listed)


def _ends(found: Any, *path: str) -> tuple[float, float]:
    ends = reading.at(found, *path)
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise UnreadableFact(f"{'.'.join(path)} is no interval")
    return reading.finite(ends[0], path[-1]), reading.finite(ends[1], path[-1])


def _second_model(facts: Facts) -> Table:
    found = _judged(facts, "second_model")
    trees, card = reading.mapping(facts, "metrics", "report"), reading.mapping(found, "metrics")
    difference = reading.number(found, "auc", "difference")
    low, high = _ends(found, "auc", "difference_interval")
    by = f"trees less scorecard {difference:+.3f} in AUC, 95 % interval {low:+.3f} to {high:+.3f}"
    if low > 0:
        said = f"The trees rank better: {by}."
    elif high < 0:
        said = f"The scorecard ranks better: {by}."
    else:
        said = f"The report sample can't tell which ranks better: {by}."
    used = reading.texts(found, "features")
    about = f"{said} Paired, on the same rows. The scorecard uses {len(used)} features and decides nothing."
    rows = [(name, trees.get(name), card.get(name)) for name in COMPARED]
    return Table("Is the first model worth it?", about, ("Measure", "Trees", "Scorecard"), rows)


def _intervals(facts: Facts) -> Table:
    found = _judged(facts, "intervals")
    measures = reading.mapping(found, "measures")
    draws, sample = reading.count(found, "draws"), reading.text(found, "sample")
    metrics = reading.mapping(facts, "metrics", sample)
    rows = [(name, metrics.get(name), ends) for name, ends in sorted(measures.items())]
    about = (
        f"{draws} draws of the {sample} sample, {_drawn(found)}. "
        "An ECE's interval lies high: every draw adds noise of its own."
    )
    return Table("How far each measure could be off", about, ("Measure", "Figure", "95 % interval"), rows)


def _drawn(found: Mapping[str, Any]) -> str:
    """Say what was drawn: rows, or the customers to whom they belong."""
    if "customers" not in found:
        return "bads among bads and goods among goods"
    return f"whole customers, {reading.count(found, 'customers'):,} of them, with all their rows"


PART = ("Rows", "Bads", "Mean PD", "Bad rate", "95 % interval", "AUC", "95 % interval", "Too few")


def _part(part: Mapping[str, Any]) -> list[object]:
    names = ("rows", "bads", "mean_pd", "bad_rate", "bad_rate_interval", "auc", "auc_interval")
    why = reading.at(part, "unmeasured")
    return [*(reading.at(part, name) for name in names), str(why).partition(",")[0] if why else None]


def _parts(segments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [part for parts in segments.values() if isinstance(parts, list | tuple) for part in parts]


def _segments(facts: Facts) -> Table:
    found = _judged(facts, "segments")
    rows = [
        [name, reading.text(part, "part"), *_part(part)]
        for name, parts in sorted(found.items())
        if isinstance(parts, list | tuple)
        for part in parts
    ]
    return Table("By segment", "On the report sample.", ("Cut by", "Part", *PART), rows)


def _vintages(facts: Facts) -> Table:
    found = _judged(facts, "vintages")
    rows = [[reading.text(part, "part"), *_part(part)] for part in _list(found, "quarters")]
    unripe = reading.texts(found, "unripe")
    about = f"Not wholly ripe, so without a figure: {', '.join(unripe)}." if unripe else "All are ripe."
    return Table("By quarter of decision", about, ("Quarter", *PART), rows)


def _venn_abers(facts: Facts) -> Table:
    found = _judged(facts, "venn_abers")
    names = ("rows", "mean_pd", "lower", "upper", "bad_rate")
    rows = [[reading.number(band, name) for name in names] for band in _list(found, "bands")]
    learned = reading.count(found, "learned_on")
    mean, most = reading.number(found, "mean_width"), reading.number(found, "width_90")
    straddling = reading.number(found, "over_the_cut_off")
    about = (
        f"Venn-Abers bounds of each PD, learned on {learned:,} loans of the calibration sample: {mean:.3f} "
        f"wide on average, nine in ten under {most:.3f}. For {straddling:.1%} of the report sample they "
        "lie on either side of the cut-off."
    )
    return Table("How sure a single PD is", about, ("Rows", "PD", "Lower", "Upper", "Bad rate"), rows)


def product_mix(facts: Facts) -> Table:
    """Tell how the mix moved."""
    found = reading.mapping(facts, "stability", "mix_psi")
    rows = [
        (name, part.get("psi"), part.get("by_chance"), part.get("unmeasured"))
        for name, part in sorted(found.items())
    ]
    about = "By chance alone one sample in twenty of this size moves further than what stands there."
    return Table(
        "Product mix from fit to report", about, ("Mix of", "PSI", "By chance", "Not measured"), rows
    )


def _data_size(facts: Facts) -> Table:
    found = _judged(facts, "data_size")
    rows = [
        (
            reading.number(point, "part"),
            reading.count(point, "rows"),
            reading.count(point, "bads"),
            *(point.get(name) for name in ("auc", "auc_interval", "unmeasured")),
        )
        for point in _list(found, "points")
    ]
    stopped = ", by which each part's rounds were stopped too"
    about = (
        "The same recipe, learned from part of the fit sample, judged on the "
        f"{reading.text(found, 'sample')} sample{stopped * reading.flag(found, 'stopped_by_it')}."
    )
    heads = ("Part", "Rows", "Bads", "AUC", "95 % interval", "Not measured")
    return Table("Would more data help?", about, heads, rows)


def monotone(facts: Facts) -> Table:
    """Tell which declared signs were walked, and how they were held."""
    found = reading.mapping(_judged(facts, "monotone"), "features")
    rows = [
        [
            name,
            "rises" if reading.number(one, "sign") > 0 else "falls",
            reading.count(one, "values"),
            reading.count(one, "rows"),
            reading.number(one, "against"),
        ]
        for name, one in sorted(found.items())
    ]
    about = (
        "Each feature was walked over every value at which the trees can turn, on rows as they were and with "
        "other features missing."
    )
    return Table("Declared signs", about, ("Feature", "PD", "Values", "Rows", "Worst step against"), rows)


def _sensitivity(facts: Facts) -> Table:
    found = _judged(facts, "sensitivity")
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


def _stress(facts: Facts) -> Table:
    found = _judged(facts, "stress")
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
        for move in _list(found, "moves")
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


def _reasons(facts: Facts) -> Table:
    found = _judged(facts, "reasons")
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


def _unusual(facts: Facts) -> Table:
    found = _judged(facts, "unusual")
    low, high = _ends(found, "auc_interval")
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
