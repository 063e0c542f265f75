"""A delivery adds what is new; what stood and was corrected stays known; nothing is read or counted twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from loanbook.errors import BatchBlocked, DatasetError, StorageError
from loanbook.intake import book, publishing, snapshots
from loanbook.intake.book import Ruling
from loanbook.intake.judging import quality

HEADER = "id,person,day,amount,lat,lon\n"


def standing(tiny, publication):
    path = publication.path("applications")
    return dict(tiny.rows(f"SELECT application_id, amount::VARCHAR FROM '{path}'"))


def balance(publication, table="applications"):
    one = publication.table(table)
    return one.read, one.published.rows, one.held.rows, one.superseded.rows, one.repeats


def judged_at(tiny, day):
    """Publish what was believed by a day, without making it current."""
    stood = book.read(tiny.settings, "tiny")
    reading = snapshots.reading_of(tiny.settings, stood.until(day), before=stood.digest)
    verdicts = [
        quality.judge(tiny.settings, tiny.dataset, reading, tiny.suites[each.table])
        for each in reading.snapshots
    ]
    return publishing.publish(tiny.settings, tiny.dataset, reading, tiny.suites, verdicts, stands=False)


def test_a_second_delivery_adds_only_what_is_new(judged):
    first = judged.publish()
    judged.deliver("asked_2.csv", HEADER + "B1,C1,2020-03-01 09:00:00,70.00,50.5,8.5\n")
    second = judged.publish()
    assert balance(first) == (40, 40, 0, 0, 0)
    assert balance(second) == (41, 41, 0, 0, 0)
    stands = book.read(judged.settings, "tiny")
    assert [[(part.table, part.rows) for part in batch.parts] for batch in stands.batches] == [
        [("customers", 20), ("applications", 40)],
        [("applications", 1)],
    ]
    assert stands.publication == second.id


def test_a_table_that_no_new_file_touches_keeps_its_very_files(judged):
    first = judged.publish()
    judged.deliver("asked_2.csv", HEADER + "B1,C1,2020-03-01 09:00:00,70.00,50.5,8.5\n")
    second = judged.publish()
    assert first.path("customers").samefile(second.path("customers"))
    assert not first.path("applications").samefile(second.path("applications"))


def test_a_delivery_need_not_bring_what_came_before(judged):
    judged.publish()
    for name in ("people.csv", "asked.csv"):
        (judged.data / name).unlink()
    judged.deliver("asked_2.csv", HEADER + "B1,C1,2020-03-01 09:00:00,70.00,50.5,8.5\n")
    assert balance(judged.publish()) == (41, 41, 0, 0, 0)


def test_a_file_delivered_again_under_another_name_is_recognised_by_its_content(judged):
    first = judged.publish()
    (judged.data / "asked.csv").rename(judged.data / "asked_again.csv")
    assert judged.publish() == first
    assert len(book.read(judged.settings, "tiny").batches) == 1


def test_a_corrected_row_supersedes_the_old_one_and_both_stay_known(judged):
    first = judged.publish()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,7.00,50.5,8.5\n")
    second = judged.publish()
    assert standing(judged, first)["A3"] == "1003.50"
    assert standing(judged, second)["A3"] == "7.00"
    assert balance(second) == (41, 40, 0, 1, 0)
    gone = judged.rows(
        "SELECT application_id, amount::VARCHAR, _file, _row, _batch, _by_batch, _id <> _by_id "
        f"FROM '{second.superseded_path('applications')}'"
    )
    assert gone == [("A3", "1003.50", "asked.csv", 4, 1, 2, True)]


def test_what_was_believed_on_an_earlier_day_can_be_read_again(judged):
    first = judged.publish()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-05-04 10:00:00,7.00,50.5,8.5\n")
    second = judged.publish()
    assert judged_at(judged, datetime(2020, 4, 1)) == first
    assert judged_at(judged, datetime(2020, 6, 1)) == second
    assert publishing.current(judged.settings, "tiny") == second
    with pytest.raises(StorageError, match="nothing of tiny was ever read"):
        judged_at(judged, datetime(2019, 1, 1))


def test_a_belief_whose_files_were_removed_is_made_again_from_the_parts(judged):
    import shutil

    first = judged.publish()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-05-04 10:00:00,7.00,50.5,8.5\n")
    judged.publish()
    shutil.rmtree(first.folder)
    shutil.rmtree(first.quarantine)
    assert judged_at(judged, datetime(2020, 4, 1)) == first


def test_a_row_delivered_again_as_it_stands_is_a_repeat_and_not_stored_twice(judged):
    judged.publish()
    again = "A3,C3,2020-02-04 10:00:00,1003.50,50.5,8.5\n"
    judged.deliver("asked_2.csv", HEADER + again + "B1,C1,2020-03-01 09:00:00,70.00,50.5,8.5\n")
    assert balance(judged.publish()) == (42, 41, 0, 0, 1)


def test_a_value_that_comes_back_is_a_correction_and_no_repeat(judged):
    judged.publish()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,7.00,50.5,8.5\n")
    judged.publish()
    judged.deliver("asked_3.csv", HEADER + "A3,C3,2020-02-04 10:00:00,1003.50,50.5,8.5\n")
    third = judged.publish()
    assert standing(judged, third)["A3"] == "1003.50"
    assert balance(third) == (42, 40, 0, 2, 0)


def test_a_correction_that_is_broken_is_held_and_the_old_row_stands(judged):
    judged.publish()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,-7.00,50.5,8.5\n")
    second = judged.publish()
    assert standing(judged, second)["A3"] == "1003.50"
    assert balance(second) == (41, 40, 1, 0, 0)


def test_a_held_row_gives_way_to_its_correction(judged):
    judged.spoil("asked.csv", "1003.50", "-7.00")
    first = judged.publish()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,1003.50,50.5,8.5\n")
    second = judged.publish()
    assert balance(first) == (40, 39, 1, 0, 0)
    assert balance(second) == (41, 40, 0, 1, 0)


def test_an_orphan_is_published_once_its_parent_comes(judged):
    judged.spoil("asked.csv", "A5,C5", "A5,C99")
    first = judged.publish()
    judged.deliver("people_2.csv", "id,born,since,name\nC99,1970-01-01,2020-01-02 08:00:00,Name 99\n")
    second = judged.publish()
    assert balance(first) == (40, 39, 1, 0, 0)
    assert balance(second) == (40, 40, 0, 0, 0)


def test_two_rows_of_one_key_in_one_delivery_are_still_told_apart(judged):
    judged.publish()
    twice = "A3,C3,2020-02-04 10:00:00,7.00,50.5,8.5\nA3,C3,2020-02-04 10:00:00,8.00,50.5,8.5\n"
    judged.deliver("asked_2.csv", HEADER + twice)
    second = judged.publish()
    assert standing(judged, second)["A3"] == "7.00"
    assert balance(second) == (42, 40, 1, 1, 0)
    assert second.table("applications").reasons == {"application_id_once": 1}


def test_a_mapping_that_joins_is_refused_without_the_files_that_came_before(tiny):
    tiny.edit("applications.sql", "FROM raw.asked;", "FROM raw.asked JOIN raw.people AS p ON person = p.id;")
    tiny.edit("applications.sql", "SELECT id AS", "SELECT asked.id AS")
    tiny.edit("applications.sql", "_file, _row, _broken", "asked._file, asked._row, asked._broken")
    reading = tiny.freeze()
    book.write(tiny.settings, reading.book)
    (tiny.data / "asked.csv").rename(tiny.root / "asked.csv")
    tiny.deliver("asked_2.csv", HEADER + "B1,C1,2020-03-01 09:00:00,70.00,50.5,8.5\n")
    with pytest.raises(DatasetError, match=r"applications can't be mapped from new files alone.*asked.csv"):
        tiny.freeze()
    (tiny.root / "asked.csv").rename(tiny.data / "asked.csv")
    found = tiny.freeze().snapshot("applications")
    assert [(part.rows, found.repeats) for part in found.parts] == [(40, 0), (1, 0)]


def test_under_another_mapping_all_is_read_again_batch_by_batch(judged):
    judged.publish()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,7.00,50.5,8.5\n")
    judged.publish()
    judged.edit("applications.sql", "amount,", "amount * 2 AS amount,")
    third = judged.publish()
    assert standing(judged, third)["A3"] == "14.00"
    assert standing(judged, third)["A4"] == "2009.00"
    assert balance(third) == (41, 40, 0, 1, 0)


def test_another_mapping_is_refused_when_a_file_that_was_read_is_gone(judged):
    judged.publish()
    (judged.data / "asked.csv").unlink()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,7.00,50.5,8.5\n")
    judged.edit("applications.sql", "amount,", "amount * 2 AS amount,")
    with pytest.raises(DatasetError, match=r"the mapping changed, and 1 files.*asked.csv"):
        judged.publish()


def test_a_lost_part_is_refused_when_its_raw_file_is_gone_too(judged):
    judged.publish()
    stands = book.read(judged.settings, "tiny")
    book.part_path(judged.settings, "tiny", stands.batches[0].part("applications")).unlink()
    (judged.data / "asked.csv").unlink()
    judged.deliver("asked_2.csv", HEADER + "A3,C3,2020-02-04 10:00:00,7.00,50.5,8.5\n")
    with pytest.raises(StorageError, match=r"a part of the lake is lost or altered.*asked.csv"):
        judged.publish()


def test_a_delivery_that_was_overtaken_publishes_nothing(judged):
    judged.publish()
    judged.deliver("asked_2.csv", HEADER + "B1,C1,2020-03-01 09:00:00,70.00,50.5,8.5\n")
    slow, verdicts = judged.freeze(), judged.judge()
    judged.deliver("asked_3.csv", HEADER + "B2,C1,2020-03-02 09:00:00,70.00,50.5,8.5\n")
    fast = judged.publish()
    with pytest.raises(BatchBlocked, match="another delivery was published while this one was read"):
        publishing.publish(judged.settings, judged.dataset, slow, judged.suites, verdicts)
    assert publishing.current(judged.settings, "tiny") == fast


def test_an_altered_book_is_refused(judged):
    judged.publish()
    path = judged.settings.home / "lake" / "tiny" / "catalog" / "book.json"
    path.write_text(path.read_text().replace('"rows": 40', '"rows": 41'))
    with pytest.raises(StorageError, match="the book of batches was altered"):
        judged.publish()


def ruled(tiny, action, table="applications"):
    """Rule on the one held row and publish again."""
    publication = tiny.publish()
    (row,) = [one[0] for one in tiny.rows(f"SELECT _id FROM '{publication.held_path(table)}'")]
    stands = book.read(tiny.settings, "tiny")
    book.write(tiny.settings, replace(stands, rulings=(Ruling(row, table, action, "entry"),)))
    return tiny.publish()


def test_a_released_row_stands_in_spite_of_its_rule(judged):
    judged.spoil("asked.csv", "1003.50", "-7.00")
    released = ruled(judged, "release")
    assert standing(judged, released)["A3"] == "-7.00"
    assert balance(released) == (40, 40, 0, 0, 0)


def test_a_released_second_row_of_a_key_stands_in_place_of_the_first(judged):
    judged.spoil("asked.csv", "A2,C2", "A1,C2")
    released = ruled(judged, "release")
    assert standing(judged, released)["A1"] == "1002.50"
    assert balance(released) == (40, 39, 0, 1, 0)


def test_a_rejected_row_stays_held_and_says_so(judged):
    judged.spoil("asked.csv", "1003.50", "-7.00")
    rejected = ruled(judged, "reject")
    assert balance(rejected) == (40, 39, 1, 0, 0)
    assert judged.rows(f"SELECT ruling FROM '{rejected.held_path('applications')}'") == [("rejected",)]
