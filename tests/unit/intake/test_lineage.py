"""A row tells where it came from and what became of it, each time that it was read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loanbook import digests
from loanbook.errors import QuarantineError
from loanbook.held import balance, lineage, page
from loanbook.intake import book, publishing
from loanbook.intake.snapshots import mapping_digest

HEADER = "id,person,day,amount,lat,lon\n"


def explain(office, key, table="applications"):
    return lineage.explain(office.settings, office.tiny.dataset, lambda: office.tiny.suites, table, key)


def corrected(office):
    office.tiny.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,7.00,50.5,8.5\n")
    return office.tiny.publish()


def test_a_row_names_its_file_its_hash_its_batch_and_its_mapping(office):
    (version,) = explain(office, "A4")
    stands = book.read(office.settings, "tiny")
    assert version.origin == lineage.Origin(
        file="asked.csv",
        file_digest=digests.of_file(office.tiny.data / "asked.csv"),
        file_row=5,
        batch=1,
        batch_id=stands.batches[0].id,
        day=stands.batches[0].as_of,
        mapping=mapping_digest(office.tiny.dataset),
    )
    assert version.fate == "published now"
    assert version.values["amount"] == "1004.50"
    assert version.suite == office.tiny.suites["applications"].digest


def test_every_rule_of_the_suite_has_a_verdict_on_the_row(office):
    (version,) = explain(office, "A3")
    said = {rule.rule: (rule.verdict, rule.why) for rule in version.rules}
    assert set(said) == {rule.id for rule in office.tiny.suites["applications"].rules}
    assert said["amount_positive"] == ("broken", "amount is -7.00: it must be above zero")
    assert said["customer_id_known"] == ("kept", "")
    assert said["some_rows"] == ("not judged", "it judges the table as a whole: passed")
    assert version.fate == "held by amount_positive"


def test_a_rule_on_a_column_that_is_not_given_was_not_judged(judged, staffed):
    judged.edit("applications.sql", " amount,", "")
    (version,) = explain(staffed(), "A4")
    (rule,) = [rule for rule in version.rules if rule.rule == "amount_given"]
    assert (rule.verdict, rule.why) == ("not judged", "the dataset doesn't give this column")


def test_versions_are_told_oldest_first_with_who_gave_way_to_whom(office):
    corrected(office)
    old, new = explain(office, "A3")
    assert (old.origin.batch, new.origin.batch) == (1, 2)
    assert (old.origin.file, new.origin.file) == ("asked.csv", "asked_2.csv")
    assert old.fate == f"superseded by row {new.row} of batch 2"
    assert new.fate == "published now"


def test_what_was_ruled_is_told_with_names_and_reasons(office):
    asked = office.propose("repair", amount="1003.50", because="the fax says 1,003.50")
    office.answer(asked.number, because="I have the fax")
    office.settle()
    old, new = explain(office, "A3")
    number = office.ledger.entries("quarantine-ruling")[0].seq
    words = (
        "repair by ada because “the fax says 1,003.50”, confirmed by bo because “I have the fax” "
        f"(ledger entry {number})"
    )
    assert old.ruled == (words,)
    assert old.fate == f"superseded by row {new.row} of batch 2, repaired"
    assert new.ruled == (f"this row is the {words}, of {old.row}",)
    assert (new.origin.file, new.origin.file_digest) == ("repair", None)


@pytest.mark.parametrize(
    ("action", "fate"), [("release", "published now, released"), ("reject", "held, and rejected")]
)
def test_a_released_and_a_rejected_row_say_so(office, action, fate):
    asked = office.propose(action)
    if action == "release":
        office.answer(asked.number)
    office.settle()
    (version,) = explain(office, "A3")
    assert version.fate == fate
    assert (
        lineage.of_row(office.settings, office.tiny.dataset, lambda: office.tiny.suites, version.row)
        == version
    )


def test_a_name_is_told_as_a_token_with_its_shape_and_nothing_protected_is_told(office):
    (version,) = explain(office, "C3", "customers")
    assert version.values["name"].startswith("tok_")
    assert version.values["name"].endswith(", like AAAA 9")
    assert version.values["birth_date"] == "hidden"
    assert "Name 3" not in str(version)
    assert "1953" not in str(version.values)


def test_a_key_never_seen_is_an_error_that_names_no_other_key(office):
    with pytest.raises(QuarantineError, match="no row of applications was ever read") as refusal:
        explain(office, "A3'; --")
    assert "A3" not in str(refusal.value)
    with pytest.raises(QuarantineError, match="there is no table loanz"):
        explain(office, "A3", "loanz")


@pytest.mark.parametrize("name", ["", "x", "abc-1", "0123456789ab-0", "-3"])
def test_a_name_that_is_no_row_is_told(office, name):
    with pytest.raises(QuarantineError, match=r"names no row|there is no row"):
        lineage.of_row(office.settings, office.tiny.dataset, lambda: office.tiny.suites, name)


def test_a_book_that_has_gone_on_is_told_to_be_settled(office):
    from loanbook.held import enforcing

    office.answer(office.propose("release").number)
    enforcing.bring_in(office.settings, "tiny")
    with pytest.raises(QuarantineError, match="loanbook settle"):
        explain(office, "A3")
    office.settle()
    assert explain(office, "A3")


def test_the_book_balances_batch_by_batch_and_table_by_table(office):
    second = corrected(office)
    again = "A4,C4,2020-02-05 10:00:00,1004.50,50.5,8.5\n"
    office.tiny.deliver("asked_3.csv", HEADER + again + "B1,C1,2020-03-01 09:00:00,-2.00,50.5,8.5\n")
    third = office.tiny.publish()
    found = balance.count(office.settings, "tiny")
    assert found.reconciled
    told = [(one.files, one.known, one.read, one.published, one.held, one.superseded, one.repeats)
            for one in found.batches]  # fmt: skip
    assert told == [(2, 0, 60, 59, 0, 1, 0), (1, 2, 1, 1, 0, 0, 0), (1, 3, 2, 0, 1, 0, 1)]
    assert [one.publication for one in found.batches[1:]] == [second.id, third.id]
    (table,) = [one for one in found.tables if one.table == "applications"]
    assert table.read == 43 == table.published + table.held + table.superseded + table.repeats


def test_a_row_that_is_lost_from_a_published_file_is_found(office):
    import duckdb

    path = publishing.current(office.settings, "tiny").path("applications")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM '{path}' WHERE application_id <> 'A4') TO '{path}.new' (FORMAT parquet)"
        )
    path.with_suffix(".parquet.new").replace(path)
    found = balance.count(office.settings, "tiny")
    assert not found.reconciled
    assert [one.why for one in found.tables if one.why] == ["40 rows lie in its parts, 39 in its publication"]


def test_a_book_ahead_of_its_publication_is_not_reconciled(office):
    stands = book.read(office.settings, "tiny")
    book.write(office.settings, replace(stands, batches=(*stands.batches, stands.batches[0])))
    assert not balance.count(office.settings, "tiny").reconciled


def test_the_page_lists_what_is_held_and_what_waits(office):
    asked = office.propose("release")
    path = page.write(office.settings, publishing.current(office.settings, "tiny"))
    text = path.read_text("utf-8")
    assert path == office.settings.home / "reports" / "tiny" / "quarantine.html"
    assert "amount is -7.00: it must be above zero" in text
    assert f"waits: proposal {asked.number}" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
