"""Two judges see every table; what a suite can't mean is refused when it is read."""

from __future__ import annotations

import json
import re
import shutil
import socket
from dataclasses import replace

import pytest

from loanbook.errors import BatchBlocked, DatasetError
from loanbook.intake.judging import finding, quality
from loanbook.intake.judging.rules import Verdict
from loanbook.settings import ROOT

HEAD = "import great_expectations.expectations as gxe\n"
OURS = "from .history import ExpectColumnSpreadToHold, ExpectColumnVolumeToBeBetween\n"
META = 'meta={"rule": "r", "action": "quarantine", "because": "so"}'
NOTE = META.replace("quarantine", "note")


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped suites, to be spoilt."""
    target = tmp_path / "expectations"
    target.mkdir()
    for path in (ROOT / "expectations").glob("*.py"):
        shutil.copy(path, target)
    return target


def outcome(verdict, rule):
    return next(each for each in verdict.rules if each.rule == rule)


def test_a_suite_s_digest_is_of_its_own_bytes_and_the_shared_ones(folder, suites):
    assert quality.load_suites(folder)["loans"].digest == suites["loans"].digest
    with (folder / "loans.py").open("a") as stream:
        stream.write("\n")
    changed = quality.load_suites(folder)
    assert changed["loans"].digest != suites["loans"].digest
    assert changed["links"].digest == suites["links"].digest
    with (folder / "every_table.py").open("a") as stream:
        stream.write("\n")
    shared = quality.load_suites(folder)["links"].digest
    assert shared != suites["links"].digest
    with (folder / "history.py").open("a") as stream:
        stream.write("\n")
    assert quality.load_suites(folder)["links"].digest not in {shared, suites["links"].digest}


def test_a_table_without_suite_is_refused(folder, suites):
    (folder / "loans.py").unlink()
    with pytest.raises(DatasetError, match="loans has no suite"):
        quality.load_suites(folder)


def test_a_suite_for_no_table_is_refused(folder, suites):
    (folder / "lones.py").write_text(HEAD)
    with pytest.raises(DatasetError, match="lones is no canonical table"):
        quality.load_suites(folder)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("()", "has no RULES"),
        (
            f'(gxe.ExpectColumnValuesToBeBetwen(column="rate", min_value=0, {META}),)',
            "can't be imported.*Betwen",
        ),
        (f'(gxe.ExpectColumnValuesToBeBetween(column="rate", min=0, {META}),)', "can't be imported"),
        (
            f'(gxe.ExpectColumnValuesToBeIncreasing(column="rate", {META}),)',
            "increasing can't be pushed down",
        ),
        (f'(gxe.ExpectColumnValuesToNotBeNull(column="rate", mostly=0.9, {META}),)', "with mostly can't"),
        (f'(gxe.ExpectColumnValuesToNotBeNull(column="rat", {META}),)', "there is no column 'rat'"),
        ('(gxe.ExpectColumnValuesToNotBeNull(column="rate"),)', "no meta with rule, action and because"),
        (
            f'(gxe.ExpectColumnValuesToNotBeNull(column="rate", {META.replace("quarantine", "hold")}),)',
            "Actions are note, quarantine, block",
        ),
        (f'(gxe.ExpectColumnValuesToNotBeNull(column="rate", {META}),) * 2', "two rules are called 'r'"),
        (f"(gxe.ExpectTableRowCountToBeBetween(min_value=1, {META}),)", "can't quarantine a row"),
        ('({"type": "expect_column_values_to_not_be_null"},)', "is no expectation"),
        (
            f'(gxe.ExpectColumnValuesToMatchRegex(column="loan_id", regex="\\\\d+", {META}),)',
            "means other things in Python and in DuckDB",
        ),
        (
            f'(gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="rate", column_B="principal", {META}),)',
            "ignore_row_if",
        ),
        (
            f'(gxe.ExpectColumnMeanToBeBetween(column="rate", {META.replace("quarantine", "note")}),)',
            "no column 'rate' to measure so",
        ),
        (f'(ExpectColumnSpreadToHold(column_A="rate", column_B="_lately", max=1, {NOTE}),)', "extra fields"),
        (
            f'(ExpectColumnSpreadToHold(column_A="rat", column_B="_lately", max_value=1, {NOTE}),)',
            "no column 'rat'",
        ),
        (
            f'(ExpectColumnSpreadToHold(column_A="rate", column_B="_readable", max_value=1, {NOTE}),)',
            "no column '_readable' to measure so.*_lately",
        ),
        (
            f'(ExpectColumnSpreadToHold(column_A="event_at", column_B="_lately", max_value=1, {NOTE}),)',
            "a TIMESTAMP has no spread",
        ),
        (
            f'(ExpectColumnSpreadToHold(column_A="rate", column_B="_lately", max_value=1, {META}),)',
            "can't quarantine a row",
        ),
        (f'(ExpectColumnVolumeToBeBetwen(column="_month", {NOTE}),)', "can't be imported.*Betwen"),
        (f'(gxe.ExpectColumnMinToBeBetween(column="rate", max_value=1, {NOTE}),)', "_age_days"),
        (f'(gxe.ExpectColumnMaxToBeBetween(column="rate", max_value=1, {NOTE}),)', "can't be pushed down"),
    ],
)
def test_a_rule_that_could_pass_silently_is_refused_when_it_is_read(folder, suites, rules, says):
    (folder / "loans.py").write_text(f"{HEAD}{OURS}RULES = {rules}\n")
    with pytest.raises(DatasetError, match=f"(?s){says}"):
        quality.load_suites(folder)


def test_a_derived_column_that_sql_cannot_make_is_refused(folder, suites):
    with (folder / "loans.py").open("a") as stream:
        stream.write('\nDERIVED = {**CLOCKS, "twice": "principle * 2"}\n')
    with pytest.raises(DatasetError, match=r"DERIVED twice fails.*principle"):
        quality.load_suites(folder)


def test_a_reason_must_tell_a_column_of_the_table(folder, suites):
    text = (folder / "vehicles.py").read_text()
    (folder / "vehicles.py").write_text(text.replace(', "model_year"),', "),"))
    with pytest.raises(DatasetError, match="a reason can't tell 'model_year_ahead'"):
        quality.load_suites(folder)


def test_a_clean_table_passes_and_both_judges_saw_all_of_it(judged, suites):
    judged.suites = suites
    for verdict in judged.judge():
        assert (verdict.action, verdict.held, verdict.judged_by_gx) == ("pass", 0, verdict.rows)
        assert all(each.passed for each in verdict.rules)


def test_a_verdict_survives_json(judged):
    judged.spoil("asked.csv", "1000.50", "-1.00")
    for verdict in judged.judge():
        assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_every_rule_says_how_many_rows_break_it(judged):
    judged.spoil("asked.csv", "1000.50", "-1.00")
    judged.spoil("asked.csv", "A2,C2", "A1,C99")
    verdict = judged.judge()[1]
    assert (verdict.action, verdict.held) == ("quarantine", 2)
    broken = {each.rule: each.broken for each in verdict.rules if not each.passed}
    assert broken == {"amount_positive": 1, "application_id_once": 1, "customer_id_known": 1}


def test_a_held_parent_makes_no_orphans(judged):
    judged.spoil("people.csv", "1953-03-04", "1987-02-31")
    customers, applications = judged.judge()
    assert (customers.held, applications.held) == (1, 0)


def test_a_rule_on_a_column_that_nobody_gives_is_passed_over_and_says_so(judged):
    judged.edit("applications.sql", "amount, ", "")
    assert outcome(judged.judge()[1], "amount_given").skipped == "the dataset doesn't give this column"


def test_a_place_outside_is_only_judged_where_the_dataset_has_one(judged):
    judged.spoil("asked.csv", "50.5,8.5", "8.5,50.5")
    assert outcome(judged.judge()[1], "place_inside").broken == 1
    judged.edit("dataset.toml", "[place]\nlat = [47.0, 55.0]\nlon = [5.0, 15.0]\n", "")
    assert outcome(judged.judge()[1], "place_inside").broken == 0


def test_the_second_time_nothing_is_judged_again(judged):
    first = judged.judge()
    page = judged.root / "home" / "reports" / "tiny" / first[0].docs
    before = page.stat().st_mtime_ns
    assert judged.judge() == first
    assert page.stat().st_mtime_ns == before
    page.unlink()
    assert judged.judge() == first
    assert page.exists()


def test_a_large_table_is_judged_by_great_expectations_on_a_sample_that_says_so(judged, monkeypatch):
    monkeypatch.setattr(finding, "SEEN_WHOLE", 30)
    monkeypatch.setattr(finding, "SAMPLE", 20)
    judged.spoil("asked.csv", "1000.50", "-1.00")
    verdict = judged.judge()[1]
    assert (verdict.rows, verdict.held) == (40, 1)
    assert 0 < verdict.judged_by_gx < 40
    page = (judged.root / "home" / "reports" / "tiny" / verdict.docs).read_text()
    assert f"a seeded sample of {verdict.judged_by_gx} rows" in page


def test_two_judges_who_disagree_block_the_batch(judged, lean):
    judged.spoil("asked.csv", "1000.50", "-1.00")
    suite = lean["applications"]
    deaf = tuple(
        replace(rule, broken="false") if rule.id == "amount_positive" else rule for rule in suite.rules
    )
    judged.suites = {**lean, "applications": replace(suite, rules=deaf, digest="0" * 64)}
    with pytest.raises(
        BatchBlocked, match=r"amount_positive: two judges disagree on 40 rows.*says 1, DuckDB 0"
    ):
        judged.judge()


def test_a_judge_who_fails_blocks_the_batch(judged, lean):
    from great_expectations.expectations import ExpectColumnValuesToBeBetween

    suite = lean["applications"]
    wrong = ExpectColumnValuesToBeBetween(
        column="product", min_value=0, meta={"rule": "amount_positive", "action": "note", "because": "x"}
    )
    rules = tuple(
        replace(rule, expects=wrong) if rule.id == "amount_positive" else rule for rule in suite.rules
    )
    judged.suites = {**lean, "applications": replace(suite, rules=rules, digest="1" * 64)}
    with pytest.raises(BatchBlocked, match="amount_positive: Great Expectations can't judge it"):
        judged.judge()


def test_data_docs_ask_nothing_of_the_network(judged):
    judged.spoil("asked.csv", "1000.50", "-1.00")
    for verdict in judged.judge():
        page = (judged.root / "home" / "reports" / "tiny" / verdict.docs).read_text()
        assert "Expectation" in page
        assert not re.findall(r"<(?:script|link|img|iframe|object|source)\b", page)
        assert not re.findall(r"""(?:src|srcset|action)\s*=\s*["']?\s*(?:https?:)?//""", page)
        assert "@import" not in page
        assert not re.findall(r"url\(\s*['\"]?(?:https?:)?//", page)


def test_data_docs_tell_no_name(judged):
    judged.spoil("people.csv", "Name 3", "Secret Pers\ufffdn")
    verdict = judged.judge()[0]
    assert outcome(verdict, "name_whole").broken == 1
    assert "Secret" not in (judged.root / "home" / "reports" / "tiny" / verdict.docs).read_text()


def test_judging_opens_no_connection_and_prints_nothing(judged, monkeypatch, capfd):
    def refuse(*_):
        raise AssertionError("judging reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    judged.judge()
    assert capfd.readouterr() == ("", "")


def test_a_measure_of_the_table_may_stop_the_batch(judged, folder):
    with (folder / "applications.py").open("a") as stream:
        stream.write(
            "\nfrom .every_table import blocking\n"
            "RULES = (*RULES, gxe.ExpectColumnMinToBeBetween("
            'column="_age_days", max_value=100, **blocking("not_too_old", "it is old")))\n'
        )
    judged.suites = quality.load_suites(folder)
    judged.edit("dataset.toml", 'licence = "made up"', 'licence = "made up"\nas_of = 2020-03-01')
    assert judged.judge()[1].action == "pass"
    judged.edit("dataset.toml", "as_of = 2020-03-01", "as_of = 2021-03-01")
    verdict = judged.judge()[1]
    assert verdict.action == "block"
    assert [(each.rule, round(each.measured or 0)) for each in verdict.blocking] == [("not_too_old", 386)]


def test_the_day_of_the_reading_is_part_of_what_was_judged(judged, suites):
    judged.suites = suites
    first = outcome(judged.judge()[1], "fresh")
    judged.edit("dataset.toml", 'licence = "made up"', 'licence = "made up"\nas_of = 2020-08-01')
    second = outcome(judged.judge()[1], "fresh")
    assert (first.passed, second.passed) == (True, False)
    assert second.told == f"measured {second.measured:.4g}"


def test_where_there_is_no_past_nothing_is_said_of_it(judged, suites):
    judged.suites = suites
    told = outcome(judged.judge()[1], "volume_as_before")
    assert (told.passed, told.measured, told.told) == (True, None, "too few rows to tell")


def test_our_own_expectations_read_as_sentences_in_data_docs(judged, suites):
    judged.suites = suites
    page = (judged.root / "home" / "reports" / "tiny" / judged.judge()[1].docs).read_text()
    assert "rows a month in the newest 3 months must be between 0.5 and 2.0 times" in page
    assert "the newest values of amount must be spread as before, up to a PSI of 0.25" in page
    assert "too few rows to tell" in page
    assert '<a href="../index.html">All tables</a>' in page
