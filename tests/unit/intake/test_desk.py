"""Held rows are listed, and what becomes of them is signed by two, entered, and done to the book."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime

import pytest

from loanbook.errors import QuarantineError, SelfApprovalError, SignatureError
from loanbook.governance.rulings import Decision
from loanbook.held import desk, enforcing
from loanbook.held.desk import Wanted
from loanbook.intake import book, publishing, snapshots
from loanbook.intake.book import Ruling
from loanbook.privacy import vault

NOW = datetime(2026, 11, 23, 9, 30)
CANARY = "Zebulon Quartermaine"
SINCE = {"event_at": "2020-01-01 08:00:00", "available_at": "2020-01-01 08:00:00"}


def test_a_held_row_is_listed_with_rule_reason_file_row_and_batch(office):
    listing = desk.listed(office.settings, "tiny", Wanted(), 20)
    (row,) = listing.rows
    assert (row.table, row.key, row.rule, row.batch, row.file, row.file_row) == (
        "applications", "A3", "amount_positive", 1, "asked.csv", 4,
    )  # fmt: skip
    assert row.reason == "amount is -7.00: it must be above zero"
    assert [(count.rule, count.rows) for count in listing.counts] == [("amount_positive", 1)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"table": "applications"}, 1),
        ({"table": "customers"}, 0),
        ({"rule": "amount_positive"}, 1),
        ({"rule": "place_inside"}, 0),
        ({"batch": 1}, 1),
        ({"batch": 2}, 0),
    ],
)
def test_held_rows_are_found_by_table_rule_and_batch(office, wanted, found):
    assert len(office.rows(**wanted)) == found


def test_the_newest_batch_comes_first_and_what_is_left_out_is_counted(office):
    bad = "".join(f"B{n},C1,2020-03-01 09:00:00,-1.00,50.5,8.5\n" for n in range(3))
    office.tiny.deliver("asked_2.csv", "id,person,day,amount,lat,lon\n" + bad)
    office.tiny.publish()
    listing = desk.listed(office.settings, "tiny", Wanted(), 2)
    assert [row.key for row in listing.rows] == ["B0", "B1"]
    assert (listing.total, listing.rest) == (4, 2)


def test_a_reason_does_not_tell_what_is_protected(judged, suites, staffed):
    judged.suites = suites
    judged.spoil("people.csv", "C3,1953-03-04", "C3,1853-03-04")
    judged.edit("dataset.toml", 'born = "VARCHAR"', 'born = "DATE"')
    (row,) = [row for row in staffed().rows() if row.rule == "age_plausible"]
    assert row.reason.startswith("birth_date is hidden: a borrower is between")


def test_two_people_release_a_row_and_it_is_published(office):
    asked = office.propose("release")
    office.answer(asked.number)
    publication = office.settle()
    assert office.standing()["A3"] == "-7.00"
    assert publication.table("applications").held.rows == 0
    assert [entry.kind for entry in office.ledger.entries()][-2:] == [
        "quarantine-proposal",
        "quarantine-ruling",
    ]


def test_until_the_second_person_has_spoken_nothing_changes(office):
    before = publishing.current(office.settings, "tiny")
    asked = office.propose("release")
    assert office.settle() == before
    assert [one.number for one in enforcing.waiting(office.settings, "tiny")] == [asked.number]


def test_who_proposed_can_not_confirm(office):
    asked = office.propose("release")
    with pytest.raises(SelfApprovalError, match="ada proposed this and can't answer it"):
        office.answer(asked.number, who="ada")
    assert not office.ledger.entries("quarantine-ruling")


@pytest.mark.parametrize("move", ["propose", "answer"])
def test_who_is_no_steward_can_neither_propose_nor_answer(office, move):
    asked = office.propose("release").number if move == "answer" else "release"
    with pytest.raises(SignatureError, match=r"erin is engineer.*It takes a steward"):
        getattr(office, move)(asked, who="erin")


def test_a_refused_proposal_changes_nothing_and_can_be_made_again(office):
    asked = office.propose("release")
    office.answer(asked.number, "refuse", because="I called them: it is wrong")
    assert office.settle().table("applications").held.rows == 1
    with pytest.raises(QuarantineError, match="bo has answered it: refusal"):
        office.answer(asked.number)
    office.answer(office.propose("release").number)
    assert office.settle().table("applications").held.rows == 0


def test_one_person_rejects_a_row_and_it_stays_held(office):
    office.propose("reject")
    publication = office.settle()
    assert publication.table("applications").held.rows == 1
    assert office.rows() == ()
    assert [row.ruling for row in office.rows(rejected=True)] == ["rejected"]


def test_a_rejection_can_be_thought_over_by_two(office):
    office.propose("reject")
    office.settle()
    names = [row.row for row in office.rows(rejected=True)]
    office.answer(office.propose("release", names).number)
    assert office.settle().table("applications").held.rows == 0
    assert [ruling.action for ruling in book.read(office.settings, "tiny").rulings] == ["release"]


def test_a_repaired_row_stands_and_the_broken_one_gives_way(office):
    office.answer(office.propose("repair", amount="1003.50").number)
    publication = office.settle()
    table = publication.table("applications")
    assert office.standing()["A3"] == "1003.50"
    assert (table.read, table.published.rows, table.held.rows, table.superseded.rows) == (41, 40, 0, 1)
    assert publication.as_of == publishing.current(office.settings, "tiny").as_of


def test_a_repair_that_still_breaks_a_rule_is_refused_and_named(office):
    with pytest.raises(QuarantineError, match="still breaks amount_positive: it must be above zero"):
        office.propose("repair", amount="-8.00")
    with pytest.raises(QuarantineError, match="still breaks customer_id_known"):
        office.propose("repair", amount="8.00", customer_id="C99")
    assert not list((office.settings.home / "lake/tiny/catalog/repairs").glob("*"))
    assert not office.ledger.entries("quarantine-proposal")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": "much"}, r"the value of amount is no DECIMAL"),
        ({"amuont": "5"}, "no column 'amuont'"),
        ({"free_text": "x"}, "no column 'free_text'"),
        ({}, "a repair sets values"),
    ],
)
def test_a_repair_of_what_is_not_there_or_can_not_be_read_is_refused(office, given, said):
    with pytest.raises(QuarantineError, match=said) as refusal:
        office.propose("repair", **given)
    assert "much" not in str(refusal.value)


@pytest.mark.parametrize("spoilt", [",C5,2020-02-06 10:00:00", "A5,C5,soon"])
def test_what_has_no_key_or_could_not_be_read_is_never_released(judged, suites, staffed, spoilt):
    judged.suites = suites
    judged.spoil("asked.csv", "A5,C5,2020-02-06 10:00:00", spoilt)
    office = staffed()
    with pytest.raises(QuarantineError, match="can't be released"):
        office.propose("release")


def test_a_repair_must_say_what_could_not_be_read(judged, staffed):
    judged.edit("dataset.toml", ', amount = "DECIMAL(18,2)"', "")
    judged.spoil("asked.csv", "1003.50", "plenty")
    office = staffed()
    with pytest.raises(QuarantineError, match="amount couldn't be read"):
        office.propose("repair", lat="50.6")
    office.answer(office.propose("repair", amount="12.00").number)
    office.settle()
    assert office.standing()["A3"] == "12.00"


def test_a_row_that_waits_is_not_proposed_twice(office):
    first = office.propose("release")
    with pytest.raises(QuarantineError, match=rf"waits for a second person already.*{first.number}"):
        office.propose("reject")


def test_a_row_that_is_not_held_is_no_matter_for_the_desk(office):
    (row,) = office.rows()
    other = f"{row.row.partition('-')[0]}-0"
    with pytest.raises(QuarantineError, match="not held: "):
        office.propose("release", [other])


def test_a_proposal_lapses_when_its_rows_are_read_anew(office):
    asked = office.propose("release")
    office.tiny.edit("applications.sql", "amount,", "amount * 2 AS amount,")
    office.tiny.publish()
    with pytest.raises(QuarantineError, match="read anew since this was proposed"):
        office.answer(asked.number)


def test_a_repair_that_gives_the_very_rows_of_another_is_refused(judged, staffed):
    judged.spoil("asked.csv", "A4,C4,2020-02-05 10:00:00,1004.50", "A3,C3,2020-02-04 10:00:00,-7.00")
    judged.spoil("asked.csv", "1003.50", "-7.00")
    office = staffed()
    first, second = [row.row for row in office.rows()]
    office.answer(office.propose("repair", [first], amount="5.00").number)
    with pytest.raises(QuarantineError, match="these very rows stand already: repair by ada"):
        office.propose("repair", [second], amount="5.00")
    office.settle()
    assert office.standing()["A3"] == "5.00"


def test_lost_rows_of_a_repair_leave_the_broken_row_held_and_stop_nothing(office):
    from loanbook.held import repairs

    asked = office.propose("repair", amount="1003.50")
    office.answer(asked.number)
    repairs.clear(office.settings, "tiny", asked.proposal.values)
    assert office.settle().table("applications").held.rows == 1
    office.answer(office.propose("repair", amount="1003.49").number)
    assert office.settle().table("applications").held.rows == 0


def test_a_repair_outlives_another_mapping(office):
    office.answer(office.propose("repair", amount="1003.50").number)
    office.settle()
    office.tiny.edit("applications.sql", "amount,", "amount * 2 AS amount,")
    publication = office.tiny.publish()
    enforcing.hold(office.settings, book.read(office.settings, "tiny"))
    assert office.standing()["A3"] == "1003.50"
    assert office.standing()["A4"] == "2009.00"
    assert publication.table("applications").held.rows == 0


def test_a_process_killed_between_ledger_and_book_is_finished_by_the_next(office):
    asked = office.propose("repair", amount="1003.50")
    office.answer(asked.number)
    assert not book.read(office.settings, "tiny").rulings
    office.answer(asked.number)
    first = enforcing.bring_in(office.settings, "tiny")
    assert enforcing.bring_in(office.settings, "tiny") == first
    assert [ruling.action for ruling in first.rulings] == ["repair"]
    assert len(first.batches) == 2
    assert len(office.ledger.entries("quarantine-ruling")) == 1


def test_a_ruling_taken_out_of_the_book_comes_back(office):
    office.propose("reject")
    stands = enforcing.bring_in(office.settings, "tiny")
    book.write(office.settings, replace(stands, rulings=()))
    assert enforcing.bring_in(office.settings, "tiny").rulings == stands.rulings


def test_a_ruling_that_the_ledger_does_not_know_is_refused(office):
    (row,) = office.rows()
    stands = book.read(office.settings, "tiny")
    book.write(office.settings, replace(stands, rulings=(Ruling(row.row, row.table, "release", "ab" * 32),)))
    with pytest.raises(QuarantineError, match="rulings that the ledger doesn't know"):
        office.settle()


def test_a_rejection_can_not_be_turned_into_a_release_in_the_book(office):
    office.propose("reject")
    stands = enforcing.bring_in(office.settings, "tiny")
    (ruling,) = stands.rulings
    book.write(office.settings, replace(stands, rulings=(replace(ruling, action="release"),)))
    with pytest.raises(QuarantineError, match="doesn't know"):
        office.settle()


def test_an_entry_that_one_person_made_alone_releases_nothing(office):
    office.propose("release")
    envelope = office.ledger.entries("quarantine-proposal")[0].body["envelope"]
    body = {"dataset": "tiny", "proposal": None, "envelope": envelope}
    office.ledger.append("quarantine-ruling", "ada", body, NOW)
    with pytest.raises(SignatureError, match="one person alone can't release a row"):
        office.settle()


def test_a_confirmation_is_of_one_proposal_alone(office):
    from loanbook.governance.rulings import Answer

    asked = office.propose("release")
    said = Answer("cd" * 32, Decision.CONFIRM, "yes", "local", "bo", "steward", NOW)
    body = {"dataset": "tiny", "proposal": asked.entry, "envelope": office.pen("bo").seal(said)}
    office.ledger.append("quarantine-ruling", "bo", body, NOW)
    with pytest.raises(SignatureError, match="confirms another proposal"):
        office.settle()


def test_a_repair_whose_rows_were_altered_is_refused(office):
    office.answer(office.propose("repair", amount="1003.50").number)
    office.settle()
    stands = book.read(office.settings, "tiny")
    (part,) = stands.batches[-1].parts
    path = book.part_path(office.settings, "tiny", part)
    other = book.part_path(office.settings, "tiny", stands.batches[0].part("applications"))
    shutil.copy(other, path)
    with pytest.raises(QuarantineError, match="no repair that two people signed"):
        enforcing.hold(office.settings, stands)


def test_what_was_believed_on_an_earlier_day_has_the_repair_with_its_row(office):
    office.tiny.deliver(
        "asked_2.csv", "id,person,day,amount,lat,lon\nB1,C1,2020-05-01 09:00:00,70.00,50.5,8.5\n"
    )
    office.tiny.publish()
    office.answer(office.propose("repair", amount="1003.50").number)
    office.settle()
    stands = book.read(office.settings, "tiny")
    early = stands.until(datetime(2020, 4, 1))
    assert [len(batch.files) for batch in early.batches] == [2, 0]
    assert snapshots.reading_of(office.settings, stands, before="").as_of.month == 5


def test_a_repaired_name_is_a_token_everywhere_and_plain_in_the_vault_alone(nameless):
    office = nameless
    before = vault.plain(office.settings, "tiny", "C4")
    asked = office.propose("repair", name=CANARY, **SINCE)
    assert asked.proposal.columns == ("name", "event_at", "available_at")
    office.answer(asked.number, name=CANARY)
    office.settle()
    assert office.standing("customers", "name")["C3"].startswith("tok_")
    assert vault.plain(office.settings, "tiny", "C3")["name"] == CANARY
    assert vault.plain(office.settings, "tiny", "C4") == before
    held = [path for path in office.tiny.root.rglob("*") if path.is_file()]
    assert len(held) > 20
    for path in held:
        assert CANARY.encode() not in path.read_bytes(), path


def test_the_second_person_gives_a_hidden_value_again_and_it_must_be_the_same(nameless):
    asked = nameless.propose("repair", name=CANARY, **SINCE)
    with pytest.raises(QuarantineError, match="the second person gives name again"):
        nameless.answer(asked.number)
    with pytest.raises(QuarantineError, match="what you gave for name is not what was proposed") as refusal:
        nameless.answer(asked.number, name="Zebulon Quatermain")
    assert "Zebulon" not in str(refusal.value)
    assert vault.plain(nameless.settings, "tiny", "C3")["name"] != CANARY
    assert not nameless.ledger.entries("quarantine-ruling")


def test_a_repair_keeps_the_other_values_that_the_vault_has_of_a_customer(nameless):
    import pyarrow as pa

    office = nameless
    known = pa.RecordBatch.from_pylist([{"customer_id": "C3", "name": "old", "phone": "+49 1"}])
    vault.keep(office.settings, "tiny", [known])
    office.answer(office.propose("repair", name=CANARY, **SINCE).number, name=CANARY)
    assert vault.plain(office.settings, "tiny", "C3") == {"name": CANARY, "phone": "+49 1"}


def test_no_ledger_entry_holds_a_value(nameless):
    nameless.answer(nameless.propose("repair", name=CANARY, **SINCE).number, name=CANARY)
    told = json.dumps([dict(entry.body) for entry in nameless.ledger.entries()])
    assert "Zebulon" not in told
