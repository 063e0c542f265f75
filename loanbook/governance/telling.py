"""candidate → champion: the dossier's tables of what was judged, made from the facts alone.

A table whose facts aren't there says so in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loanbook.governance import reading, telling_moves
from loanbook.governance.reading import Facts
from loanbook.governance.saying import Table, ends, judged, listed, or_absent

COMPARED = ("auc", "auc_interval", "gini", "ks", "pr_auc", "lift_10", "brier", "calibration_slope", "ece")


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
        ("What moves the PD", telling_moves.sensitivity),
        ("Under stress", telling_moves.stress),
        ("Do the reasons hold?", telling_moves.reasons),
        *(
            [("How unusual, whatever was confirmed", telling_moves.unusual)]
            if "unusual" in facts["judged"]
            else []
        ),
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
    small = sum(part["auc" if "auc" in part else "median_ape"] is None for part in cut)
    if small:
        figure = "an AUC" if any("auc" in part for part in cut) else "figures"
        found.append(f"Too small for {figure} of their own: {small} segment{'s' if small > 1 else ''}.")
    return found


def _second_model(facts: Facts) -> Table:
    found = judged(facts, "second_model")
    trees, card = reading.mapping(facts, "metrics", "report"), reading.mapping(found, "metrics")
    difference = reading.number(found, "auc", "difference")
    low, high = ends(found, "auc", "difference_interval")
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
    found = judged(facts, "intervals")
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
    found = judged(facts, "segments")
    rows = [
        [name, reading.text(part, "part"), *_part(part)]
        for name, parts in sorted(found.items())
        if isinstance(parts, list | tuple)
        for part in parts
    ]
    return Table("By segment", "On the report sample.", ("Cut by", "Part", *PART), rows)


def _vintages(facts: Facts) -> Table:
    found = judged(facts, "vintages")
    rows = [[reading.text(part, "part"), *_part(part)] for part in listed(found, "quarters")]
    unripe = reading.texts(found, "unripe")
    about = f"Not wholly ripe, so without a figure: {', '.join(unripe)}." if unripe else "All are ripe."
    return Table("By quarter of decision", about, ("Quarter", *PART), rows)


def _venn_abers(facts: Facts) -> Table:
    found = judged(facts, "venn_abers")
    names = ("rows", "mean_pd", "lower", "upper", "bad_rate")
    rows = [[reading.number(band, name) for name in names] for band in listed(found, "bands")]
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
    found = judged(facts, "data_size")
    rows = [
        (
            reading.number(point, "part"),
            reading.count(point, "rows"),
            reading.count(point, "bads"),
            *(point.get(name) for name in ("auc", "auc_interval", "unmeasured")),
        )
        for point in listed(found, "points")
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
    found = reading.mapping(judged(facts, "monotone"), "features")
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
