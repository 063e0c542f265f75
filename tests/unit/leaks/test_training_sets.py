from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanbook import lines
from loanbook.errors import LeakError
from loanbook.features import store, tables
from loanbook.features.store import Feature, Service
from loanbook.leaks import repull, training_sets
from loanbook.leaks.findings import Verdict
from loanbook.settings import Settings
from loanbook.training.frame import Frame

ROWS = 4_000
SERVICE = Service(
    "underwriting_auto",
    tuple(
        Feature(name, "a_view", "Float64", "risk", "underwriting", None, (column,))
        for name, column in (
            ("score", "bureau_reports.score"),
            ("housing", "applications.housing"),
            ("months_to_go", "loans.term_months"),
        )
    ),
    "digest",
)
NAMES = tuple(one.name for one in SERVICE.features)


def _frame(folder: Path, *, leaks_from: int, bads: float = 0.12) -> Frame:
    """A training set in order of decision whose last feature tells the outcome from some row on."""
    chance = np.random.default_rng(3)
    bad = chance.random(ROWS) < bads
    decided = np.datetime64("2023-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    table = pa.table(
        {
            "application_id": [f"A{n:05}" for n in range(ROWS)],
            "customer_id": [f"C{n}" for n in range(ROWS)],
            "decided_at": decided,
            "outcome": np.where(bad, "bad", "good"),
            "score": 0.8 * bad + chance.normal(size=ROWS),
            "housing": pa.array(np.where(chance.random(ROWS) < 0.5, "own", "rent"), pa.string()),
            "months_to_go": np.where(np.arange(ROWS) >= leaks_from, 12.0 - 9 * bad, chance.normal(size=ROWS)),
        }
    )
    path = folder / "frame.parquet"
    pq.write_table(table, path)
    return Frame("digest", path, ROWS)


def test_a_feature_that_tells_the_outcome_is_refused_before_a_model_learns_it(tmp_path: Path) -> None:
    with pytest.raises(LeakError, match=r"months_to_go tells the outcome: AUC 1\.000"):
        training_sets.refuse(_frame(tmp_path, leaks_from=0), SERVICE, NAMES, {})


def test_honest_features_pass(tmp_path: Path) -> None:
    assert training_sets.refuse(_frame(tmp_path, leaks_from=ROWS), SERVICE, NAMES, {}) == ()


def test_a_feature_with_a_reason_passes_and_stays_named(tmp_path: Path) -> None:
    (told,) = training_sets.refuse(
        _frame(tmp_path, leaks_from=0), SERVICE, NAMES, {"months_to_go": "a test of the way itself"}
    )
    assert (told.column, told.verdict) == ("months_to_go", Verdict.EXPLAINED)


def test_the_half_that_a_model_is_reported_on_is_not_looked_at(tmp_path: Path) -> None:
    assert training_sets.refuse(_frame(tmp_path, leaks_from=ROWS // 2), SERVICE, NAMES, {}) == ()


def test_outcomes_too_few_to_judge_by_are_no_clean_bill(tmp_path: Path) -> None:
    with pytest.raises(LeakError, match=r"has \d+ bads and 1,?\d+ goods: too few.*25 of each") as refusal:
        training_sets.refuse(_frame(tmp_path, leaks_from=0, bads=0.01), SERVICE, NAMES, {})
    assert "Bring more outcomes" in str(refusal.value)


def test_a_feature_filled_in_afterwards_is_refused_and_a_corrected_one_is_asked_about() -> None:
    chance = np.random.default_rng(4)
    keys = [f"A{n}" for n in range(2_000)]
    bad = chance.random(2_000) < 0.15
    amount = chance.random(2_000)
    corrected = np.where(np.arange(2_000) % 400 == 7, amount + 1, amount)
    columns = {"application_id": keys, "same": amount, "missing": pa.nulls(2_000, pa.float64())}
    then = pa.table({**columns, "amount": amount, "stage": pa.array([None] * 2_000, pa.string())})
    stage = pa.array(np.where(bad, "late", None), pa.string())
    now = pa.table({**columns, "amount": corrected, "stage": stage})

    found = repull.features(
        then,
        now,
        ("same", "missing", "amount", "stage"),
        dict(zip(keys, bad.tolist(), strict=True)),
        "application_id",
    )

    assert {one.column: one.verdict for one in found} == {"amount": Verdict.EXPLAIN, "stage": Verdict.REFUSED}
    assert [one.figures["changed"] for one in found] == [5, bad.sum()]
    assert found[0].keys == ("A7", "A407", "A807")


def test_a_training_set_pulled_from_two_publications_names_the_features_whose_past_changed(
    tmp_path: Path, publish: Any
) -> None:
    start = datetime(2023, 1, 1)

    def lender(score: float) -> dict[str, list[dict[str, Any]]]:
        applied = [start + timedelta(days=20 + n) for n in range(30)]
        return {
            "customers": [
                {"customer_id": f"C{n}", "event_at": start, "available_at": start} for n in range(30)
            ],
            "applications": [
                {
                    "application_id": f"A{n}",
                    "customer_id": f"C{n}",
                    "product": "consumer",
                    "event_at": at,
                    "available_at": at,
                }
                for n, at in enumerate(applied)
            ],
            "bureau_reports": [
                {
                    "report_id": f"R{n}",
                    "customer_id": f"C{n}",
                    "event_at": start,
                    "available_at": start + timedelta(days=1),
                    "score": score if n == 4 else 600.0 + n,
                    "open_accounts": 2,
                }
                for n in range(30)
            ],
        }

    settings = Settings(home=tmp_path, threads=2)
    sets = []
    for name, score in (("then", 604.0), ("now", 480.0)):
        paths = publish(tmp_path / name, lender(score))
        made = tables.compute(settings, "small", name, paths)
        store.declare(settings, made)
        sets.append(made)
    line, day = lines.find("underwriting/consumer"), start + timedelta(days=40)

    found = training_sets.repulled(settings, line, paths, start + timedelta(days=90), (sets[0], day), sets[1])

    assert [(one.column, one.keys, one.figures["changed"]) for one in found] == [("bureau_score", ("A4",), 1)]
    # the others were decided after the earlier reading
    assert found[0].figures["rows"] == sum(20 + n + line.decision_days <= 40 for n in range(30))
    assert training_sets.repulled(settings, line, paths, day, (sets[1], day), sets[1]) == ()
