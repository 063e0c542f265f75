"""candidate → champion: the dossier's tables of a responder, made from the facts alone."""

from __future__ import annotations

from collections.abc import Callable

from loanbook.governance import reading
from loanbook.governance.reading import Facts
from loanbook.governance.saying import Table, ends, judged, listed, or_absent
from loanbook.governance.telling import monotone

PART = ("rows", "told", "seen", "seen_interval")
HEADS = ("Rows", "Told", "Seen", "95 % interval")
SAID = {"balance": "Balance", "pd": "Share of defaults"}
MEASURES = {
    "slope": "slope that was seen, by the dose's logarithm",
    "steepness": "slope told over the slope seen",
    "gap": "mean told over mean seen, less 1",
    "calibration": "differences seen over those told",
    "slope_calibration": "differences of slopes seen over those told",
    "ranking": "area of a ranking by slope over anybody",
}


def tables(facts: Facts) -> tuple[Table, ...]:
    """Give every table, in order."""
    made: list[Table] = [_absent("Who was drawn, and who stands aside", _aside, facts)]
    for outcome, said in SAID.items():
        made += [
            _absent(f"{said}: how it answers", lambda found, one=outcome: _answers(found, one), facts),  # type: ignore[misc]
            _absent(f"{said} by dose", lambda found, one=outcome: _parts(found, one, "dose"), facts),  # type: ignore[misc]
            _absent(f"{said} by rate", lambda found, one=outcome: _parts(found, one, "price"), facts),  # type: ignore[misc]
        ]
    later: tuple[tuple[str, Callable[[Facts], Table]], ...] = (
        ("Does a balance grow by the logarithm?", _straight),
        ("Are the trees worth it?", _second_model),
        ("Was the lot a lot?", _lot),
        ("Declared signs", monotone),
    )
    return (*made, *(_absent(title, make, facts) for title, make in later))


def _absent(title: str, make: Callable[[Facts], Table], facts: Facts) -> Table:
    return or_absent(title, make, facts)


def _aside(facts: Facts) -> Table:
    about = (
        "Only limits drawn by lot train and judge; one set by judgement is confounded with why it was set."
    )
    rows = [
        (name, reading.count(facts, "split", "outcomes", name))
        for name in sorted(reading.mapping(facts, "split", "outcomes"))
    ]
    return Table("Who was drawn, and who stands aside", about, ("Outcome", "Limits"), rows)


def _answers(facts: Facts, outcome: str) -> Table:
    found = reading.mapping(facts, "metrics", "report")
    rows = [
        (said, reading.number(found, f"{outcome}_{name}"), reading.at(found, f"{outcome}_{name}_interval"))
        for name, said in MEASURES.items()
    ]
    about = "On the report sample; whole customers are drawn again for the intervals."
    return Table(f"{SAID[outcome]}: how it answers", about, ("Measure", "Report", "95 % interval"), rows)


def _parts(facts: Facts, outcome: str, by: str) -> Table:
    found = reading.mapping(facts, "judged", "parts", outcome)
    rows = [
        [reading.number(one, "part"), *(reading.at(one, name) for name in PART)] for one in listed(found, by)
    ]
    title = f"{SAID[outcome]} by {'dose' if by == 'dose' else 'rate'}"
    return Table(title, "On the report sample, by what the lot drew.", (by.capitalize(), *HEADS), rows)


def _straight(facts: Facts) -> Table:
    found = judged(facts, "straight")
    low, high = ends(found, "diminishing_interval")
    about = (
        "Mean balances by dose less the line by the dose's logarithm that fits them best, over the mean of "
        f"all. Above the middle dose a unit adds {reading.number(found, 'diminishing'):.2f} less of what it "
        f"adds below (95 % {low:.2f} to {high:.2f}; 0 would be in proportion to the limit)."
    )
    rows = [
        (reading.number(one, "dose"), reading.number(one, "bend"), reading.at(one, "bend_interval"))
        for one in listed(found, "bends")
    ]
    return Table(
        "Does a balance grow by the logarithm?", about, ("Dose", "Off the line", "95 % interval"), rows
    )


def _second_model(facts: Facts) -> Table:
    found = reading.mapping(facts, "judged", "second_model")
    rows = []
    for outcome, said in SAID.items():
        one = reading.mapping(found, outcome)
        low, high = ends(one, "closer_interval")
        verdict = "nearer" if high < 0 else "further off" if low > 0 else "can't be told apart"
        figures = (reading.number(one, name) for name in ("trees_explain", "plain_explains", "closer"))
        rows.append((said, reading.text(one, "kind"), *figures, [low, high], verdict))
    about = (
        "Shares of the variance explained on the report, and mean squared errors of the trees less its own."
    )
    heads = ("Outcome", "Beside", "Trees", "It", "Difference", "95 % interval", "The trees are")
    return Table("Are the trees worth it?", about, heads, rows)


def _lot(facts: Facts) -> Table:
    found = judged(facts, "lot")
    low, high = ends(found, "auc_interval")
    about = (
        "Trees that try to tell from the features who was given more than the mean reach an AUC of "
        f"{reading.number(found, 'auc'):.3f} ({low:.3f} to {high:.3f}); of a lot nothing can."
    )
    doses = reading.mapping(found, "doses")
    rows = [(name, reading.count(doses, name)) for name in sorted(doses, key=float)]
    return Table("Was the lot a lot?", about, ("Drawn", "Limits"), rows)
