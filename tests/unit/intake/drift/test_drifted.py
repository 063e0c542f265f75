"""A source that changed stops its batch with a line to paste; honest batches and bad rows never do."""

from __future__ import annotations

import random

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loanbook.errors import DriftedSource, RawFileError
from loanbook.intake import raw
from loanbook.intake.drift import drifted, profiles

ALWAYS = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ids(drifts):
    return {drift.id for drift in drifts}


@ALWAYS
@given(seed=st.integers(0, 10**6), count=st.integers(1, 400))
def test_a_source_compared_with_itself_never_drifts(shop, seed, count):
    profile = shop.profile(shop.drawn(seed, count))
    assert drifted.find(shop.dataset, profile, profile) == ()


@ALWAYS
@given(seed=st.integers(0, 10**6), count=st.integers(2, 400))
def test_the_order_of_rows_is_no_drift(shop, seed, count):
    rows = shop.drawn(seed, count)
    assert shop.drifts(rows, random.Random(seed).sample(rows, count)) == ()


@ALWAYS
@given(seed=st.integers(0, 10**6), count=st.integers(20, 1200))
def test_two_halves_of_a_source_don_t_drift_apart(shop, seed, count):
    rows = shop.drawn(seed, count)
    mixed = random.Random(seed).sample(rows, count)
    assert shop.stops(mixed[: count // 2], mixed[count // 2 :]) == []


@ALWAYS
@given(seed=st.integers(0, 10**6))
def test_a_small_batch_after_large_ones_doesn_t_drift(shop, seed):
    assert shop.stops(shop.drawn(seed, 800), shop.drawn(seed + 1, 1 + seed % 30)) == []


def swapped(value):
    year, month, day = value.split("-")
    return f"{day}/{month}/{year}"


def comma(value):
    return value.replace(".", ",")


CHANGES = {
    "asked.income.unit": lambda shop, rows: shop.scaled(rows, "income", 100),
    "asked.amount.unit": lambda shop, rows: shop.scaled(rows, "amount", 1 / 1000),
    "asked.km.unit": lambda shop, rows: shop.scaled(rows, "km", 1 / 1.609344),
    "asked.income.part_unit": lambda shop, rows: shop.scaled(rows, "income", 1 / 12, 0.5),
    "asked.channel.category": lambda shop, rows: [
        row | {"channel": "partner"} if at % 5 == 0 else row for at, row in enumerate(rows)
    ],
    "asked.income.emptied": lambda shop, rows: shop.changed(rows, "income", lambda _: ""),
    "asked.born.retyped": lambda shop, rows: shop.changed(rows, "born", swapped),
    "asked.income.retyped": lambda shop, rows: shop.changed(rows, "income", comma),
    "asked.phone.retyped": lambda shop, rows: shop.changed(rows, "phone", lambda v: v.lstrip("0")),
    "asked.who.retyped": lambda shop, rows: shop.changed(rows, "who", lambda v: v[1:]),
    "asked.score.new": lambda shop, rows: [row | {"score": "1"} for row in rows],
    "asked.income.missing": lambda shop, rows: [
        {name: value for name, value in row.items() if name != "income"} for row in rows
    ],
    "asked.amount.unreadable": lambda shop, rows: [
        row | {"amount": comma(row["amount"])} if at % 5 == 0 else row for at, row in enumerate(rows)
    ],
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_change_of_a_source_stops_its_batch_and_nothing_else_is_named(shop, name, seed):
    stops = shop.stops(shop.drawn(seed, 400), CHANGES[name](shop, shop.drawn(seed + 10, 300)))
    assert ids(stops) == {name}
    assert all(drift.evidence and drift.proposal for drift in stops)


PASTED = ("asked.income.unit", "asked.income.part_unit", "asked.born.retyped", "asked.income.retyped",
          "asked.phone.retyped")  # fmt: skip


@pytest.mark.parametrize("name", PASTED)
def test_the_proposed_line_brings_the_old_values_back(shop, name):
    column, clean = name.split(".")[1], shop.drawn(11, 300)
    spoilt = CHANGES[name](shop, clean)
    [drift] = shop.stops(shop.drawn(1, 400), spoilt)
    line = drift.proposal.partition(", or better")[0]
    kind = "DOUBLE" if name.endswith("unit") else "VARCHAR"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE raw (was VARCHAR, {column} {kind})")
        pairs = [(old[column], new[column]) for old, new in zip(clean, spoilt, strict=True)]
        connection.executemany("INSERT INTO raw VALUES (?, ?)", pairs)
        rows = connection.execute(
            f"SELECT was, back::VARCHAR FROM (SELECT was, {line} FROM raw) AS t(was, back)"
        )
        back = rows.fetchall()
    right = [was == now[: len(was)] or abs(float(now) / float(was) - 1) < 0.01 for was, now in back]
    assert sum(right) >= (0.95 if "part" in name else 1.0) * len(right)


def test_a_column_declared_and_missing_is_refused_before_in_the_same_words(shop):
    lacking = [{name: value for name, value in row.items() if name != "amount"} for row in shop.drawn(2, 50)]
    with pytest.raises(RawFileError, match="the column 'amount' is missing"):
        shop.profile(lacking)
    [drift] = shop.stops(shop.drawn(1, 50), CHANGES["asked.income.missing"](shop, shop.drawn(2, 50)))
    assert drift.evidence == "the column 'income' is missing; applications.sql reads it"


def test_a_renamed_column_is_recognised_from_both_ends(shop):
    renamed = [{("incomes" if k == "income" else k): v for k, v in row.items()} for row in shop.drawn(2, 50)]
    proposals = {drift.id: drift.proposal for drift in shop.stops(shop.drawn(1, 50), renamed)}
    assert proposals["asked.income.missing"] == '"incomes" AS "income"'
    assert proposals["asked.incomes.new"].startswith('"incomes" AS "income"')


def test_a_column_that_no_mapping_reads_may_go_with_a_note(shop):
    lacking = [{name: value for name, value in row.items() if name != "km"} for row in shop.drawn(2, 50)]
    [drift] = shop.drifts(shop.drawn(1, 50), lacking)
    assert (drift.id, drift.severity) == ("asked.km.missing", "note")


def test_where_files_may_differ_a_new_column_is_a_note(open_shop):
    shop = open_shop(union=True)
    [drift] = shop.drifts(shop.drawn(1, 50), CHANGES["asked.score.new"](shop, shop.drawn(2, 50)))
    assert (drift.id, drift.severity) == ("asked.score.new", "note")


def test_a_new_column_is_proposed_with_its_type(shop):
    rows = [
        row | {"opened": "2024-02-01", "rank": "3", "ratio": "0.5", "word": "x"} for row in shop.drawn(2, 50)
    ]
    proposals = {drift.column: drift.proposal for drift in shop.stops(shop.drawn(1, 50), rows)}
    assert proposals == {
        "opened": '[raw.asked.columns] opened = "DATE"',
        "rank": '[raw.asked.columns] rank = "BIGINT"',
        "ratio": '[raw.asked.columns] ratio = "DOUBLE"',
        "word": '[raw.asked.columns] word = "VARCHAR"',
    }


def test_another_type_in_the_file_stops_and_a_wider_number_doesn_t(open_shop):
    shop = open_shop(format="parquet")
    before = shop.profile(shop.drawn(1, 60), {"income": "INTEGER", "term": "INTEGER"})
    now = shop.profile(shop.drawn(2, 60), {"income": "DOUBLE", "term": "VARCHAR"})
    [drift] = drifted.find(shop.dataset, before, now)
    assert (drift.id, drift.evidence) == ("asked.term.retyped", "it was INTEGER, now VARCHAR")


def test_an_empty_column_may_be_written_as_any_type(open_shop):
    shop = open_shop(format="parquet")
    empty = shop.changed(shop.drawn(1, 60), "km", lambda _: "")
    before = shop.profile(empty, {"km": "VARCHAR"})
    null = shop.changed(shop.drawn(2, 60), "km", lambda _: "0")
    now = shop.profile(null, {"km": "INTEGER"})
    assert "retyped" not in {drift.kind for drift in drifted.find(shop.dataset, before, now)}


def test_days_and_months_that_changed_places_are_noticed(shop):
    def british(value):
        year, month, day = value.split("-")
        return f"{day}/{month}/{year}"

    def american(value):
        year, month, day = value.split("-")
        return f"{month}/{day}/{year}"

    before = shop.changed(shop.drawn(1, 300), "born", british)
    [drift] = shop.stops(before, shop.changed(shop.drawn(2, 300), "born", american))
    assert (drift.id, drift.proposal) == ("asked.born.retyped", """strptime("born", '%m/%d/%Y') AS "born\"""")


def test_a_category_written_in_capitals_is_proposed_to_be_mapped_back(shop):
    [drift] = shop.stops(shop.drawn(1, 300), shop.changed(shop.drawn(2, 300), "channel", str.upper))
    assert drift.id == "asked.channel.category"
    assert "WHEN 'WEB' THEN 'web'" in drift.proposal


def test_a_new_term_of_many_loans_stops_and_a_count_that_goes_on_doesn_t(shop):
    before = shop.drawn(1, 2000)
    long = [row | {"term": "60"} if at % 4 == 0 else row for at, row in enumerate(shop.drawn(2, 400))]
    later = [row | {"late": str(int(row["late"]) + 1)} for row in shop.drawn(2, 400)]
    seen = profiles.merge(shop.profile(before)["asked"], shop.profile(before)["asked"])
    book = {"asked": profiles.merge(seen, seen)}
    assert ids(drifted.find(shop.dataset, book, shop.profile(long))) >= {"asked.term.category"}
    assert (
        ids(d for d in drifted.find(shop.dataset, book, shop.profile(later)) if d.severity == "stop") == set()
    )


def test_a_rare_new_category_and_a_vanished_one_are_notes(shop):
    now = shop.changed(shop.drawn(2, 2000), "channel", lambda v: "web" if v == "phone" else v)
    now[:18] = [row | {"channel": "fax"} for row in now[:18]]
    found = {drift.id: drift.severity for drift in shop.drifts(shop.drawn(1, 4000), now)}
    assert found == {"asked.channel.category": "note", "asked.channel.vanished": "note"}


def test_bad_rows_are_no_drift(shop):
    rows = shop.drawn(2, 2000)
    for at in range(0, 2000, 100):  # one in a hundred, in every way
        rows[at] |= {"amount": "abc", "born": "1987-02-31", "channel": "??", "income": "-1", "km": ""}
    assert shop.stops(shop.drawn(1, 1000), rows) == []


def test_a_first_delivery_never_drifts(shop):
    assert drifted.find(shop.dataset, {}, shop.profile(shop.drawn(1, 50))) == ()


def test_a_stop_is_refused_with_its_proposal_and_let_in_once_accepted(shop):
    drifts = shop.drifts(shop.drawn(1, 300), shop.scaled(shop.drawn(2, 300), "income", 100))
    with pytest.raises(
        DriftedSource, match=r"100 times what they were.*\"income\" / 100 AS \"income\""
    ) as caught:
        drifted.refuse(shop.dataset, drifts, frozenset())
    assert str(shop.folder) in str(caught.value)
    assert "asked.income.unit" in str(caught.value)
    drifted.refuse(shop.dataset, drifts, frozenset({"asked.income.unit"}))
    with pytest.raises(DriftedSource):
        drifted.refuse(shop.dataset, drifts, frozenset({"asked.amount.unit"}))


def test_after_an_accepted_change_the_new_unit_is_the_known_one(shop):
    before = shop.profile(shop.drawn(1, 300))["asked"]
    now = shop.profile(shop.scaled(shop.drawn(2, 300), "income", 100))["asked"]
    drifts = drifted.find(shop.dataset, {"asked": before}, {"asked": now})
    book = {"asked": profiles.merge(before, now, drifted.afresh(drifts, "asked"))}
    again = shop.profile(shop.scaled(shop.drawn(3, 300), "income", 100))
    assert drifted.find(shop.dataset, book, again) == ()
    back = drifted.find(shop.dataset, book, shop.profile(shop.drawn(4, 300)))
    assert ids(back) == {"asked.income.unit"}


def test_drifts_are_laid_out_as_a_table(shop):
    drifts = shop.drifts(shop.drawn(1, 300), shop.scaled(shop.drawn(2, 300), "income", 100))
    [row] = drifted.table(drifts)
    assert dict(zip(drifted.HEADER, row, strict=True))["id"] == "asked.income.unit"


def test_a_drifted_file_is_refused_whole_and_no_row_of_it_is_counted_as_broken(shop):
    data = shop.deliver(shop.scaled(shop.drawn(2, 300), "income", 100))
    [delivery] = raw.survey(shop.dataset, data)
    assert delivery.broken == 0


def with_words(shop, seed, count, words):
    """Draw rows of which the first are of the channels named, one each."""
    rows = shop.drawn(seed, count)
    rows[: len(words)] = [row | {"channel": word} for row, word in zip(rows, words, strict=False)]
    return rows


def test_a_value_that_was_always_rare_is_known_when_it_is_named(shop):
    book = shop.profile(with_words(shop, 0, 40, ["fax"] * 4))
    for seed in range(1, 20):
        month = shop.profile(with_words(shop, seed, 40, ["fax"] * 4))
        book = {"asked": profiles.merge(book["asked"], month["asked"])}
    assert "fax" not in book["asked"].columns["channel"].categories
    assert shop.stops_of(book, with_words(shop, 99, 100, ["fax"] * 11)) == []
    [drift] = shop.stops_of(book, with_words(shop, 98, 100, ["pigeon"] * 11))
    assert "'pigeon' (11, 11.0%)" in drift.evidence


def test_many_rare_values_of_the_past_hide_no_new_one(shop):
    rare = [f"w{chr(97 + n // 5)}" for n in range(100)]  # five rows each: none is told
    before = shop.profile(with_words(shop, 1, 400, rare))
    assert not [name for name in before["asked"].columns["channel"].categories if len(name) == 2]
    [drift] = shop.stops_of(before, with_words(shop, 2, 60, ["pigeon"] * 11))
    assert drift.id == "asked.channel.category"


def test_what_a_rare_value_is_kept_as_is_told_by_the_vault_s_key_alone(two_shops):
    one, other = two_shops
    rows = with_words(one, 1, 60, ["fax"] * 4)
    here, again, there = (each.profile(rows)["asked"].columns["channel"] for each in (one, one, other))
    assert here == again
    assert not here.marks.keys() & there.marks.keys()
    assert sorted(here.marks.values()) == sorted(there.marks.values())
