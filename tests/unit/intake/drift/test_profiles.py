"""A source's profile: deterministic, mergeable, and without a value of a person."""

from __future__ import annotations

import json
import random

import pytest

from loanbook import lake
from loanbook.errors import StorageError
from loanbook.intake import mapping, tracing
from loanbook.intake.drift import profiles, sketches
from loanbook.intake.drift.profiles import Profile


def of(shop, rows):
    return shop.profile(rows)["asked"]


def test_the_order_of_rows_changes_nothing(shop):
    rows = shop.drawn(1, 500)
    mixed = random.Random(2).sample(rows, len(rows))
    assert of(shop, rows) == of(shop, mixed)


def test_a_large_source_is_sampled_by_what_its_rows_hold_and_not_by_where_they_lie(shop, monkeypatch):
    monkeypatch.setattr(sketches, "SAMPLE", 100)
    rows = shop.drawn(1, 900)
    first, second = of(shop, rows), of(shop, random.Random(2).sample(rows, len(rows)))
    batch = first.columns["amount"].batches[0]
    assert first == second
    assert (first.rows, batch.rows, batch.given) == (900, 900, 900)
    assert 50 < batch.seen == batch.numbers < 150


def test_a_profile_is_the_same_after_json(shop):
    profile = of(shop, shop.drawn(1, 200))
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_a_profile_of_another_version_is_refused(shop):
    with pytest.raises(StorageError, match="version 99"):
        Profile.from_json(of(shop, shop.drawn(1, 20)).to_json() | {"version": 99})


def test_no_value_of_a_person_lies_in_a_profile(shop):
    rows = shop.drawn(1, 300)
    few = shop.changed(rows, "phone", lambda value: f"0{int(value) % 7}70123456")  # ten and more share each
    said = json.dumps(of(shop, few).to_json())
    for row in few:
        for column in ("id", "who", "phone", "amount", "income", "born"):
            assert row[column] not in said


def test_a_value_that_fewer_than_ten_rows_share_is_never_told(shop):
    rows = shop.drawn(1, 300)
    rows[:9] = shop.changed(rows[:9], "channel", lambda _: "rare")
    rows[9:19] = shop.changed(rows[9:19], "channel", lambda _: "known")
    channel = of(shop, rows).columns["channel"]
    assert "known" in channel.categories
    assert "rare" not in channel.categories
    assert sorted(channel.marks.values())[0] == 9
    assert sum(channel.marks.values()) - sum(channel.categories.values()) == 9
    assert "rare" not in json.dumps(of(shop, rows).to_json())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT code AS customer_id, city FROM raw.asked",
        "WITH p AS (SELECT upper(code) AS c FROM raw.asked) SELECT trim(c) || 'x' AS name FROM p",
        "SELECT other AS phone FROM raw.asked UNION ALL SELECT code FROM raw.more",
        "SELECT name FROM (SELECT code AS name, 1 AS n FROM raw.asked)",
    ],
)
def test_a_column_that_becomes_a_person_s_is_found_through_the_mapping(shop, sql):
    (shop.folder / "applications.sql").write_text(sql, encoding="utf-8")
    with lake.connect(shop.settings) as connection:
        traced = tracing.traced(connection, shop.dataset)
    assert "code" in traced
    assert "city" not in traced


def test_a_mapping_that_can_t_be_parsed_hides_every_column(shop):
    (shop.folder / "applications.sql").write_text("SELECT FROM WHERE", encoding="utf-8")
    assert all(column.categories is None for column in of(shop, shop.drawn(1, 50)).columns.values())


def test_every_identifying_column_of_the_world_is_hidden(shop):
    dataset = mapping.load("world")
    with lake.connect(shop.settings) as connection:
        hidden = tracing.traced(connection, dataset)
    assert hidden >= {
        "name",
        "id_number",
        "phone",
        "address",
        "bank_account",
        "customer_id",
        "shared_key",
        "ip",
    }
    assert not hidden & {"region", "education", "sex"}


def test_merging_adds_up_exactly(shop):
    first, second = shop.drawn(1, 300), shop.drawn(2, 200)
    both = profiles.merge(of(shop, first), of(shop, second))
    whole = of(shop, first + second)
    assert (both.rows, both.batches) == (500, 2)
    for name in ("channel", "term", "born"):
        assert both.columns[name].categories == whole.columns[name].categories
        assert both.columns[name].dates == whole.columns[name].dates
    bins = [batch.bins for batch in both.columns["income"].batches]
    assert {place: sum(each.get(place, 0) for each in bins) for place in set().union(*bins)} == (
        whole.columns["income"].batches[0].bins
    )


def test_of_the_last_batches_alone_the_numbers_are_kept(shop):
    one = of(shop, shop.drawn(1, 30))
    book = one
    for _ in range(10):
        book = profiles.merge(book, one)
    assert (book.batches, book.rows) == (11, 330)
    assert len(book.columns["amount"].batches) == profiles.RECENT
    assert book.columns["km"].numbers == book.columns["km"].texts == 330


def test_a_column_begins_afresh_when_its_change_was_accepted(shop):
    old, new = of(shop, shop.drawn(1, 50)), of(shop, shop.changed(shop.drawn(2, 40), "channel", str.upper))
    book = profiles.merge(old, new, afresh={"channel", "gone"})
    assert book.columns["channel"] == new.columns["channel"]
    assert book.columns["term"].rows == 90


def test_a_column_that_a_batch_lacks_is_kept_until_its_loss_was_accepted(shop):
    old = of(shop, shop.drawn(1, 50))
    lacking = of(shop, [{k: v for k, v in row.items() if k != "km"} for row in shop.drawn(2, 50)])
    assert profiles.merge(old, lacking).columns["km"] == old.columns["km"]
    assert "km" not in profiles.merge(old, lacking, afresh={"km"}).columns


def test_a_blank_text_is_no_value(shop):
    rows = shop.changed(shop.drawn(1, 50), "channel", lambda _: " ")
    channel = of(shop, rows).columns["channel"]
    assert (channel.given, channel.texts, channel.categories) == (0, 0, {})


def test_texts_tell_how_they_are_written(shop):
    columns = of(shop, shop.drawn(1, 50)).columns
    assert columns["who"].shapes == {"A9999": 50}
    assert columns["who"].lengths == {9: 50}
    assert columns["born"].shapes == {"9999-99-99": 50}
    assert columns["born"].dates["%Y-%m-%d"] == 50


def test_the_type_in_the_file_is_told_beside_the_type_it_is_read_as(open_shop):
    shop = open_shop(format="parquet")
    types = {"amount": "DOUBLE", "day": "TIMESTAMP", "income": "DOUBLE"}
    columns = shop.profile(shop.drawn(1, 30), types)["asked"].columns
    assert (columns["amount"].type, columns["amount"].own) == ("DECIMAL(18,2)", "DOUBLE")
    assert (columns["income"].type, columns["income"].own) == ("DOUBLE", "DOUBLE")
