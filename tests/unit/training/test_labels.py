"""Which outcomes count, and from when on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import StorageError, TrainingError
from loanbook.schema import APPLICATION, CaseLabel, Label, Line, Purpose
from loanbook.settings import Settings
from loanbook.training import frame

APPLIED = datetime(2022, 1, 31)
WINDOW_END = datetime(2023, 1, 31)
RIPE = datetime(2023, 2, 28)
LINE = Line(
    name="underwriting/consumer",
    title="a line",
    product="consumer",
    purpose=Purpose.UNDERWRITING,
    label=Label(days_past_due=30, window_months=12, ripening_months=1),
    decision_days=3,
    feature_service="underwriting_consumer",
    monotone={},
)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
Outcome = Callable[..., dict[str, Any]]


def paid(at: datetime, days: int, *, known: datetime | None = None, balance: int = 100) -> dict[str, Any]:
    return {
        "loan_id": "L1",
        "event_at": at,
        "available_at": known or at,
        "days_past_due": days,
        "balance": balance,
    }


FOLLOWED = paid(WINDOW_END, 0)


@pytest.fixture
def outcome(tmp_path: Path, publish: Any) -> Outcome:
    """Give the outcome of one application with its loan and repayments."""

    def one(
        *repayments: dict[str, Any],
        as_of: datetime = RIPE,
        loan: dict[str, Any] | None = None,
        lent: bool = True,
        **application: Any,
    ) -> dict[str, Any]:
        asked = {"application_id": "A1", "customer_id": "C1", "product": "consumer"}
        clocks = {"event_at": APPLIED, "available_at": APPLIED}
        loans = [clocks | {"loan_id": "L1", "application_id": "A1", "term_months": 36.0} | (loan or {})]
        paths = publish(
            tmp_path / "published",
            {
                "applications": [clocks | asked | application],
                "loans": loans if lent else [],
                "repayments": [row | {"repayment_id": f"P{n}"} for n, row in enumerate(repayments)],
            },
        )
        table = frame.outcomes(Settings(home=tmp_path / "home", threads=1), paths, LINE, as_of)
        (row,) = table.to_pylist()
        return dict(row)

    return one


def test_a_loan_that_pays_through_its_window_is_good(outcome: Outcome) -> None:
    got = outcome(FOLLOWED)

    assert got["outcome"] == "good"
    assert (got["window_end"], got["ripe_at"]) == (WINDOW_END, RIPE)
    assert got["decided_at"] == got["entered_at"] == APPLIED + 3 * DAY
    assert got["vehicle_id"] == ""


@pytest.mark.parametrize(("days", "expected"), [(29, "good"), (30, "bad"), (31, "bad")])
def test_a_loan_is_bad_from_the_named_lateness_on(outcome: Outcome, days: int, expected: str) -> None:
    assert outcome(paid(APPLIED + 90 * DAY, days), FOLLOWED)["outcome"] == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (WINDOW_END - TICK, "bad"),
        (WINDOW_END, "bad"),
        (WINDOW_END + TICK, "good"),
        (WINDOW_END + DAY, "good"),
    ],
)
def test_a_lateness_counts_to_the_last_moment_of_the_window(
    outcome: Outcome, at: datetime, expected: str
) -> None:
    assert outcome(paid(at, 30), FOLLOWED)["outcome"] == expected


@pytest.mark.parametrize(("days", "expected"), [(34, "good"), (35, "bad")])
def test_a_loan_turns_bad_on_the_day_it_is_that_late_though_its_row_is_later(
    outcome: Outcome, days: int, expected: str
) -> None:
    assert outcome(paid(WINDOW_END + 5 * DAY, days), FOLLOWED)["outcome"] == expected


@pytest.mark.parametrize(("as_of", "expected"), [(RIPE - TICK, "unripe"), (RIPE, "good")])
def test_no_outcome_counts_before_its_window_has_ripened(
    outcome: Outcome, as_of: datetime, expected: str
) -> None:
    assert outcome(FOLLOWED, as_of=as_of)["outcome"] == expected


def test_a_loan_that_is_bad_already_is_unripe_until_the_good_ones_could_be(outcome: Outcome) -> None:
    assert outcome(paid(APPLIED + 60 * DAY, 90), as_of=RIPE - TICK)["outcome"] == "unripe"


def test_a_lateness_that_became_known_too_late_is_not_counted_before(outcome: Outcome) -> None:
    late = paid(APPLIED + 90 * DAY, 60, known=RIPE + TICK)

    assert outcome(late, FOLLOWED)["outcome"] == "good"
    assert outcome(late, FOLLOWED, as_of=RIPE + TICK)["outcome"] == "bad"


def test_a_loan_of_which_nobody_knew_yet_is_not_counted(outcome: Outcome) -> None:
    assert outcome(FOLLOWED, loan={"available_at": RIPE + TICK})["outcome"] == "unlent"


def test_an_application_without_a_loan_is_unlent(outcome: Outcome) -> None:
    assert outcome(lent=False)["outcome"] == "unlent"


@pytest.mark.parametrize(("before", "expected"), [(45, "good"), (46, "unfollowed")])
def test_a_ledger_that_stops_long_before_the_window_does_leaves_the_outcome_unknown(
    outcome: Outcome, before: int, expected: str
) -> None:
    assert outcome(paid(WINDOW_END - before * DAY, 0))["outcome"] == expected


def test_a_loan_without_any_ledger_is_unfollowed(outcome: Outcome) -> None:
    assert outcome()["outcome"] == "unfollowed"


def test_a_loan_that_was_paid_off_early_is_good_though_its_ledger_ends(outcome: Outcome) -> None:
    assert outcome(paid(APPLIED + 90 * DAY, 0, balance=0))["outcome"] == "good"


def test_the_window_of_a_left_truncated_loan_opens_when_it_is_first_observed(outcome: Outcome) -> None:
    seen = datetime(2022, 6, 30)

    got = outcome(paid(datetime(2023, 6, 30), 30), loan={"observed_from": seen}, as_of=datetime(2023, 7, 30))

    assert got["outcome"] == "bad"
    assert got["window_end"] == datetime(2023, 6, 30)
    assert got["entered_at"] == seen
    assert got["decided_at"] == APPLIED + 3 * DAY


def test_a_loan_observed_before_it_was_asked_for_has_its_window_from_the_application(
    outcome: Outcome,
) -> None:
    got = outcome(FOLLOWED, loan={"observed_from": APPLIED - 40 * DAY})

    assert got["window_end"] == WINDOW_END
    assert got["entered_at"] == got["decided_at"]


@pytest.mark.parametrize(
    ("term", "closes"), [(0.5, 16 + 30), (1.0, 31 + 30), (3.0, 92 + 30), (12.0, None), (None, None)]
)
def test_the_window_of_a_short_loan_closes_with_its_term_and_the_named_lateness(
    outcome: Outcome, term: float | None, closes: int | None
) -> None:
    got = outcome(FOLLOWED, loan={"term_months": term})

    assert got["window_end"] == (APPLIED + closes * DAY if closes else WINDOW_END)


def test_another_products_application_is_not_of_the_line(
    tmp_path: Path, publish: Any, outcome: Outcome
) -> None:
    with pytest.raises(ValueError, match="not enough values"):
        outcome(FOLLOWED, product="auto")


def test_an_application_that_nobody_knew_of_is_not_of_the_line(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match="not enough values"):
        outcome(FOLLOWED, available_at=RIPE + TICK)


def test_the_book_to_score_holds_who_is_decided_within_its_bounds(tmp_path: Path, publish: Any) -> None:
    since = datetime(2024, 3, 1)
    moments = [since - 3 * DAY + by for by in (-TICK, timedelta(), 10 * DAY - TICK, 10 * DAY)]
    rows = [
        {"application_id": f"A{n}", "product": "consumer", "event_at": at, "available_at": at}
        for n, at in enumerate(moments)
    ]
    paths = publish(tmp_path, {"applications": rows})

    got = frame.applications(
        Settings(home=tmp_path, threads=1), paths, LINE, since=since, until=since + 10 * DAY
    )

    assert got["application_id"].to_pylist() == ["A1", "A2"]


def rows(*outcomes: str) -> Any:
    import pyarrow as pa

    decided: Sequence[datetime] = [APPLIED + n * 200 * DAY for n in range(len(outcomes))]
    return pa.table({"decided_at": pa.array(decided, pa.timestamp("us")), "outcome": list(outcomes)})


@pytest.mark.parametrize(
    ("outcomes", "kept"),
    [
        (("good", "bad", "unlent", "good"), ["good", "bad", "good"]),
        (("good", "unripe", "good", "bad"), ["good"]),
        (("unripe", "good"), []),
        (("unfollowed", "bad"), ["bad"]),
    ],
)
def test_what_is_ripe_ends_with_the_first_decision_that_is_not(
    outcomes: tuple[str, ...], kept: list[str]
) -> None:
    assert frame.ripe(rows(*outcomes))["outcome"].to_pylist() == kept


def test_a_training_set_keeps_the_ripe_and_the_door_of_the_last_year() -> None:
    whole = rows("good", "unlent", "unripe", "unlent", "unlent")

    assert frame.wanted(whole)["outcome"].to_pylist() == ["good", "unlent", "unlent"]
    assert frame.door(whole)["outcome"].to_pylist() == ["unlent", "unlent"]
    assert frame.counts(whole) == {"good": 1, "bad": 0, "unripe": 1, "unfollowed": 0, "unlent": 3}


def test_a_line_without_an_application_is_refused() -> None:
    with pytest.raises(TrainingError, match="nobody to judge"):
        frame.wanted(rows().slice(0, 0))


def test_what_was_decided_after_a_moment_excludes_the_moment() -> None:
    assert frame.after(rows("good", "bad", "good"), APPLIED + 200 * DAY).num_rows == 1


def test_a_frozen_training_set_is_found_by_its_digest_and_refused_when_changed(tmp_path: Path) -> None:
    place = Settings(home=tmp_path, threads=1)
    outcomes = rows("good", "bad")
    outcomes = outcomes.append_column("application_id", [["A1", "A2"]])
    history = outcomes.select(["application_id"]).append_column("score", [[1.0, None]])

    made = frame.freeze(place, "tiny", APPLICATION, outcomes, history)

    assert frame.read(place, "tiny", made.digest) == made
    with made.path.open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(StorageError, match="gone or changed"):
        frame.read(place, "tiny", made.digest)


def test_a_history_of_other_rows_than_the_outcomes_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    outcomes = rows("good", "bad").append_column("application_id", [["A1", "A2"]])
    history = pa.table({"application_id": ["A2", "A1"], "score": [1.0, 2.0]})

    with pytest.raises(TrainingError, match="not of the 2 outcomes"):
        frame.freeze(Settings(home=tmp_path, threads=1), "tiny", APPLICATION, outcomes, history)


FRAUD = replace(
    LINE,
    name="fraud",
    product=None,
    purpose=Purpose.FRAUD,
    label=CaseLabel(window_months=9, ripening_months=1),
)
DECIDED = APPLIED + 3 * DAY
FOUND_BY = datetime(2022, 11, 3)
CLOSED = datetime(2022, 12, 3)


@pytest.fixture
def finding(tmp_path: Path, publish: Any) -> Outcome:
    """Give the outcome of one application with its cases."""

    def one(
        *cases: dict[str, Any], as_of: datetime = CLOSED, lent: bool = False, **asked: Any
    ) -> dict[str, Any]:
        clocks = {"event_at": APPLIED, "available_at": APPLIED}
        row = clocks | {"application_id": "A1", "customer_id": "C1", "product": "consumer"} | asked
        loans = [clocks | {"loan_id": "L1", "application_id": "A1"}] if lent else []
        told = [{"case_id": f"Q{n}", "application_id": "A1"} | case for n, case in enumerate(cases)]
        other = closed(APPLIED, outcome="confirmed") | {"case_id": "Q9", "application_id": "A9"}
        tables = {"applications": [row], "loans": loans, "cases": [*told, other]}
        paths = publish(tmp_path / "published", tables)
        (found,) = frame.outcomes(
            Settings(home=tmp_path / "home", threads=1), paths, FRAUD, as_of
        ).to_pylist()
        return dict(found)

    return one


def closed(at: datetime, *, outcome: str, known: datetime | None = None) -> dict[str, Any]:
    return {"event_at": at, "available_at": known or at, "outcome": outcome}


@pytest.mark.parametrize("product", ["auto", "consumer"])
@pytest.mark.parametrize("lent", [True, False])
def test_a_confirmed_case_is_bad_of_whatever_product_and_lent_or_not(
    finding: Outcome, product: str, lent: bool
) -> None:
    got = finding(closed(FOUND_BY - DAY, outcome="confirmed"), product=product, lent=lent)

    assert (got["outcome"], got["bad_at"]) == ("bad", FOUND_BY - DAY)
    assert got["loan_id"] == ("L1" if lent else None)
    assert (got["decided_at"], got["entered_at"]) == (DECIDED, DECIDED)
    assert (got["window_end"], got["ripe_at"]) == (FOUND_BY, CLOSED)


def test_a_cleared_case_and_no_case_are_good(finding: Outcome) -> None:
    assert finding(closed(FOUND_BY - DAY, outcome="cleared"))["outcome"] == "good"
    assert finding()["outcome"] == "good"


@pytest.mark.parametrize(("at", "expected"), [(FOUND_BY, "bad"), (FOUND_BY + TICK, "good")])
def test_a_case_counts_to_the_last_moment_of_the_window(
    finding: Outcome, at: datetime, expected: str
) -> None:
    assert finding(closed(at, outcome="confirmed"))["outcome"] == expected


def test_a_case_that_wasnt_known_yet_is_not_counted(finding: Outcome) -> None:
    case = closed(FOUND_BY - DAY, outcome="confirmed", known=CLOSED + TICK)

    assert finding(case)["outcome"] == "good"
    assert finding(case, as_of=CLOSED + TICK)["outcome"] == "bad"


def test_before_the_window_has_ripened_nobody_is_good_or_bad(finding: Outcome) -> None:
    case = closed(APPLIED + 60 * DAY, outcome="confirmed")

    assert finding(case, as_of=CLOSED - TICK)["outcome"] == "unripe"
    assert finding(as_of=CLOSED - TICK)["outcome"] == "unripe"


def test_a_dataset_without_cases_has_no_outcome_of_fraud(tmp_path: Path, publish: Any) -> None:
    clocks = {"event_at": APPLIED, "available_at": APPLIED}
    asked = {"application_id": "A1", "customer_id": "C1", "product": "consumer"}
    paths = publish(tmp_path / "published", {"applications": [clocks | asked]})
    paths.pop("cases", None)

    with pytest.raises(TrainingError, match="fraud has no outcome: the dataset has no cases"):
        frame.outcomes(Settings(home=tmp_path / "home", threads=1), paths, FRAUD, CLOSED)
