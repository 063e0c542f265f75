"""A lender's own tables by the command line: proposed, checked, and what is missing costs what it says."""

from __future__ import annotations

import json

import pytest

LOANS = "loan_id,customer_id,filed,amount,term,mobile,sex\n" + "".join(
    f"L{n},C{n % 7},2023-01-{1 + n % 28:02},{1000 + n}.50,12,1380000{n:04},{'mf'[n % 2]}\n" for n in range(60)
)


@pytest.fixture
def lender(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "loans.csv").write_text(LOANS)
    return tmp_path / "raw"


@pytest.fixture
def proposed(loanbook, lender):
    done = loanbook("dataset", "new", "mine", "--from", lender, "--currency", "CNY", "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_proposal_says_what_it_took_each_table_for_and_where_its_files_lie(proposed, tmp_path):
    assert proposed["made"]["raw.loans"] == "taken for applications"
    assert {"customers", "applications", "loans"} <= set(proposed["made"]["fills"].split(", "))
    assert (tmp_path / "mine" / "dataset.toml").exists()
    assert proposed["next"][1].startswith("loanbook dataset check mine --data ")


def test_a_second_proposal_leaves_the_first_alone(loanbook, lender, proposed, tmp_path):
    (tmp_path / "mine" / "applications.sql").write_text("SELECT 1 -- somebody's work")
    done = loanbook("dataset", "new", "mine", "--from", lender)
    assert done.code == 1
    assert "DatasetError: the folder is there already (mine)" in done.err
    assert "somebody's work" in (tmp_path / "mine" / "applications.sql").read_text()
    assert loanbook("dataset", "new", "mine", "--from", lender, "--into", "elsewhere").code == 0


def test_a_check_tells_columns_clocks_and_costs_and_leaves_nothing(loanbook, lender, proposed, home):
    done = loanbook("dataset", "check", "./mine", "--data", lender, "--json")
    assert done.code == 0, done.err
    made = json.loads(done.out)["made"]
    applications = next(one for one in made["tables"] if one["table"] == "applications")
    assert applications["spans"]["event_at"] == ["2023-01-01 00:00:00", "2023-01-28 00:00:00"]
    assert {"name": "amount", "null": 0.0} in applications["columns"]
    assert "declared_income" in applications["missing"]
    consumer = next(one for one in made["lines"] if one["line"] == "underwriting/consumer")
    assert consumer["lost"]["declared_income"] == ["applications.declared_income"]
    assert consumer["lost"]["payment_to_income"] == ["applications.declared_income"]
    assert "amount" not in consumer["lost"]
    assert "nothing fills repayments.days_past_due" in consumer["why_not"]
    assert not home.exists()


def test_what_names_or_protects_a_person_is_masked_in_the_rows_shown(loanbook, lender, proposed):
    for words in ((), ("--json",)):
        done = loanbook("dataset", "check", "./mine", "--data", lender, *words)
        assert done.code == 0, done.err
        assert "1380000" not in done.out
        assert "•••" in done.out


def test_a_value_that_cannot_be_read_is_counted_by_its_column(loanbook, lender, proposed):
    path = lender / "loans.csv"
    path.write_text(path.read_text().replace("1007.50", "lots; filed=x").replace("1008.50", "more"))
    done = loanbook("dataset", "check", "./mine", "--data", lender)
    assert done.code == 0, done.err
    assert "can't be read: amount in 2 rows" in done.out
    assert "lots" not in done.out


def test_an_address_typed_into_the_command_is_refused_and_not_repeated(loanbook):
    done = loanbook("dataset", "new", "bank", "--from", "postgresql://me:hunter2@db/x")
    assert done.code == 1
    assert "--from env:NAME" in done.err
    assert "hunter2" not in done.err
