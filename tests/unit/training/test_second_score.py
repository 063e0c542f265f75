"""A line that asks for it has a score of the unusual in bundle, predictions, evidence and book."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from loanbook import digests
from loanbook.errors import AlteredError, EvidenceError, TrainingError
from loanbook.governance import judging, telling, verifying
from loanbook.governance.stored import Stored
from loanbook.lending import book, scoring, strategy
from loanbook.lending.strategy import Referral
from loanbook.schema import APPLICATION
from loanbook.settings import Settings
from loanbook.training import bundle, matrix, splits, unusual
from loanbook.training.bundle import FILES, UNUSUAL, Bundle
from loanbook.training.candidate import Order
from loanbook.training.candidates import Made

ASKED = ("debt_to_income", "amount", "never_filled")


@pytest.fixture(scope="module")
def asking(order: Order) -> Order:
    return replace(order, line=replace(order.line, unusual=ASKED), strategy=Referral(0.02))


@pytest.fixture(scope="module")
def seldom(make: Callable[..., Made], asking: Order) -> Made:
    return make(None, asking)


@pytest.fixture(scope="module")
def opened(seldom: Made) -> Bundle:
    return bundle.read(seldom.bundle, expected=seldom.record["bundle"])


@pytest.fixture(scope="module")
def known(seldom: Made, asking: Order) -> pa.Table:
    """The frame's rows in the order of the predictions."""
    stored, table = parquet.read_table(seldom.predictions), parquet.read_table(asking.frame)
    places = pc.index_in(stored["application_id"], value_set=table["application_id"].combine_chunks())
    return table.take(pa.array(places.to_numpy(zero_copy_only=False)))


def test_the_bundle_has_one_file_more_and_survives_writing_and_reading(
    seldom: Made, opened: Bundle, tmp_path: Path
) -> None:
    assert {path.name for path in seldom.bundle.iterdir()} == {*FILES, UNUSUAL}
    assert bundle.write(opened, tmp_path / "again") == seldom.record["bundle"]
    assert bundle.read(tmp_path / "again") == opened


def test_a_line_that_does_not_ask_has_the_bytes_it_had(made: Made, seldom: Made) -> None:
    assert {path.name for path in made.bundle.iterdir()} == set(FILES)
    assert "unusual" not in parquet.read_schema(made.predictions).names
    for name in ("model.txt", "features.json", "calibration.json", "scorecard.json", "stability.json"):
        assert (made.bundle / name).read_bytes() == (seldom.bundle / name).read_bytes()


def test_a_bundle_whose_card_names_the_score_is_refused_without_it(seldom: Made, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(seldom.bundle, tmp_path / "bundle"))
    (folder / UNUSUAL).unlink()

    with pytest.raises(AlteredError, match=f"lacks {UNUSUAL}"):
        bundle.read(folder)


def test_it_is_frozen_on_the_fit_sample_alone(seldom: Made, opened: Bundle, known: pa.Table) -> None:
    fit = np.array(parquet.read_table(seldom.predictions)["sample"].to_pylist()) == "fit"
    values = matrix.encode(known, opened.plan)
    assert opened.card["unusual"] == list(ASKED[:2])
    assert opened.unusual == unusual.freeze(values[fit], opened.plan.features, ASKED)


def test_without_any_of_its_features_there_is_no_version(make: Callable[..., Made], asking: Order) -> None:
    nothing = replace(asking, line=replace(asking.line, unusual=("never_filled",)))
    with pytest.raises(TrainingError, match="Fill any of never_filled"):
        make(None, nothing)


def test_a_stored_score_that_the_bundle_does_not_give_is_refused(
    seldom: Made, asking: Order, known: pa.Table
) -> None:
    there = Stored(
        bundle=seldom.bundle,
        bundle_digest=seldom.record["bundle"],
        predictions=seldom.predictions,
        predictions_digest=digests.of_file(seldom.predictions),
        frame=asking.frame,
        published={},
        absent_columns={},
        line=asking.line,
        as_of=asking.report_from or seldom.record["as_of"],
    )
    stored, given = parquet.read_table(seldom.predictions), Settings(home=seldom.folder)
    opened = bundle.read(seldom.bundle)
    verifying.same_scores(given, there, opened, stored, known)

    forged = stored["unusual"].to_numpy().copy()
    forged[5] = np.nextafter(forged[5], 99)
    changed = stored.set_column(stored.column_names.index("unusual"), "unusual", pa.array(forged))
    with pytest.raises(EvidenceError, match=r"1 of \d+ stored predictions \(unusual\) are not"):
        verifying.same_scores(given, there, opened, changed, known)
    with pytest.raises(EvidenceError, match="unusual is no stored prediction"):
        verifying.same_scores(given, there, opened, stored.drop(["unusual"]), known)


@pytest.fixture(scope="module")
def subject(seldom: Made, opened: Bundle, known: pa.Table) -> judging.Subject:
    stored = parquet.read_table(seldom.predictions)
    sample = np.array(stored["sample"].to_pylist())
    return judging.Subject(
        bundle=opened,
        known=known,
        pd=stored["pd"].to_numpy(),
        scorecard_pd=stored["scorecard_pd"].to_numpy(),
        bad=np.array(stored["bad"].to_pylist()),
        rows={name: sample == name for name in splits.SAMPLES},
        decided=np.asarray(stored["decided_at"].to_numpy()),
        ripe=np.ones(stored.num_rows, dtype=bool),
        declared={},
        unusual=stored["unusual"].to_numpy(),
    )


def test_the_evidence_holds_it_against_outcomes_and_pd_on_the_report_sample(
    subject: judging.Subject,
) -> None:
    found = judging._unusual(subject)
    report, scores = subject.rows["report"], subject.unusual
    assert scores is not None
    bad, order = subject.bad[report], np.argsort(-scores[report], kind="stable")
    most = int(len(order) * judging.TOP)
    assert found["rows"] == most
    assert found["bads_found"] == pytest.approx(bad[order[:most]].sum() / bad.sum())
    one, other = scores[report][bad][:, None], scores[report][~bad][None]
    assert found["auc"] == pytest.approx(((one > other) + 0.5 * (one == other)).mean(), abs=1e-9)
    assert found["auc_interval"][0] < found["auc"] < found["auc_interval"][1]
    assert 0 <= found["unseen_by_pd"] <= most


def test_the_dossier_tells_of_it_and_of_no_other_lines(subject: judging.Subject) -> None:
    title = "How unusual, whatever was confirmed"
    facts: dict[str, Any] = {"judged": {"unusual": judging._unusual(subject)}, "metrics": {}, "stability": {}}
    (table,) = [one for one in telling.tables(facts) if one.title == title]
    assert not table.absent
    assert all(len(row) == len(table.heads) for row in table.rows)
    facts["judged"] = {}
    assert title not in {one.title for one in telling.tables(facts)}


def test_a_book_says_how_unusual_each_application_is_and_refers_at_most_its_share(
    opened: Bundle, known: pa.Table, tmp_path: Path
) -> None:
    scored = scoring.score(opened, known, most=None, threads=1)
    place, by = Settings(home=tmp_path, threads=1), {"model": "m", "version": 1, "bundle": "b"}
    made = book.freeze(place, "tiny", APPLICATION, known, scored, **by)
    rows = parquet.read_table(made.path)
    assert set(rows["decision"].to_pylist()) == {"approve", "refer"}
    told = dict(zip(rows["application_id"].to_pylist(), rows["unusual"].to_pylist(), strict=True))
    assert scored.unusual is not None
    assert told == dict(zip(known["application_id"].to_pylist(), scored.unusual.tolist(), strict=True))
    assert scored.unusual.max() >= strategy.over(scored.unusual, 0.02)
