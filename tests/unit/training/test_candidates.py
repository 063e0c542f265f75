from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from loanbook import digests, lake
from loanbook.errors import StorageError, TrainingError
from loanbook.settings import Settings
from loanbook.training import bundle, candidate, candidates, evaluation
from loanbook.training.candidate import Order
from loanbook.training.candidates import Made

Make = Callable[..., Made]


def home_of(made: Made) -> Path:
    return made.folder.parents[3]


def test_the_same_order_gives_the_same_bundle_in_another_home(made: Made, make: Make) -> None:
    other = make()

    assert home_of(other) != home_of(made)
    assert other.key == made.key
    assert other.record == made.record
    assert other.predictions.read_bytes() == made.predictions.read_bytes()


def test_the_same_training_set_elsewhere_gives_the_same_key(
    made: Made, make: Make, order: Order, tmp_path: Path
) -> None:
    moved = shutil.copy(order.frame, tmp_path / "elsewhere.parquet")

    assert make(home_of(made), replace(order, frame=Path(moved))).key == made.key


def test_the_same_order_is_not_carried_out_twice(
    made: Made, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(candidate, "make", never)

    assert make(home_of(made)) == made


def test_who_trains_and_when_makes_no_other_candidate(
    made: Made, make: Make, context: dict[str, Any]
) -> None:
    again = make(home_of(made), said=context | {"trained_by": "omar", "trained_at": "2030-01-01T00:00:00Z"})

    assert again == made
    assert again.record["trained_by"] == "erin"


@pytest.mark.parametrize("what", ["seed", "commit", "data"])
def test_another_seed_code_or_training_set_is_another_candidate(
    made: Made, order: Order, context: dict[str, Any], what: str
) -> None:
    other = {"seed": replace(order, seed=8), "data": replace(order, frame_digest="0" * 64)}.get(what, order)
    said = context | {"code": {"commit": "other"}} if what == "commit" else context

    assert candidates.key_of(other, said) != made.key


def test_a_training_that_fails_leaves_nothing(make: Make, order: Order, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="report sample is empty"):
        make(tmp_path, replace(order, report_from=datetime(2040, 1, 1)))

    assert list(lake.Lake(tmp_path).candidates("tiny").iterdir()) == []


def test_a_candidate_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no such candidate.*Train again"):
        candidates.read(Settings(home=tmp_path), "tiny", "0" * 16)


def test_the_record_names_what_was_made(made: Made, order: Order) -> None:
    assert bundle.read(made.bundle, expected=made.record["bundle"]).card["frame"] == order.frame_digest
    assert digests.of_file(made.predictions) == made.record["predictions"]
    assert made.record["seed"] == order.seed


def test_predictions_hold_every_sample_once_and_only_ripe_outcomes(made: Made, order: Order) -> None:
    rows = parquet.read_table(made.predictions).to_pylist()
    outcome = {
        row["application_id"]: row["outcome"]
        for row in parquet.read_table(order.frame, columns=["application_id", "outcome"]).to_pylist()
    }

    assert len({row["application_id"] for row in rows}) == len(rows)
    assert {row["sample"] for row in rows} == {"fit", "stop", "calibrate", "threshold", "report"}
    assert all(outcome[row["application_id"]] == ("bad" if row["bad"] else "good") for row in rows)
    assert rows == sorted(rows, key=lambda row: (row["decided_at"], row["application_id"]))
    customers: dict[str, str] = {}
    assert all(customers.setdefault(row["customer_id"], row["sample"]) == row["sample"] for row in rows)


def test_the_report_sample_is_ranked_well_and_the_approved_keep_the_bad_rate(made: Made) -> None:
    table = parquet.read_table(made.predictions)
    report = np.array(table["sample"].to_pylist()) == "report"
    pd, bad = table["pd"].to_numpy()[report], np.array(table["bad"].to_pylist())[report]
    found = evaluation.measures(pd, bad)
    approved = pd < bundle.read(made.bundle).cut_offs.approve_below

    assert found["auc"] > 0.75
    assert 0.6 < found["calibration_slope"] < 1.6
    assert approved.any()
    assert bad[approved].mean() < bad.mean() / 1.5


def test_a_bundle_says_nothing_of_a_person_a_time_or_a_place(made: Made) -> None:
    for path in made.bundle.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "erin" not in text
        assert str(home_of(made)) not in text
        assert "2024-01-01" not in text
