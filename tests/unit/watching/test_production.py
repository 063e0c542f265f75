from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanbook.errors import WatchingError
from loanbook.lending import scoring
from loanbook.settings import Settings
from loanbook.training.bundle import Bundle
from loanbook.watching import drift, production
from loanbook.watching.production import Reviewed

REVIEWED = Reviewed(auc=0.8, bad_rate=0.2, mean_pd=0.2)
SINCE = datetime(2024, 1, 1)


def measure(bundle: Bundle, current: pa.Table, ripe: pa.Table | None = None) -> Any:
    return production.measure(
        bundle, current, expected_rows=800.0, mix_psi={}, ripe=ripe, reviewed=REVIEWED, threads=1
    )


def test_people_like_those_at_the_door_have_not_moved(bundle: Bundle, book: pa.Table) -> None:
    found = measure(bundle, book)

    assert found.rows == 800
    assert found.score_psi < 0.05
    assert found.feature_psi.keys() == set(bundle.plan.features)
    assert max(found.feature_psi.values()) < 0.05
    assert max(map(abs, found.missing_rise.values())) < 0.01
    assert found.outcomes is None


def test_a_source_that_dies_is_seen_in_its_feature_and_in_the_score(bundle: Bundle, book: pa.Table) -> None:
    dead = book.set_column(3, "bureau_score", [pa.array([None] * 800, pa.float64())])

    found = measure(bundle, dead)

    assert found.missing_rise["bureau_score"] == pytest.approx(1.0)
    assert found.feature_psi["bureau_score"] > 1
    assert found.score_psi > 0.2
    assert found.feature_psi["debt"] < 0.05


def test_a_change_of_unit_is_seen(bundle: Bundle, book: pa.Table) -> None:
    found = measure(bundle, book.set_column(4, "debt", [book["debt"].to_numpy() * 100]))

    assert found.feature_psi["debt"] > 0.25


def test_an_empty_period_is_refused(bundle: Bundle, book: pa.Table) -> None:
    with pytest.raises(WatchingError, match=r"no application came.*--since"):
        measure(bundle, book.slice(0, 0))


def outcomes(bundle: Bundle, book: pa.Table, bad: Any) -> pa.Table:
    return book.append_column("outcome", [np.where(bad, "bad", "good").tolist()])


def test_outcomes_that_came_as_predicted_show_no_fall(bundle: Bundle, book: pa.Table) -> None:
    pd = scoring.pds(bundle, book, threads=1)
    bad = np.random.default_rng(1).random(800) < pd

    found = measure(bundle, book, outcomes(bundle, book, bad)).outcomes

    assert found["rows"] == 800
    assert found["bads"] == bad.sum()
    assert found["auc_fall"] < 0.02
    assert found["bad_rate_ratio"] == pytest.approx(1, abs=0.2)


def test_outcomes_by_lot_show_a_fall_and_too_many_bads_a_ratio(bundle: Bundle, book: pa.Table) -> None:
    bad = np.random.default_rng(1).random(800) < 0.6

    found = measure(bundle, book, outcomes(bundle, book, bad)).outcomes

    assert found["auc_fall"] > 0.15
    assert found["bad_rate_ratio"] > 2


def test_of_no_outcome_or_one_kind_of_it_nothing_is_said(bundle: Bundle, book: pa.Table) -> None:
    all_good = outcomes(bundle, book, np.zeros(800, bool))

    assert measure(bundle, book, all_good.slice(0, 0)).outcomes is None
    assert measure(bundle, book, all_good).outcomes is None


def applications(*rows: tuple[int, str, float]) -> list[dict[str, Any]]:
    return [
        {
            "application_id": f"A{n}",
            "product": product,
            "amount": Decimal(1),
            "term_months": term,
            "event_at": SINCE + timedelta(days=day),
            "available_at": SINCE + timedelta(days=day),
        }
        for n, (day, product, term) in enumerate(rows)
    ]


def mixed(tmp_path: Path, publish: Any, *rows: tuple[int, str, float]) -> dict[str, float]:
    paths = publish(tmp_path / "published", {"applications": applications(*rows)})
    year = timedelta(days=365)
    return production.mix(
        Settings(home=tmp_path, threads=1), paths, before=SINCE - year, since=SINCE, until=SINCE + year
    )


def test_a_mix_that_stays_has_no_index(tmp_path: Path, publish: Any) -> None:
    rows = [(day, product, 12.0) for day in (-5, 5) for product in ("auto", "consumer")]

    assert mixed(tmp_path, publish, *rows) == {"product": 0, "product and term": 0}


def test_a_term_that_never_was_moves_the_mix_and_not_the_product(tmp_path: Path, publish: Any) -> None:
    rows = [(-5, "auto", 36.0)] * 4 + [(5, "auto", 36.0)] * 2 + [(5, "auto", 60.0)] * 2

    found = mixed(tmp_path, publish, *rows)

    assert found["product"] == 0
    assert found["product and term"] > 1


def test_a_period_bound_belongs_to_the_later_period(tmp_path: Path, publish: Any) -> None:
    rows = [(-365, "auto", 12.0), (-366, "consumer", 12.0), (0, "auto", 12.0), (365, "consumer", 12.0)]

    assert mixed(tmp_path, publish, *rows)["product"] == 0


def test_a_mix_with_nothing_before_it_is_refused(tmp_path: Path, publish: Any) -> None:
    with pytest.raises(WatchingError, match="nothing to compare"):
        mixed(tmp_path, publish, (5, "auto", 12.0))


def test_a_large_table_is_shown_by_a_seeded_part_of_it() -> None:
    table = pa.table({"x": np.arange(drift.ROWS + 500)})

    one, again, other = (drift._sample(table, seed) for seed in (1, 1, 2))

    assert len(one) == drift.ROWS
    assert one.equals(again)
    assert not one.equals(other)
    assert len(drift._sample(table.slice(0, 9), 1)) == 9
