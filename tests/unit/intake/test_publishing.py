"""All tables are published at once or not at all, and every row that was read is in one of two places."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from loanbook.errors import BatchBlocked, StorageError
from loanbook.intake import publishing
from loanbook.lake import Lake


@pytest.fixture
def spoilt(judged):
    """A tiny lender with one broken customer and three broken applications."""
    judged.spoil("people.csv", "1953-03-04", "1987-02-31")
    judged.spoil("asked.csv", "1000.50", "-1.00")
    judged.spoil("asked.csv", "A2,C2", "A1,C2")
    judged.spoil("asked.csv", "A5,C5", "A5,C99")
    return judged


def test_every_row_is_published_or_held(spoilt):
    publication = spoilt.publish()
    for table in publication.tables:
        published = spoilt.rows(f"SELECT count(*) FROM '{publication.path(table.table)}'")[0][0]
        held = spoilt.rows(f"SELECT count(*) FROM '{publication.held_path(table.table)}'")[0][0]
        assert (published, held) == (table.published.rows, table.held.rows)
        assert table.read == published + held
    assert publication.table("applications").reasons == {
        "amount_positive": 1,
        "application_id_once": 1,
        "customer_id_known": 1,
    }
    assert publication.table("loans") is None
    assert "loans" in publication.missing


def test_a_held_row_says_which_rule_and_why_and_where_it_came_from(spoilt):
    path = spoilt.publish().held_path("applications")
    rows = spoilt.rows(f"SELECT rule, reason, _file, _row, rules, severity FROM '{path}' ORDER BY _row")
    assert rows == [
        (
            "amount_positive",
            "amount is -1.00: it must be above zero",
            "asked.csv",
            1,
            ["amount_positive"],
            "warning",
        ),
        (
            "application_id_once",
            "application_id is A1: a row with this key came before",
            "asked.csv",
            3,
            ["application_id_once"],
            "warning",
        ),
        (
            "customer_id_known",
            "customer_id is C99: customers has no such row",
            "asked.csv",
            6,
            ["customer_id_known"],
            "warning",
        ),
    ]
    path = spoilt.publish().held_path("customers")
    assert spoilt.rows(f"SELECT reason, _broken FROM '{path}'") == [
        ("_broken is birth_date like 9999-99-99: it can't be read as declared", "birth_date like 9999-99-99")
    ]


def test_published_rows_have_the_schema_s_columns_in_the_order_in_which_they_were_known(spoilt):
    from loanbook.schema import TABLES

    path = spoilt.publish().path("applications")
    assert tuple(row[0] for row in spoilt.rows(f"DESCRIBE FROM '{path}'")) == TABLES["applications"].names
    rows = spoilt.rows(f"SELECT available_at, application_id FROM '{path}'")
    assert rows == sorted(rows)


def test_the_first_of_two_rows_with_one_key_is_published(spoilt):
    path = spoilt.publish().path("applications")
    assert spoilt.rows(f"SELECT amount::VARCHAR FROM '{path}' WHERE application_id = 'A1'") == [("1001.50",)]


def test_a_second_run_publishes_the_same_and_writes_nothing(spoilt):
    first = spoilt.publish()
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    assert spoilt.publish() == first
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before
    assert publishing.current(spoilt.settings, "tiny", verify=True) == first


def test_the_same_delivery_has_the_same_id_in_another_home(spoilt, tmp_path):
    first = spoilt.publish()
    (spoilt.root / "home").rename(tmp_path / "old")
    assert spoilt.publish().id == first.id


def test_another_delivery_is_another_publication_and_the_old_one_stays(spoilt):
    first = spoilt.publish()
    spoilt.spoil("asked.csv", "1003.50", "1003.51")
    second = spoilt.publish()
    assert second.id != first.id
    assert publishing.current(spoilt.settings, "tiny") == second
    assert publishing.open_publication(spoilt.settings, "tiny", first.id, verify=True) == first


def test_a_table_of_which_too_much_is_broken_blocks_the_batch_by_table_rule_and_numbers(judged):
    text = (judged.data / "asked.csv").read_text()
    judged.deliver("asked.csv", text.replace(",10", ",-10"))
    with pytest.raises(BatchBlocked, match=r"applications: few_held .* 40 rows"):
        judged.publish()
    assert not list(Lake(judged.settings.home).published("tiny").glob("*/manifest.json"))
    with pytest.raises(StorageError, match="nothing of tiny is published"):
        publishing.current(judged.settings, "tiny")


def test_an_empty_table_blocks_the_batch(judged):
    judged.edit("applications.sql", "FROM raw.asked;", "FROM raw.asked WHERE amount < 0;")
    with pytest.raises(BatchBlocked, match="applications: some_rows"):
        judged.publish()


def test_a_blocked_batch_leaves_the_current_publication_alone(judged):
    first = judged.publish()
    text = (judged.data / "asked.csv").read_text()
    judged.deliver("asked.csv", text.replace(",10", ",-10"))
    with pytest.raises(BatchBlocked):
        judged.publish()
    assert publishing.current(judged.settings, "tiny", verify=True) == first


def test_a_table_that_nobody_judged_is_not_published(judged):
    reading, verdicts = judged.freeze(), judged.judge()
    with pytest.raises(BatchBlocked, match="applications has no verdict on this snapshot"):
        publishing.publish(judged.settings, judged.dataset, reading, judged.suites, verdicts[:1])


def test_a_verdict_by_another_suite_is_not_published(judged):
    reading, verdicts = judged.freeze(), judged.judge()
    forged = tuple(replace(verdict, suite_digest="0" * 64) for verdict in verdicts)
    with pytest.raises(BatchBlocked, match="no verdict on this snapshot by this suite"):
        publishing.publish(judged.settings, judged.dataset, reading, judged.suites, forged)


def test_a_verdict_that_says_other_numbers_than_its_rows_blocks_the_batch(spoilt):
    reading, verdicts = spoilt.freeze(), spoilt.judge()
    forged = tuple(replace(verdict, held=verdict.held + 1) for verdict in verdicts)
    with pytest.raises(
        BatchBlocked,
        match="out of balance: 20 read, 19 to publish, 1 held, 0 superseded; 2 held by the verdict",
    ):
        publishing.publish(spoilt.settings, spoilt.dataset, reading, spoilt.suites, forged)
    assert not list(Lake(spoilt.settings.home).published("tiny").glob(".*.draft"))


def test_a_list_of_broken_rows_that_was_altered_blocks_the_batch(spoilt):
    reading, verdicts = spoilt.freeze(), spoilt.judge()
    catalog = Lake(spoilt.settings.home).catalog("tiny") / "verdicts"
    (catalog / verdicts[0].breaches).write_bytes((catalog / verdicts[1].breaches).read_bytes())
    with pytest.raises(
        BatchBlocked, match="the list of broken rows of customers is not the one that was judged"
    ):
        publishing.publish(spoilt.settings, spoilt.dataset, reading, spoilt.suites, verdicts)
    assert spoilt.publish().table("customers").held.rows == 1


@pytest.mark.parametrize("name", ["applications.parquet", "customers.parquet"])
def test_an_altered_publication_is_found_out_and_mended_by_a_second_run(spoilt, name):
    first = spoilt.publish()
    (first.folder / name).write_bytes(b"other")
    with pytest.raises(StorageError, match="not the one that was published"):
        publishing.current(spoilt.settings, "tiny", verify=True)
    assert spoilt.publish() == first
    assert publishing.current(spoilt.settings, "tiny", verify=True) == first


def test_an_altered_quarantine_is_found_out(spoilt):
    first = spoilt.publish()
    first.held_path("customers").unlink()
    with pytest.raises(StorageError, match="not the one that was published"):
        publishing.open_publication(spoilt.settings, "tiny", first.id, verify=True)


def test_an_altered_manifest_is_found_out(spoilt):
    first = spoilt.publish()
    manifest = first.folder / "manifest.json"
    given = json.loads(manifest.read_text())
    given["as_of"] = "2030-01-01T00:00:00"
    manifest.write_text(json.dumps(given))
    with pytest.raises(StorageError, match="the manifest was altered"):
        publishing.current(spoilt.settings, "tiny")


def test_what_a_killed_run_left_behind_is_cleared_away(spoilt):
    folder = Lake(spoilt.settings.home).published("tiny")
    (folder / ".dead.draft" / "published").mkdir(parents=True)
    spoilt.publish()
    assert not list(folder.glob(".*.draft*"))
