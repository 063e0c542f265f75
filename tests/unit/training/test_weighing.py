from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from loanbook.governance import judging, telling_money, weighing
from loanbook.governance.case import Case
from loanbook.governance.rivals import Rival
from loanbook.lending import swaps
from loanbook.lending.economics import Terms
from loanbook.lending.strategy import CutOffs
from loanbook.schema import Grain, Purpose
from loanbook.settings import Settings
from loanbook.training import bundle, rejects, splits
from loanbook.training.candidate import Order
from loanbook.training.candidates import Made

TERMS = Terms(lgd=0.5, cost_of_funds=0.04, recovery_months=12)


@pytest.fixture(scope="module")
def case(made: Made, order: Order, tmp_path_factory: pytest.TempPathFactory, publish: Any) -> Case:
    stored, whole = parquet.read_table(made.predictions), parquet.read_table(order.frame)
    places = pc.index_in(stored["application_id"], value_set=whole["application_id"].combine_chunks())
    sample = np.array(stored["sample"].to_pylist())
    folder = tmp_path_factory.mktemp("lender")
    bad = np.array(stored["bad"].to_pylist())
    opened = bundle.read(made.bundle)
    subject = judging.Subject(
        bundle=opened,
        known=whole.take(pa.array(places.to_numpy(zero_copy_only=False))),
        pd=stored["pd"].to_numpy(),
        scorecard_pd=stored["scorecard_pd"].to_numpy(),
        bad=bad,
        rows={name: sample == name for name in splits.SAMPLES},
        decided=np.asarray(stored["decided_at"].to_numpy()),
        ripe=np.ones(stored.num_rows, dtype=bool),
        declared=order.line.monotone,
    )
    names = stored["application_id"].to_pylist()
    return Case(
        settings=Settings(home=folder, threads=1),
        subject=subject,
        frame=order.frame,
        applications=stored["application_id"].combine_chunks(),
        published=publish(folder / "published", _lender(whole, names, bad)),
        line=order.line,
        as_of=order.report_from.replace(year=2026) if order.report_from else None,
        terms=TERMS,
        rival=Rival(1, "e" * 64, "b" * 64, opened, "2021-01-01"),
        groups={
            "sex": np.where(np.arange(int((sample == "report").sum())) % 3 == 0, "f", "m").astype(object)
        },
    )


def _lender(whole: pa.Table, names: list[str], bad: Any) -> dict[str, list[dict[str, Any]]]:
    """Lend 1,000 to each: the good give back 1,150 a year on, the bad nothing. Every tenth is by lot."""
    decided = dict(zip(whole["application_id"].to_pylist(), whole["decided_at"].to_pylist(), strict=True))
    outcome = dict(zip(whole["application_id"].to_pylist(), whole["outcome"].to_pylist(), strict=True))
    applications = [
        {
            "application_id": one,
            "amount": Decimal(1000),
            "decision": "declined" if outcome[one] == "unlent" else "approved",
            "randomised": outcome[one] != "unlent" and number % 10 == 0,
        }
        for number, one in enumerate(decided)
    ]
    loans = [
        {
            "loan_id": one, "application_id": one, "event_at": decided[one], "available_at": decided[one],
            "product": "consumer", "principal": Decimal(1000), "rate": 0.24, "term_months": 12.0,
            "instalment": Decimal(95),
        }
        for one in names
    ]  # fmt: skip
    repayments = [
        {
            "repayment_id": one, "loan_id": one, "instalment_no": 1,
            "event_at": decided[one].replace(year=decided[one].year + 1, day=1),
            "available_at": decided[one].replace(year=decided[one].year + 1, day=1),
            "paid_amount": Decimal(0 if went else 1150), "balance": Decimal(1000 if went else 0),
        }
        for one, went in zip(names, bad.tolist(), strict=True)
    ]  # fmt: skip
    return {"applications": applications, "loans": loans, "repayments": repayments}


@pytest.fixture(scope="module")
def weighed(case: Case) -> dict[str, Any]:
    return weighing.weigh(case)


def chosen(weighed: dict[str, Any]) -> dict[str, Any]:
    (point,) = [one for one in weighed["economics"]["points"] if one["chosen"]]
    return dict(point)


def test_every_part_is_measured_is_plain_json_and_the_same_twice(case: Case, weighed: dict[str, Any]) -> None:
    assert set(weighed) == {"economics", "swap_set", "rejects"}
    assert not [name for name, part in weighed.items() if "unmeasured" in part]
    assert json.loads(json.dumps(weighed, allow_nan=False)) == weighed
    assert weighing.weigh(replace(case)) == weighed


def test_the_chosen_cut_off_approves_whom_the_bundle_approves_and_earns_what_they_did(
    case: Case, weighed: dict[str, Any]
) -> None:
    point, approved = chosen(weighed), case.subject.bundle.cut_offs.decide(case.pd) == "approve"
    funds = TERMS.cost_of_funds * case.proceeds.ledgers.years[approved].sum()

    assert point["approved"] == approved.sum()
    assert point["bads"] == case.bad[approved].sum()
    assert point["lent"] == approved.sum() * 1000
    cash = 150 * (approved & ~case.bad).sum() - 500 * (approved & case.bad).sum()
    assert point["realised_profit"] == pytest.approx(cash - funds)


def test_nothing_is_chosen_on_the_report_sample(case: Case, weighed: dict[str, Any]) -> None:
    turned = np.where(case.report, ~case.subject.bad, case.subject.bad)
    found = weighing.weigh(replace(case, subject=replace(case.subject, bad=turned)))

    assert chosen(found)["cut_off"] == chosen(weighed)["cut_off"]
    assert chosen(found)["realised_profit"] != chosen(weighed)["realised_profit"]


def test_the_exposure_is_of_the_last_years_door(case: Case, weighed: dict[str, Any]) -> None:
    from loanbook.training import frame

    found = weighed["economics"]["exposure"]
    assert found["decisions"] == frame.door(case.whole).num_rows
    assert found["asked"] == 1000 * found["decisions"]
    assert found["money"] == 1000 * found["approved"]
    assert 0 < found["approved"] < found["decisions"]


def test_without_terms_there_is_no_profit_and_it_is_said(case: Case) -> None:
    found = weighing.weigh(replace(case, terms=None))["economics"]

    assert found["untold"] == {"expected_profit": weighing.UNSTATED, "realised_profit": weighing.UNSTATED}
    assert {point["realised_profit"] for point in found["points"]} == {None}
    assert found["points"][-1]["bad_rate"] == pytest.approx(case.bad.mean())


def test_a_version_held_against_its_own_bytes_swaps_nobody(case: Case, weighed: dict[str, Any]) -> None:
    found = weighed["swap_set"]

    assert found["all"]["swapped_in"]["people"] == found["all"]["swapped_out"]["people"] == 0
    assert found["champion"] == {
        "version": 1, "evidence": "e" * 64, "bundle": "b" * 64, "learned_to": "2021-01-01",
    }  # fmt: skip
    assert found["unseen_by_the_champion"] is True


def test_a_stricter_champion_is_swapped_in_from_by_all_parts_together(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swaps, "FEWEST", 1)
    assert isinstance(case.rival, Rival)
    half = case.subject.bundle.cut_offs.approve_below / 2
    strict = replace(case.rival, bundle=replace(case.rival.bundle, cut_offs=CutOffs(half, half)))
    found = weighing.weigh(replace(case, rival=strict))["swap_set"]
    between = (case.pd >= half) & (case.pd < 2 * half)

    assert found["all"]["swapped_in"]["people"] == between.sum() > 0
    assert found["all"]["swapped_in"]["bads"] == case.bad[between].sum()
    assert found["all"]["swapped_in"]["profit"] == pytest.approx(case.realised[between].sum())
    assert found["all"]["swapped_out"]["people"] == 0
    for parts in (found["groups"]["sex"], found["segments"]["housing"]):
        assert not parts["too_small"]
        assert sum(one["swapped_in"]["people"] for one in parts["parts"].values()) == between.sum()


def test_a_champion_that_knows_what_the_training_set_does_not_hold_is_not_compared(case: Case) -> None:
    assert isinstance(case.rival, Rival)
    plan = case.rival.bundle.plan
    other = replace(
        case.rival,
        bundle=replace(case.rival.bundle, plan=replace(plan, features=(*plan.features, "shoe_size"))),
    )
    found = weighing.weigh(replace(case, rival=other))["swap_set"]

    assert found["unmeasured"].endswith("shoe_size")
    assert found["champion"]["version"] == 1, "which champion it was is recorded all the same"


def test_a_line_that_lends_nothing_is_not_weighed(case: Case) -> None:
    for otherwise in ({"purpose": Purpose.FRAUD}, {"grain": Grain("loan_month_id", ("loan_id",))}):
        found = weighing.weigh(replace(case, line=replace(case.line, **otherwise)))
        assert found == {name: {"unmeasured": "the line decides on no loan"} for name in weighing.PARTS}


def test_without_a_champion_it_says_so(case: Case) -> None:
    found = weighing.weigh(replace(case, rival="tiny has no champion in local"))["swap_set"]

    assert found == {"unmeasured": "tiny has no champion in local"}


def test_whoever_was_let_in_by_lot_judges_the_bounds_and_makes_none(
    case: Case, weighed: dict[str, Any]
) -> None:
    found, lot = weighed["rejects"], np.array(case.said(case.mine)["by_lot"].to_pylist()) & case.within

    assert found["by_lot"]["rows"] == lot.sum() > 20
    assert found["by_lot"]["bad_rate"] == pytest.approx(case.bad[lot].mean())
    assert found["lent"] + lot.sum() == case.within.sum()
    assert found["unlent"] == case.unlent.num_rows > rejects.FEWEST
    turned = case.subject.bad.copy()
    turned[np.flatnonzero(case.report)[lot]] ^= True
    again = weighing.weigh(replace(case, subject=replace(case.subject, bad=turned)))["rejects"]
    assert again["methods"] == found["methods"]
    assert again["by_lot"]["bad_rate"] == pytest.approx(1 - found["by_lot"]["bad_rate"])


def test_who_was_not_lent_to_came_in_the_reports_own_time(case: Case) -> None:
    decided = np.asarray(case.unlent["decided_at"].to_numpy())

    assert set(case.unlent["outcome"].to_pylist()) == {"unlent"}
    assert (decided >= case.since).all()
    assert (decided <= case.subject.decided[case.report].max()).all()


def test_where_everybody_was_lent_to_nothing_is_inferred(case: Case, tmp_path: Path) -> None:
    lent = case.whole.filter(pc.not_equal(case.whole["outcome"], "unlent"))
    parquet.write_table(lent, tmp_path / "frame.parquet")
    found = weighing.weigh(replace(case, frame=tmp_path / "frame.parquet"))

    assert "0 were not" in found["rejects"]["unmeasured"]
    assert chosen(found)["approval_rate_at_the_door"] <= chosen(found)["approval_rate"] + 0.05


def test_every_table_of_the_page_is_made_from_what_was_weighed(weighed: dict[str, Any]) -> None:
    tables = telling_money.tables({"judged": weighed})

    assert [table.title for table in tables if table.absent] == []
    assert all(len(row) == len(table.heads) for table in tables for row in table.rows)
    assert [row[1] for row in tables[0].rows].count("chosen") == 1
    assert "let in by lot" in [row[0] for row in tables[3].rows]


def test_a_table_whose_facts_are_not_there_says_so(weighed: dict[str, Any]) -> None:
    said = {table.title: table.absent for table in telling_money.tables({"judged": {}})}
    assert all(said.values())
    none = telling_money.tables({"judged": weighed | {"swap_set": {"unmeasured": "nobody is champion"}}})
    assert [table.absent for table in none if table.absent] == [
        "swap_set could not be measured: nobody is champion"
    ] * 2
