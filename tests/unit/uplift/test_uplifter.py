from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from loanbook import lines
from loanbook.errors import AlteredError, ScoringError, TrainingError
from loanbook.governance import seals
from loanbook.governance.targeting import Targeting
from loanbook.uplift import book, making, uplifter
from loanbook.uplift.measures import Arms, Order, qini

MENU = (
    (("limit_amount", 20_000.0), ("offer", "top_up"), ("rate", 0.06)),
    (("limit_amount", 5_000.0), ("offer", "rate_cut"), ("rate", 0.14)),
)


def _area(score: Any, true: Any) -> float:
    gain = np.cumsum(true[np.argsort(-score, kind="stable")]) / len(true)
    share = np.arange(1, len(true) + 1) / len(true)
    return float(np.mean(gain - share * gain[-1]))


def test_a_planted_uplift_is_found_again(report: Any) -> None:
    told = (report["with_offer"] - report["without_offer"]).to_numpy()
    true = (report["true_with"] - report["true_without"]).to_numpy()
    assert _area(told, true) >= 0.9 * _area(true, true)
    assert told.mean() == pytest.approx(true.mean(), abs=0.03)
    assert np.polyfit(told, true, 1)[0] == pytest.approx(1, abs=0.35)


def test_a_larger_limit_and_a_lower_rate_never_add_less(ready: Any, opened: Any) -> None:
    features = ready.plan.features
    luck = np.random.default_rng(1)
    rows = ready.values[ready.treated][:50]
    rows = np.where(luck.random(rows.shape) < 0.3, np.nan, rows)
    for name, grid, sign in (
        ("limit_amount", np.linspace(0, 40_000, 300), 1),
        ("rate", np.linspace(0, 0.3, 300), -1),
    ):
        walked = np.repeat(rows, len(grid), axis=0)
        walked[:, features.index(name)] = np.tile(grid, len(rows))
        told = opened.uplift(walked, threads=1).reshape(len(rows), -1)
        assert (np.diff(told, axis=1) * sign).min() >= -1e-12
        assert ((told[:, -1] - told[:, 0]) * sign).max() > 0.01


def test_what_is_answered_anyhow_is_said_without_a_look_at_the_offer(ready: Any, opened: Any) -> None:
    rows = ready.values[:200]
    other = rows.copy()
    other[:, len(opened.customer) :] = np.nan
    assert np.array_equal(opened.chances(rows, threads=1)[0], opened.chances(other, threads=1)[0])
    assert opened.offer == lines.find("uptake").label.terms


def test_what_has_no_value_is_left_out_and_who_stands_aside_is_in_no_sample(
    ready: Any, opened: Any, sender: Any
) -> None:
    assert "never_filled" not in opened.plan.features
    agreed = {name for name in ready.table["customer_id"].to_pylist() if int(name[1:]) % 20}
    assert set(ready.table["customer_id"].to_pylist()) == agreed
    assert set(ready.table["outcome"].to_pylist()) == {"taken", "left"}


def test_the_stored_predictions_tell_of_a_control_what_it_answers_and_no_uplift(made: Any) -> None:
    rows = parquet.read_table(made.predictions).to_pandas()
    controls = rows[~rows["treated"]]
    assert controls["without_offer"].between(0, 1).all()
    assert controls["with_offer"].isna().all()
    assert rows[rows["treated"]]["with_offer"].between(0, 1).all()


def test_a_level_moves_only_where_the_sample_contradicts_it() -> None:
    luck = np.random.default_rng(2)
    told = luck.uniform(0.05, 0.3, 3000)
    assert making.shift(told, luck.random(3000) < told) == 0
    doubled = making.shift(told, luck.random(3000) < 1 / (1 + np.exp(-np.log(told / (1 - told)) - 1)))
    assert doubled == pytest.approx(1, abs=0.15)
    assert making.shift(told, np.zeros(3000, dtype=bool)) == 0


def test_the_same_order_gives_the_same_bytes(make: Any, made: Any) -> None:
    again = make()
    assert (again.bundle, again.predictions_digest) == (made.bundle, made.predictions_digest)


def test_an_uplifter_comes_back_from_its_folder_as_it_was_written(
    tmp_path: Any, opened: Any, made: Any, ready: Any
) -> None:
    digest = uplifter.write(opened, tmp_path / "again")
    assert digest == made.bundle == seals.of_folder(tmp_path / "again").digest
    again = uplifter.read(tmp_path / "again", expected=digest)
    assert np.array_equal(again.uplift(ready.values, threads=1), opened.uplift(ready.values, threads=1))


@pytest.mark.parametrize("name", ["base.txt", "pull.txt", "arms.json", "card.json"])
def test_an_uplifter_with_a_file_altered_or_gone_is_not_opened(tmp_path: Any, opened: Any, name: str) -> None:
    digest = uplifter.write(opened, tmp_path / "made")
    path = tmp_path / "made" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(AlteredError, match="signed"):
        uplifter.read(tmp_path / "made", expected=digest)
    path.unlink()
    with pytest.raises(AlteredError, match=f"lacks {name}"):
        uplifter.read(tmp_path / "made")


def test_ranking_by_uplift_beats_ranking_by_response_where_they_differ() -> None:
    """Who answers anyhow comes first by response, and adds nothing."""
    luck, size = np.random.default_rng(9), 20_000
    eager, treated = luck.random(size) < 0.5, luck.random(size) < 0.5
    without, added = np.where(eager, 0.6, 0.05), np.where(eager, 0.0, 0.3)
    answered = (luck.random(size) < without + added * treated).astype(float)
    arms = Arms(treated, answered, np.ones(size), np.arange(size))
    by_uplift, by_response = (qini(arms, Order.of(one))[0] for one in (added, without + added))
    assert by_uplift == pytest.approx(0.3 / 8, abs=0.01)
    assert by_response < 0


def _grant(most: int | None = None) -> Any:
    conditions = SimpleNamespace(max_applications=most)
    return SimpleNamespace(model="m", version=1, bundle="b" * 64, policy="p" * 64, conditions=conditions)


def _frozen(sender: Any, ready: Any, opened: Any, least: float, most: int | None = None) -> Any:
    known = ready.table.select(["customer_id", "outreach_loans", "outreach_last_rate", "outreach_last_offer"])
    known = known.slice(0, 500)
    asked = known.select(["customer_id"]).append_column("decided_at", ready.table["decided_at"].slice(0, 500))
    menu = Targeting(least, MENU)
    return book.freeze(sender.settings, "sender", asked, known, opened, menu, _grant(most))


def test_a_book_tells_every_offers_uplift_and_picks_the_best_or_none(
    sender: Any, ready: Any, opened: Any
) -> None:
    made = _frozen(sender, ready, opened, 0.1)
    rows = parquet.read_table(made.path).to_pandas()
    assert len(rows) == 2 * made.rows == 1000
    assert rows["uplift"].to_numpy() == pytest.approx((rows["with_offer"] - rows["without_offer"]).to_numpy())
    picked = rows[rows["picked"]]
    assert picked["uplift"].min() >= 0.1
    assert set(picked["offer"]) == {"top_up"}
    assert made.picked["no offer"] == 500 - len(picked)
    assert 0 < len(picked) < 500
    assert set(rows["bundle"]) == {"b" * 64}
    assert set(rows["policy"]) == {"p" * 64}
    nobody = _frozen(sender, ready, opened, 0.99)
    assert nobody.picked["no offer"] == 500
    with pytest.raises(ScoringError, match="the approval allows 499"):
        _frozen(sender, ready, opened, 0.1, 499)


@pytest.mark.parametrize(
    ("name", "value"), [("offer", "voucher"), ("rate", 0.01), ("limit_amount", 1e6), ("rate", "low")]
)
def test_an_offer_that_the_lot_never_tried_is_not_told_of(opened: Any, name: str, value: Any) -> None:
    with pytest.raises(ScoringError, match="the lot never tried"):
        book.encoded(opened, [dict(MENU[0]) | {name: value}])
    with pytest.raises(ScoringError, match="Its terms are"):
        book.encoded(opened, [{"offer": "top_up"}])


def test_terms_are_laid_beside_every_customer() -> None:
    laid = uplifter.with_terms(
        np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    )
    assert laid.tolist() == [[1, 5, 6], [1, 7, 8], [2, 5, 6], [2, 7, 8]]


def test_a_name_that_is_a_feature_and_a_term_is_refused(sender: Any) -> None:
    with pytest.raises(TrainingError, match="rate is a customer's feature and an offer's term"):
        making.prepare(replace(sender.order, features=("outreach_loans", "rate")))
