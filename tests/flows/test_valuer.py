"""A line that predicts an amount goes the same way: reviewed, signed, promoted, asked, made again."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from loanbook.errors import PolicyError, UnsignedError

pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parents[2] / "../shared/data/used_cars_uk"
MODEL, LINE = "used_cars_uk.vehicle_value", "vehicle_value"
EVERY = 10


@pytest.fixture(scope="module")
def listings(tmp_path_factory):
    """Lay every tenth real listing aside."""
    if not DATA.is_dir():
        pytest.skip(f"the real data is absent: {DATA}")
    folder = tmp_path_factory.mktemp("listings")
    for path in sorted(DATA.glob("*.csv")):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        kept = [head, *islice(rows, 0, None, EVERY)]
        (folder / path.name).write_text("\n".join(kept) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def dealer(make_stage, listings):
    """Go the way up to the review, with two people who may sign."""
    stage = make_stage()
    made = stage.call("lifecycle", dataset="used_cars_uk", data=str(listings), line=LINE)
    stage.enrol("erin", "engineer", "reviewer")
    stage.enrol("rui", "reviewer")
    return stage, made["lines"][0]["review"]


def test_a_valuer_is_reviewed_signed_promoted_asked_and_made_again(dealer):
    from loanbook.governance.approvals import Conditions, Decision
    from loanbook.governance.signoff import Word, sign

    stage, review = dealer
    assert review["shut"] == []
    assert review["metrics"]["median_ape"] < 0.08
    assert Path(review["dossier"]).is_file()
    with pytest.raises(UnsignedError, match="0 of 1 signatures"):
        stage.call("promote", model=MODEL, version=1)
    word = Word(MODEL, 1, Decision("approve"), "I read the dossier", Conditions())
    sign(stage.settings, word, stage.key("rui"), stage.entries()[-1].at)
    stage.call("promote", model=MODEL, version=1)

    book = stage.call("score", dataset="used_cars_uk", line=LINE)
    rows = pq.read_table(book["lies"])
    assert rows.num_rows == 4 * book["rows"] > 30_000
    values = np.column_stack([rows[name].to_numpy() for name in ("value_10", "value_50", "value_90")])
    assert (np.diff(values, axis=1) >= 0).all()
    assert (np.diff(values[:, 1].reshape(-1, 4), axis=1) <= 0).all()
    assert set(rows["bundle"].to_pylist()) == {stage.entries("promotion")[-1].body["bundle"]}
    with pytest.raises(PolicyError, match="nothing watches it"):
        stage.call("monitor", dataset="used_cars_uk", line=LINE)

    again = stage.call("reproduce", model=MODEL, version=1)
    assert again["metrics"] == review["metrics"]
    assert stage.entries("reproduction")[-1].body["same"]
