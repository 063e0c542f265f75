from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from loanbook.errors import ScoringError, TrainingError
from loanbook.lending import book as books
from loanbook.lending import scoring
from loanbook.lending.scoring import Scored
from loanbook.schema import APPLICATION
from loanbook.settings import Settings
from loanbook.training.bundle import Bundle


@pytest.fixture(scope="module")
def scored(bundle: Bundle, book: pa.Table) -> Scored:
    return scoring.score(bundle, book, most=None, threads=1)


def test_every_application_gets_a_pd_and_the_decision_of_the_cut_offs(
    bundle: Bundle, book: pa.Table, scored: Scored
) -> None:
    assert len(scored.pd) == len(scored.decision) == len(scored.reasons) == book.num_rows
    assert set(scored.decision) == {"approve", "refer", "decline"}
    assert ((scored.pd < bundle.cut_offs.approve_below) == (scored.decision == "approve")).all()
    assert ((scored.pd >= bundle.cut_offs.decline_from) == (scored.decision == "decline")).all()


def test_who_is_approved_gets_no_reason_and_who_is_not_gets_one_to_four(scored: Scored) -> None:
    for decision, reasons in zip(scored.decision, scored.reasons, strict=True):
        assert len(reasons) == 0 if decision == "approve" else 1 <= len(reasons) <= 4
        assert len(set(reasons)) == len(reasons)


def test_mending_the_first_reason_lowers_the_pd(bundle: Bundle, book: pa.Table, scored: Scored) -> None:
    """Give each declined applicant what the approved have on average, of the first reason alone."""
    approved = book.filter(pa.array(scored.decision == "approve"))
    numbers = [name for name in bundle.plan.features if name != "housing"]
    better = {"housing": "own"} | {name: pc.mean(approved[name]).as_py() for name in numbers}
    declined = np.flatnonzero(scored.decision == "decline")
    rows = book.take(declined).to_pylist()
    for row, index in zip(rows, declined, strict=True):
        first = scored.reasons[index][0].lower()
        row[first] = better[first]

    mended = scoring.pds(bundle, pa.Table.from_pylist(rows, schema=book.schema), threads=1)

    lowered = mended < scored.pd[declined]
    assert len(declined) > 100
    assert lowered.all()
    assert np.median(scored.pd[declined] - mended) > 0.05


def test_a_decision_does_not_depend_on_who_else_is_in_the_book(
    bundle: Bundle, book: pa.Table, scored: Scored
) -> None:
    alone = scoring.score(bundle, book.slice(17, 1), most=None, threads=2)

    assert alone.pd[0] == scored.pd[17]
    assert alone.reasons[0] == scored.reasons[17]


def test_an_empty_book_is_refused(bundle: Bundle, book: pa.Table) -> None:
    with pytest.raises(ScoringError, match=r"no application.*--since"):
        scoring.score(bundle, book.slice(0, 0), most=None, threads=1)


def test_a_book_larger_than_the_approval_allows_is_refused(bundle: Bundle, book: pa.Table) -> None:
    assert len(scoring.score(bundle, book, most=800, threads=1).pd) == 800
    with pytest.raises(ScoringError, match="800 rows and the approval allows 799"):
        scoring.score(bundle, book, most=799, threads=1)


def test_a_book_without_a_feature_of_the_model_is_refused(bundle: Bundle, book: pa.Table) -> None:
    with pytest.raises(TrainingError, match="absent: debt"):
        scoring.score(bundle, book.drop_columns(["debt"]), most=None, threads=1)


def test_a_frozen_book_binds_each_row_to_the_version_that_decided_it(
    book: pa.Table, scored: Scored, tmp_path: Path
) -> None:
    settings, bytes_ = Settings(home=tmp_path, threads=1), "b0" * 32

    made = books.freeze(settings, "tiny", APPLICATION, book, scored, model="m", version=3, bundle=bytes_)

    rows = parquet.read_table(made.path).to_pylist()
    assert {(row["model"], row["version"], row["bundle"]) for row in rows} == {("m", 3, bytes_)}
    assert [row["application_id"] for row in rows] == book["application_id"].to_pylist()
    assert [row["pd"] for row in rows] == scored.pd.tolist()
    assert [row["reasons"] for row in rows] == scored.reasons
    assert made.decisions == dict(Counter(scored.decision.tolist()))
    assert sum(made.reasons.values()) == sum(map(len, scored.reasons))
    assert made.path.stem == made.digest


def test_the_same_book_freezes_to_the_same_bytes_in_another_home(
    book: pa.Table, scored: Scored, tmp_path: Path
) -> None:
    one, other = (
        books.freeze(
            Settings(home=tmp_path / home, threads=1),
            "t",
            APPLICATION,
            book,
            scored,
            model="m",
            version=1,
            bundle="b",
        )
        for home in ("a", "b")
    )

    assert one.digest == other.digest
