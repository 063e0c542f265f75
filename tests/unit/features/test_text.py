"""Texts in Chinese and English become the same few numbers wherever and in whatever company they are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loanbook import lake
from loanbook.features import text, text_fitting
from loanbook.settings import Settings

MEANT = {
    "urgent": ("急用钱，马上需要，今天能放款吗", "Need cash today, urgent please"),
    "debt": ("还信用卡和其他平台欠款", "pay off my credit card debt"),
    "home": ("厨房装修，买家具", "renovate the kitchen and buy furniture"),
    "illness": ("家人生病住院手术费", "hospital bills for a family illness"),
    "school": ("孩子上学的学费", "college tuition and school fees"),
}


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("subject", MEANT)
def test_what_is_meant_weighs_more_than_the_language_it_is_said_in(subject: str) -> None:
    chinese = text.topics([said for said, _ in MEANT.values()])
    english = text.topics([said for _, said in MEANT.values()])
    place = list(MEANT).index(subject)

    alike = [cosine(chinese[place], other) for other in english]

    assert int(np.argmax(alike)) == place
    assert alike[place] > 0.5


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(texts=st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_a_text_says_the_same_alone_and_among_others(texts: list[str]) -> None:
    together = text.topics(texts)

    alone = np.vstack([text.topics([one]) for one in texts])

    assert np.array_equal(together, alone)
    assert np.isfinite(together).all()
    assert np.abs(together).max() <= 1


def test_case_and_width_of_letters_say_nothing() -> None:
    one, other = text.topics(["Need CASH today", "ｎｅｅｄ　ｃａｓｈ ｔｏｄａｙ"])

    assert np.array_equal(one, other)


def test_runs_of_characters_are_counted_within_one_text() -> None:
    apart, alone = text.count(["ab", "cd"]), text.count(["ab"])

    assert np.array_equal(apart.bucket[apart.text == 0], alone.bucket)
    # " ab ": four single characters of which two are blanks, three pairs, two triples
    assert len(alone.bucket) <= 3 + 3 + 2
    assert np.isclose(alone.times.max(), 1 + np.log(2))


def test_a_text_longer_than_is_read_is_cut() -> None:
    long = "买车" * 5_000

    assert np.array_equal(text.topics([long]), text.topics([long[: text.READ]]))


def test_the_shipped_weights_are_what_the_lists_give() -> None:
    again = text_fitting.fit(text_fitting.made_up())

    kept = text.model()
    assert np.allclose(kept.rarity, again.rarity, atol=1e-3)
    assert np.allclose(kept.topics, again.topics, atol=1e-3)
    assert text.MODEL.stat().st_size < 300_000


def test_the_weights_are_read_without_pickle() -> None:
    with np.load(text.MODEL, allow_pickle=False) as kept:
        assert {name: kept[name].dtype.kind for name in kept.files} == {"rarity": "f", "topics": "f"}


def test_every_text_of_a_dataset_is_told_once_over_many_batches(tmp_path: object) -> None:
    many = 3 * text.BATCH + 5
    with lake.connect(Settings(home=tmp_path, threads=2)) as connection:  # type: ignore[arg-type]
        connection.execute(
            "CREATE TABLE applications AS SELECT CASE WHEN i % 3 > 0 THEN '买车 ' || i // 2 END AS free_text "
            f"FROM range({2 * many}) AS r(i)"
        )

        text.relate(connection)

        rows = connection.execute(
            "SELECT count(*), count(DISTINCT free_text), count(topic_8) FROM text_topics"
        ).fetchall()
        said = connection.execute("SELECT * FROM text_topics WHERE free_text = '买车 7'").fetchall()
    assert rows == [(many, many, many)]
    assert said[0][1:] == tuple(text.topics(["买车 7"])[0])
