from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from pyarrow import parquet

from loanbook import digests
from loanbook.errors import EvidenceError
from loanbook.governance import judging, telling, verifying
from loanbook.governance.judging import Subject
from loanbook.governance.stored import Stored
from loanbook.settings import Settings
from loanbook.training import bundle, evaluation, fitting, splits
from loanbook.training.candidate import Order
from loanbook.training.candidates import Made

PARTS = {
    "second_model", "intervals", "segments", "vintages", "reliability", "venn_abers", "data_size", "monotone",
    "sensitivity", "stress", "reasons",
}  # fmt: skip


@pytest.fixture(scope="module")
def subject(made: Made, order: Order) -> Subject:
    stored, table = parquet.read_table(made.predictions), parquet.read_table(order.frame)
    places = pc.index_in(stored["application_id"], value_set=table["application_id"].combine_chunks())
    sample = np.array(stored["sample"].to_pylist())
    return Subject(
        bundle=bundle.read(made.bundle),
        known=table.take(pa.array(places.to_numpy(zero_copy_only=False))),
        pd=stored["pd"].to_numpy(),
        scorecard_pd=stored["scorecard_pd"].to_numpy(),
        bad=np.array(stored["bad"].to_pylist()),
        rows={name: sample == name for name in splits.SAMPLES},
        decided=np.asarray(stored["decided_at"].to_numpy()),
        ripe=np.ones(stored.num_rows, dtype=bool),
        declared=order.line.monotone,
    )


@pytest.fixture(scope="module")
def judged(subject: Subject) -> dict[str, Any]:
    return judging.judge(subject)


def test_every_part_is_measured_and_is_plain_json(judged: dict[str, Any]) -> None:
    assert set(judged) == PARTS
    assert not [name for name, part in judged.items() if "unmeasured" in part and name != "sensitivity"]
    assert json.loads(json.dumps(judged, allow_nan=False)) == judged


def test_judging_twice_gives_the_same_figures(subject: Subject, judged: dict[str, Any]) -> None:
    assert judging.judge(subject) == judged


def test_both_models_are_judged_on_the_same_rows(subject: Subject, judged: dict[str, Any]) -> None:
    report, found = subject.rows["report"], judged["second_model"]

    assert found["metrics"]["rows"] == report.sum()
    assert found["auc"]["first"] == pytest.approx(evaluation.auc(subject.pd[report], subject.bad[report])[0])
    assert found["auc"]["second"] == pytest.approx(found["metrics"]["auc"])
    assert found["auc"]["second"] > 0.7


def test_every_part_of_a_segmentation_together_is_the_report_sample(
    subject: Subject, judged: dict[str, Any]
) -> None:
    report = subject.rows["report"]

    parts = judged["segments"]["housing"]
    assert sum(part["rows"] for part in parts) == report.sum()
    assert sum(part["bads"] for part in parts) == subject.bad[report].sum()
    assert judged["segments"]["term_months"] == judging.ABSENT, "the drawn training set has no term"
    assert sum(part["rows"] for part in judged["vintages"]["quarters"]) == report.sum()


def test_a_quarter_that_is_not_wholly_ripe_gives_no_figure(subject: Subject) -> None:
    unripe = np.flatnonzero(subject.rows["report"])[-1]
    ripe = subject.ripe.copy()
    ripe[unripe] = False
    found = judging.judge(replace(subject, ripe=ripe))["vintages"]

    assert len(found["unripe"]) == 1
    assert found["unripe"][0] not in [part["part"] for part in found["quarters"]]


def test_no_outcome_of_the_report_sample_moves_what_only_other_samples_may_tell(
    subject: Subject, judged: dict[str, Any]
) -> None:
    turned = np.where(subject.rows["report"], ~subject.bad, subject.bad)
    found = judging.judge(replace(subject, bad=turned))

    for name in ("data_size", "monotone", "sensitivity", "stress"):
        assert found[name] == judged[name], name
    for name in ("second_model", "intervals", "reliability"):
        assert found[name] != judged[name], name


def test_the_shipped_bundle_keeps_every_declared_sign(judged: dict[str, Any], order: Order) -> None:
    found = judged["monotone"]

    assert set(found["declared"]) == {"bureau_score", "debt_to_income", "employment_months"}
    assert all(one["holds"] and one["against"] == 0 for one in found["features"].values())


rows = st.tuples(
    st.one_of(st.just(np.nan), st.floats(300, 900)),
    st.one_of(st.just(np.nan), st.floats(0, 3)),
    st.one_of(st.just(np.nan), st.floats(0, 300)),
    st.sampled_from([np.nan, 0.0, 1.0, 2.0]),
    st.one_of(st.just(np.nan), st.floats(0, 20_000)),
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(row=rows)
def test_no_pd_of_the_shipped_bundle_moves_against_a_declared_sign(
    subject: Subject, row: tuple[float, ...]
) -> None:
    features = subject.bundle.plan.features
    ends = {"bureau_score": (250, 950), "debt_to_income": (0, 4), "employment_months": (0, 400)}
    walked = np.tile(np.array(row), (len(ends), 301, 1))
    for place, (name, (low, high)) in enumerate(ends.items()):
        walked[place, :, features.index(name)] = np.linspace(low, high, 301)
    pd = subject.judge(walked.reshape(-1, len(features))).reshape(len(ends), 301)
    signs = np.array([[subject.declared[name]] for name in ends])
    assert (np.diff(pd, axis=1) * signs >= 0).all()


def test_a_sign_that_the_bundle_left_out_is_held_to_the_lines_own(subject: Subject) -> None:
    turned = {name: -sign for name, sign in subject.declared.items()}
    plan = replace(subject.bundle.plan, monotone={})
    found = judging.judge(replace(subject, bundle=replace(subject.bundle, plan=plan), declared=turned))

    assert not found["monotone"]["features"]["bureau_score"]["holds"]


def test_all_the_fit_rows_are_the_last_point_of_the_curve(subject: Subject, judged: dict[str, Any]) -> None:
    points = judged["data_size"]["points"]

    assert judged["data_size"]["sample"] == "stop"
    assert judged["data_size"]["stopped_by_it"]
    assert points[-1]["rows"] == subject.rows["fit"].sum()
    assert points[-1]["rounds"] == subject.bundle.card["rounds"]


def test_what_can_not_be_measured_is_named_and_the_rest_stands(subject: Subject) -> None:
    few = subject.bad.copy()
    few[np.flatnonzero(subject.rows["report"] & few)[1:]] = False
    found = judging.judge(replace(subject, bad=few))

    assert "two bads" in found["second_model"]["unmeasured"]
    assert "two bads" in found["intervals"]["unmeasured"]
    assert found["reliability"]
    said = telling.unmeasured({"judged": found, "stability": {}})
    assert any(line.startswith("Not measured: second model: ") for line in said)


def test_the_mix_of_what_the_model_knows_is_told_and_the_rest_named(subject: Subject) -> None:
    found = judging.mixes(subject.bundle, subject.known, subject.rows["fit"], subject.rows["report"])

    assert found == dict.fromkeys(("term_months", "channel", "loan_purpose"), judging.ABSENT)
    terms = subject.known.append_column(
        "term_months", pa.array([12.0, 24.0] * len(subject.pd))[: len(subject.pd)]
    )
    found = judging.mixes(subject.bundle, terms, subject.rows["fit"], subject.rows["report"])
    assert found["term_months"]["psi"] < 0.05


def test_every_table_of_the_page_is_made_from_what_was_judged(
    judged: dict[str, Any], subject: Subject
) -> None:
    report = subject.rows["report"]
    facts = {
        "judged": judged,
        "metrics": {"report": dict(evaluation.measures(subject.pd[report], subject.bad[report]))},
        "stability": {"mix_psi": {"term_months": {"psi": 0.01, "by_chance": 0.02}}},
    }
    tables = telling.tables(facts)

    assert [table.title for table in tables if table.absent] == []
    assert all(len(row) == len(table.heads) for table in tables for row in table.rows)


def _stored(made: Made, order: Order) -> Stored:
    return Stored(
        bundle=made.bundle,
        bundle_digest=made.record["bundle"],
        predictions=made.predictions,
        predictions_digest=digests.of_file(made.predictions),
        frame=order.frame,
        published={},
        absent_columns={},
        line=order.line,
        as_of=order.report_from or made.record["as_of"],
    )


@pytest.mark.parametrize("column", ["pd", "scorecard_pd"])
def test_a_stored_prediction_that_the_bundle_does_not_give_is_refused(
    made: Made, order: Order, subject: Subject, column: str
) -> None:
    stored = parquet.read_table(made.predictions)
    place = stored.column_names.index(column)
    forged = stored[column].to_numpy().copy()
    forged[3] = np.nextafter(forged[3], 1)
    given, there, opened = Settings(home=made.folder), _stored(made, order), bundle.read(made.bundle)
    verifying.same_scores(given, there, opened, stored, subject.known)

    changed = stored.set_column(place, column, pa.array(forged))
    with pytest.raises(EvidenceError, match=rf"1 of \d+ stored predictions \({column}\) are not"):
        verifying.same_scores(given, there, opened, changed, subject.known)
    with pytest.raises(EvidenceError, match=f"{column} is no stored prediction"):
        verifying.same_scores(given, there, opened, stored.drop([column]), subject.known)


def test_the_second_model_learned_from_the_rows_of_the_first(subject: Subject) -> None:
    """Make it again from fit and stop alone: the same card."""
    from loanbook.training import binning

    learned = subject.rows["fit"] | subject.rows["stop"]
    plan = subject.bundle.plan
    again = binning.learn(
        subject.values[learned], subject.bad[learned], fit=subject.rows["fit"][learned],
        features=plan.features, categories=plan.categories, monotone=plan.monotone,
    )  # fmt: skip

    card = subject.bundle.scorecard
    assert (again.intercept, again.characteristics) == (card.intercept, card.characteristics)
    assert fitting.thresholds(subject.bundle.model).keys() <= set(plan.features)
