"""candidate → champion: the dossier's tables of an uplifter, made from the facts alone."""

from __future__ import annotations

from collections.abc import Callable

from loanbook.governance import reading
from loanbook.governance.reading import Facts
from loanbook.governance.saying import Table, ends, judged, listed, or_absent
from loanbook.governance.telling import monotone, product_mix

PART = ("offered", "controls", "told", "seen", "seen_interval")
HEADS = ("Offered", "Controls", "Told", "Seen", "95 % interval")


def tables(facts: Facts) -> tuple[Table, ...]:
    """Give every table, in order."""
    makers: tuple[tuple[str, Callable[[Facts], Table]], ...] = (
        ("Who was drawn, and who stands aside", _aside),
        ("What the offers add", _added),
        ("Are the trees worth it?", _second_model),
        ("Uplift told and seen, by band", _bands),
        ("By offer", _offers),
        ("Was the lot a lot?", _lot),
        ("Product mix from fit to report", product_mix),
        ("Declared signs", monotone),
    )
    return tuple(or_absent(title, make, facts) for title, make in makers)


def _aside(facts: Facts) -> Table:
    about = (
        "Only contacts drawn by lot, of customers who agreed to offers, train and judge; an offer sent by "
        "judgement is confounded with why it was sent."
    )
    rows = [
        (name, reading.count(facts, "split", "outcomes", name))
        for name in sorted(reading.mapping(facts, "split", "outcomes"))
    ]
    return Table("Who was drawn, and who stands aside", about, ("Outcome", "Contacts"), rows)


def _added(facts: Facts) -> Table:
    found = reading.mapping(facts, "metrics", "report")
    names = {
        "average_effect": "average effect of an offer",
        "qini": "Qini: area over anybody, ranked by uplift",
        "response_qini": "the same, ranked by response",
        "over_response": "difference of the two, drawn together",
        "calibration_gap": "mean told less mean seen",
        "calibration_slope": "seen differences over told ones",
    }
    low, high = ends(found, "over_response_interval")
    said = "is ahead of" if low > 0 else "is behind" if high < 0 else "can't be told from"
    about = (
        f"On the report, targeting by uplift {said} targeting by response. Areas are in answers per "
        "customer; each control stands for every kind of terms by its share; whole customers are drawn again."
    )
    rows = [
        (said, reading.number(found, name), reading.at(found, f"{name}_interval"))
        for name, said in names.items()
    ]
    return Table("What the offers add", about, ("Measure", "Report", "95 % interval"), rows)


def _second_model(facts: Facts) -> Table:
    found = judged(facts, "second_model")
    difference, (low, high) = reading.number(found, "difference"), ends(found, "difference_interval")
    said = "rank better" if low > 0 else "rank worse" if high < 0 else "can't be told from it"
    about = (
        f"Beside a {reading.text(found, 'kind')} on the same rows the trees {said}: their Qini less its "
        f"own is {difference:+.4f}, 95 % {low:+.4f} to {high:+.4f}. It targets nobody."
    )
    rows = [
        ("Qini of the trees", reading.number(facts, "metrics", "report", "qini")),
        ("Qini of the regression", reading.number(found, "qini")),
    ]
    return Table("Are the trees worth it?", about, ("Measure", "Report"), rows)


def _bands(facts: Facts) -> Table:
    rows = [
        [reading.text(one, "part"), *(reading.at(one, name) for name in PART)]
        for one in listed(reading.mapping(facts, "judged"), "bands")
    ]
    about = (
        "The report in bands of as many customers, the highest uplift first. Controls count by their shares."
    )
    return Table("Uplift told and seen, by band", about, ("Band", *HEADS), rows)


def _offers(facts: Facts) -> Table:
    rows = [
        [reading.text(one, "part"), *(reading.at(one, name) for name in PART)]
        for one in listed(reading.mapping(facts, "judged"), "offers")
    ]
    about = "On the report sample; every control stands against each offer."
    return Table("By offer", about, ("Offer", *HEADS), rows)


def _lot(facts: Facts) -> Table:
    found = judged(facts, "lot")
    low, high = ends(found, "auc_interval")
    about = (
        f"Trees that try to tell from the features who was a control reach an AUC of "
        f"{reading.number(found, 'auc'):.3f} ({low:.3f} to {high:.3f}); of a lot nothing can."
    )
    offers = reading.mapping(found, "offers")
    rows = [("none", reading.count(found, "controls"))]
    rows += [(name, reading.count(offers, name)) for name in sorted(offers)]
    return Table("Was the lot a lot?", about, ("Drawn", "Customers"), rows)
