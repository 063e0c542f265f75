"""A delivery is held to what its sources looked like before, across deliveries."""

from __future__ import annotations

import pytest

from loanbook.errors import DriftedSource, StorageError
from loanbook.intake import book, snapshots
from loanbook.intake.drift import kept


def asked(prefix: str, times: int = 1) -> str:
    """Write two thousand applications, their amounts in another unit."""
    rows = [
        f"{prefix}{n},C{n % 7},2020-02-0{1 + n % 9} 10:00:00,{(1000 + n) * times}.50,50.5,8.5"
        for n in range(2_000)
    ]
    return "\n".join(["id,person,day,amount,lat,lon", *rows]) + "\n"


@pytest.fixture
def begun(tiny):
    """A tiny lender whose first delivery is in the book, with what its sources looked like."""
    tiny.deliver("asked.csv", asked("A"))
    enter(tiny, kept.look(tiny.settings, tiny.dataset, tiny.survey()))
    return tiny


def enter(tiny, look):
    reading = tiny.freeze()
    kept.keep(tiny.settings, "tiny", reading.book.batches[-1].id, look.past)
    book.write(tiny.settings, reading.book)


def seen(tiny, accepted=()):
    return kept.look(tiny.settings, tiny.dataset, tiny.survey(), accepted)


def test_a_first_delivery_has_nothing_to_differ_from(tiny):
    assert seen(tiny).drifts == ()


def test_more_of_the_same_is_no_drift(begun):
    begun.deliver("asked_2.csv", asked("B"))
    assert [drift for drift in seen(begun).drifts if drift.severity == "stop"] == []


def test_a_unit_that_changed_stops_the_batch_and_proposes_what_would_mend_it(begun):
    begun.deliver("asked_2.csv", asked("B", 100))
    with pytest.raises(DriftedSource, match=r"'amount' \(unit\).*--accept-drift asked\.amount\.unit.*/ 100"):
        seen(begun)


def test_a_change_that_somebody_took_is_the_past_of_the_next_delivery(begun):
    begun.deliver("asked_2.csv", asked("B", 100))
    look = seen(begun, ["asked.amount.unit"])
    assert [drift.id for drift in look.accepted] == ["asked.amount.unit"]
    enter(begun, look)
    begun.deliver("asked_3.csv", asked("D", 100))
    assert [drift for drift in seen(begun).drifts if drift.severity == "stop"] == []


def test_a_past_that_was_lost_is_looked_at_again_while_its_files_are_there(begun):
    (begun.settings.home / "lake" / "tiny" / "catalog" / "profiles").rename(begun.root / "lost")
    begun.deliver("asked_2.csv", asked("B", 100))
    with pytest.raises(DriftedSource, match=r"asked\.amount\.unit"):
        seen(begun)
    (begun.data / "asked.csv").unlink()
    with pytest.raises(StorageError, match="what the sources looked like before is lost"):
        seen(begun)


def test_nothing_new_is_no_drift(begun):
    assert seen(begun).drifts == ()
    assert snapshots.expected(begun.settings, begun.dataset, begun.survey()) == tuple(
        batch.id for batch in book.read(begun.settings, "tiny").batches
    )
