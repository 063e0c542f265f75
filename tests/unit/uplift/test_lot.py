from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanbook import lines
from loanbook.errors import TrainingError
from loanbook.schema import Purpose
from loanbook.settings import Settings
from loanbook.training import frame, lots
from loanbook.uplift import lot, samples

from ..reviewing import publish

DAY, AS_OF = datetime(2024, 1, 1), datetime(2024, 3, 1)
CONTACTS = (
    # contact, customer, offer, limit, rate, by lot, answer, known after
    ("taken", "yes", "top_up", 5000.0, 0.1, True, True, 14),
    ("left", "yes", "none", None, None, True, False, 14),
    ("judged", "yes", "top_up", 5000.0, 0.1, False, True, 14),
    ("unsaid lot", "yes", "top_up", 5000.0, 0.1, None, True, 14),
    ("refused", "no", "top_up", 5000.0, 0.1, True, True, 14),
    ("never asked", "null", "top_up", 5000.0, 0.1, True, True, 14),
    ("stranger", "who", "top_up", 5000.0, 0.1, True, True, 14),
    ("unanswered", "yes", "top_up", 5000.0, 0.1, True, None, 14),
    ("no terms", "yes", "top_up", None, 0.1, True, True, 14),
    ("no offer", "yes", None, 5000.0, 0.1, True, True, 14),
    ("unripe", "yes", "top_up", 5000.0, 0.1, True, True, 90),
)
EXPECTED = {
    "taken": "taken", "left": "left", "judged": "judged", "unsaid lot": "judged", "refused": "unconsented",
    "never asked": "unconsented", "stranger": "unconsented", "unanswered": "unanswered",
    "no terms": "unanswered", "no offer": "unanswered", "unripe": "unripe",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", threads=1)


@pytest.fixture
def published(settings: Settings, tmp_path: Path) -> dict[str, Path]:
    names = ("contact_id", "customer_id", "offer", "limit_amount", "rate", "randomised", "response")
    columns: dict[str, Any] = {name: [row[place] for row in CONTACTS] for place, name in enumerate(names)}
    columns["event_at"] = [DAY] * len(CONTACTS)
    columns["available_at"] = [DAY + timedelta(days=row[-1]) for row in CONTACTS]
    customers = {
        "customer_id": ["yes", "no", "null"],
        "consent_marketing": [True, False, None],
        "event_at": [DAY] * 3,
        "available_at": [DAY] * 3,
    }
    return {
        "contacts": publish(settings, tmp_path, "contacts", columns),
        "customers": publish(settings, tmp_path, "customers", customers),
    }


@pytest.fixture
def outcomes(settings: Settings, published: dict[str, Path]) -> Any:
    return frame.outcomes(settings, published, lines.find("uptake"), AS_OF)


def test_every_contact_has_one_outcome_and_is_counted(outcomes: Any) -> None:
    found = dict(zip(outcomes["contact_id"].to_pylist(), outcomes["outcome"].to_pylist(), strict=True))
    assert found == EXPECTED
    counts = frame.counts(outcomes)
    assert counts == {
        "taken": 1, "left": 1, "unripe": 1, "unanswered": 3, "judged": 2, "unconsented": 3,
    }  # fmt: skip
    assert sum(counts.values()) == len(CONTACTS)


def test_what_was_sent_by_judgement_or_to_who_did_not_agree_is_learned_from_by_nobody(outcomes: Any) -> None:
    earlier = outcomes.filter([one != "unripe" for one in outcomes["outcome"].to_pylist()])
    assert set(frame.wanted(earlier)["contact_id"].to_pylist()) == {"taken", "left"}


def test_a_contact_is_decided_when_it_is_sent_and_ripe_when_its_answer_is_known(outcomes: Any) -> None:
    assert set(outcomes["decided_at"].to_pylist()) == {DAY}
    assert outcomes["ripe_at"].to_pylist()[0] == DAY + timedelta(days=14)


def test_an_offer_is_made_to_customers_who_agreed_alone(
    settings: Settings, published: dict[str, Path]
) -> None:
    line = lines.find("uptake")
    found = frame.customers(settings, published, line, since=datetime.min, until=AS_OF)
    assert found["customer_id"].to_pylist() == ["yes"]
    later = frame.customers(settings, published, line, since=AS_OF, until=AS_OF + timedelta(days=9))
    assert not later.num_rows


def test_a_lender_that_tells_no_consents_has_no_outcome(
    settings: Settings, published: dict[str, Path]
) -> None:
    with pytest.raises(TrainingError, match="has no customers"):
        frame.outcomes(settings, {"contacts": published["contacts"]}, lines.find("uptake"), AS_OF)


def test_the_line_serves_marketing_and_its_purpose_decides_who_must_agree() -> None:
    line = lines.find("uptake")
    assert line.purpose is Purpose.MARKETING
    assert "consent_marketing" in lot.lot_sql(line, as_of=AS_OF)
    assert "consent_marketing" not in lot.lot_sql(replace(line, purpose=Purpose.SERVICING), as_of=AS_OF)
    with pytest.raises(TrainingError, match="predicts no uplift"):
        lot.uplift_of(lines.find("fraud"))


def _split(size: int = 4000, *, treated: Any = None, customers: Any = None) -> lots.Split:
    decided = np.datetime64("2022-01-01", "us") + np.arange(size) * np.timedelta64(6, "h")
    luck = np.random.default_rng(8)
    return samples.by_time(
        decided,
        decided + np.timedelta64(14, "D"),
        np.array([f"C{n}" for n in range(size)], dtype=object) if customers is None else customers,
        luck.random(size) < 0.75 if treated is None else treated,
        report_from=None,
    )


def test_samples_follow_each_other_and_an_answer_that_came_too_late_is_embargoed() -> None:
    split = _split()
    ends = [np.flatnonzero(split.rows(name)) for name in lots.SAMPLES]
    assert all(one.max() < later.min() for one, later in pairwise(ends))
    assert split.facts["embargoed"] == 14 * 4 - 1  # what was ripe on the very day counts
    assert ends[3].min() - ends[2].max() == 14 * 4


def test_no_customer_stands_in_two_samples() -> None:
    customers = np.array([f"C{n % 3000}" for n in range(4000)], dtype=object)
    split = _split(customers=customers)
    seen = [set(customers[split.rows(name)]) for name in lots.SAMPLES]
    assert sum(map(len, seen)) == len(set().union(*seen))
    assert int(str(split.facts["grouped_out"])) > 0


def test_a_sample_without_controls_is_refused() -> None:
    with pytest.raises(TrainingError, match="offers and 0 controls"):
        _split(treated=np.arange(4000) < 3000 + 1000)
