"""Raw tables that nobody described: a dataset is proposed that reads them at once, every guess told."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from loanbook.errors import DatasetError, RawFileError
from loanbook.intake import mapping, raw, snapshots
from loanbook.intake.guessing import proposing
from loanbook.intake.guessing.drafts import Titles
from loanbook.settings import Settings

DATA = (Path(__file__).resolve().parents[3] / "../shared/data").resolve()
PERSON, CARD, MOBILE = "王小明", "11010119800101123X", "13812345678"


def day(number):
    return date(2022, 1, 1) + timedelta(days=number)


def chinese(folder):
    """A small lender in Chinese: GB18030, day first, thousands, percent rates, monthly income."""
    folder.mkdir()
    dice, people = random.Random(3), [f"KH{n:05}" for n in range(60)]
    rows = [
        f"{who},{PERSON if n == 0 else f'李{n}'},{CARD if n == 0 else f'1101011980010{n:04}1'},"
        f"{MOBILE if n == 0 else f'139{n:08}'},{'男女'[n % 2]},"
        f"{1960 + n % 40}年{1 + n % 12}月3日,{day(n % 30):%Y/%m/%d}"
        for n, who in enumerate(people)
    ]
    write(folder / "客户信息.csv", "客户编号,姓名,身份证号,手机号,性别,出生日期,建档日期", rows)
    rows = [
        f"SQ{n:04};{people[n % 60]};{day(60 + n):%d/%m/%Y};{5 + n % 90},{n % 9}00.00;"
        f"{(6, 12, 24)[n % 3]};装修;{dice.randint(4000, 20000)};{('通过', '通过', '拒绝')[n % 3]};"
        f"DEV{n % 40:04};{450 + n};{day(400 + n)}"
        for n in range(150)
    ]
    write(
        folder / "申请记录.csv",
        "申请编号;客户编号;申请日期;申请金额;期限;用途;月收入;审批结果;设备号;征信评分;最后还款日",
        rows,
    )
    rows = [
        f"JJ{n:04},SQ{n:04},{people[n % 60]},{day(62 + n)},{5000 + n},{(7.2, 14.4)[n % 2]},12,结清"
        for n in range(0, 150, 3)
    ]
    write(folder / "借据.csv", "借据号,申请编号,客户编号,放款日期,放款金额,年利率(%),期数,当前状态", rows)
    rows = [
        f"JJ{n:04},{k},{day(62 + n + 30 * k)},500.5,"
        f"{day(62 + n + 30 * k + n % 7) if n % 9 else ''},500.5,{900 - k}"
        for n in range(0, 150, 3)
        for k in (1, 2, 3)
    ]
    write(folder / "还款计划.csv", "借据号,期次,应还日期,应还金额,实还日期,实还金额,剩余本金", rows)


def write(path, header, rows, encoding="gb18030"):
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)


@pytest.fixture(scope="module")
def lender(tmp_path_factory):
    """Propose a dataset for the Chinese lender, write it, and freeze what it maps."""
    root = tmp_path_factory.mktemp("chinese")
    chinese(root / "raw")
    return Written(root, [str(root / "raw")])


class Written:
    """A proposal, the folder it was written to, and its tables."""

    def __init__(self, root, origins, environment=None):
        settings = Settings(home=root / "home", threads=2)
        self.proposed = proposing.look_at(settings, origins, Titles("mine"), environment or {})
        self.folder = root / "mine"
        proposing.write(self.proposed, self.folder)
        dataset = mapping.load(self.folder)
        deliveries = raw.survey(dataset, self.proposed.found.data, environment or {})
        self.reading = snapshots.freeze(settings, dataset, deliveries, as_of=None)

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def rows(self, sql):
        with duckdb.connect() as connection:
            for each in self.reading.snapshots:
                connection.execute(f"CREATE VIEW {each.table} AS FROM {each.relation}")
            return connection.execute(sql).fetchall()

    def given(self):
        """Name every table and column that is filled."""
        return {
            f"{each.table}.{name}"
            for each in self.reading.snapshots
            for name in mapping.TABLES[each.table].names
            if name not in each.missing_columns
        }


def test_a_lender_in_chinese_is_mapped_at_once(lender):
    assert {each.table: each.rows for each in lender.reading.snapshots} == {
        "customers": 60, "applications": 150, "bureau_reports": 150,
        "links": 150, "loans": 50, "repayments": 150,
    }  # fmt: skip
    assert lender.rows("SELECT count(_broken) FROM applications") == [(0,)]
    toml = lender.text("dataset.toml")
    assert toml.count('encoding = "gb18030"') == 4
    assert 'delimiter = ";"' in toml
    assert 'currency = "CNY" # guessed' in toml


def test_days_amounts_incomes_and_decisions_are_read_as_what_they_mean(lender):
    rows = lender.rows(
        "SELECT event_at::VARCHAR, amount::VARCHAR, decision, declared_income % 12 FROM applications "
        "WHERE application_id IN ('SQ0001', 'SQ0002') ORDER BY application_id"
    )
    assert rows == [
        ("2022-03-03 00:00:00", "6100.00", "approved", 0),
        ("2022-03-04 00:00:00", "7200.00", "declined", 0),
    ]
    assert lender.rows("SELECT round(min(rate), 9), round(max(rate), 9) FROM loans") == [(0.072, 0.144)]
    assert lender.rows("SELECT birth_date::VARCHAR FROM customers WHERE customer_id = 'KH00001'") == [
        ("1961-02-03",)
    ]
    assert lender.rows("SELECT max(days_past_due), count(*) FROM repayments WHERE loan_id = 'JJ0003'") == [
        (3, 3)
    ]


def test_what_was_filled_in_after_the_outcome_is_left_out_and_told(lender):
    toml = lender.text("dataset.toml")
    assert "# left out: 当前状态: looks filled in when the outcome was known" in toml
    assert '"当前状态" =' not in toml
    assert "最后还款日: " in toml
    assert '"最后还款日" =' not in toml
    assert not any(
        "当前状态" in text or "最后还款日" in text
        for name, text in lender.proposed.files.items()
        if name != "dataset.toml"
    )


def test_every_clock_says_that_it_was_guessed(lender):
    for table in lender.proposed.proposal.tables:
        for line in lender.text(f"{table}.sql").splitlines():
            if line.split(" --")[0].rstrip(",").endswith("AS available_at"):
                assert "-- guessed: " in line, (table, line)


def test_no_raw_value_of_a_person_stands_in_what_is_written(lender):
    for text in lender.proposed.files.values():
        assert not any(secret in text for secret in (PERSON, CARD, MOBILE, "KH00001", "DEV0001"))


def test_a_folder_that_is_there_is_never_written_to(lender):
    with pytest.raises(DatasetError, match=r"the folder is there already.*--into"):
        proposing.write(lender.proposed, lender.folder)


BROKEN = {
    "申请记录.csv": ("applications", "03/03/2022", "33/03/2022", (150, 1, "申请日期=33/03/2022")),
    # what is protected is told by its look alone
    "客户信息.csv": ("customers", "1961年2月3日", "1961年13月3日", (60, 1, "出生日期 like 9999A99A9A")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_breaks_the_guessed_format_is_told_and_not_lost(lender, tmp_path, name):
    table, sound, broken, told = BROKEN[name]
    chinese(tmp_path / "raw")
    path = tmp_path / "raw" / name
    text = path.read_text(encoding="gb18030")
    assert text.count(sound) == 1
    path.write_text(text.replace(sound, broken), encoding="gb18030")
    dataset = mapping.load(lender.folder)
    deliveries = raw.survey(dataset, tmp_path / "raw")
    settings = Settings(home=tmp_path / "home", threads=2)
    reading = snapshots.freeze(settings, dataset, deliveries, as_of=None)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT count(*), count(_broken), any_value(_broken) FROM {reading.snapshot(table).relation}"
        ).fetchall()
    assert rows == [told]


EUROPEAN = "A{n};C{m};{day:%d.%m.%Y};{n}.200,50;{term};{income},00;{rate},5%;Anna Müller {n};{n}@bank.example"


def test_semicolons_commas_dots_and_cp1252_are_understood(tmp_path):
    (tmp_path / "raw").mkdir()
    rows = [
        EUROPEAN.format(n=n, m=n % 9, day=day(n), term=(36, 60)[n % 2], income=30000 + n, rate=4 + n % 3)
        for n in range(1, 41)
    ]
    header = "application_id;customer_id;filed;amount;term;annual_income;interest_rate;name;e_mail"
    write(tmp_path / "raw" / "applications.csv", header, rows, "cp1252")
    written = Written(tmp_path, [str(tmp_path / "raw")])
    assert written.rows(
        "SELECT amount::VARCHAR, declared_income::VARCHAR FROM applications WHERE application_id = 'A7'"
    ) == [("7200.50", "30007.00")]
    assert written.rows("SELECT round(rate, 9) FROM loans WHERE loan_id = 'A7'") == [(0.055,)]
    assert written.rows("SELECT name__shape FROM customers WHERE customer_id = 'C1'") == [("AAAA AAAAAA 9",)]
    assert "e_mail: identifies a person, and no table of ours holds it" in written.text("dataset.toml")


def test_epochs_thousands_and_days_of_a_term_are_told(tmp_path):
    (tmp_path / "raw").mkdir()
    rows = [f"A{n},{1640995200 + 86400 * n},{n % 5 + 1}000,{(15, 30, 90)[n % 3]},{n % 2}" for n in range(40)]
    write(
        tmp_path / "raw" / "loans.csv", "loan_id,created_at,loan_amount,term,repeat_customer", rows, "utf-8"
    )
    written = Written(tmp_path, [str(tmp_path / "raw")])
    assert written.rows(
        "SELECT event_at::VARCHAR, term_months, repeat_customer FROM applications WHERE application_id = 'A1'"
    ) == [("2022-01-02 00:00:00", 1.0, True)]
    assert "in days, for it goes from 15 to 90" in written.text("applications.sql")


def test_a_workbook_s_sheets_are_raw_tables(tmp_path, workbook, cell):
    (tmp_path / "raw").mkdir()
    deals = [["loan id", "filed", "amount", "term", "purpose"]]
    deals += [[f"L{n}", cell("day", 44900 + n), 1000 + n, 12, "car"] for n in range(20)]
    paid = [["loan id", "number", "due date", "paid date", "paid amount"]]
    paid += [
        [f"L{n}", k, cell("day", 44930 + n), cell("day", 44930 + n), 90] for n in range(20) for k in (1, 2)
    ]
    (tmp_path / "raw" / "book.xlsx").write_bytes(workbook({"Deals": deals, "Paid": paid}))
    written = Written(tmp_path, [str(tmp_path / "raw")])
    assert {each.table: each.rows for each in written.reading.snapshots}["repayments"] == 40
    assert 'sheet = "Deals"' in written.text("dataset.toml")


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR is not set")
def test_a_database_is_proposed_from_without_its_address(tmp_path, server):
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS books; DROP TABLE IF EXISTS books.loans")
        connection.execute(
            "CREATE TABLE books.loans AS SELECT 'L' || n AS loan_id, 'C' || n % 5 AS customer_id, "
            "timestamp '2022-01-01' + n * interval '1 day' AS filed, 1000 + n AS amount, 12 AS term "
            "FROM generate_series(1, 30) AS n"
        )
    environment = {"BOOKS": server.get_uri()}
    written = Written(tmp_path, ["env:BOOKS"], environment)
    toml = written.text("dataset.toml")
    assert 'address = "env:BOOKS"' in toml
    assert 'table = "books.loans"' in toml
    assert server.get_uri() not in toml
    assert "application_id" in written.text("applications.sql")


def test_an_address_in_the_command_is_refused(tmp_path):
    with pytest.raises(RawFileError, match="env:NAME") as caught:
        Written(tmp_path, ["postgresql://me:hunter2@db/x"])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2\n3,4\n", "the file has no header"),
        ("shape,colour\nround,red\n", "source looks like none of our tables|looks like none"),
        (
            "loan_id,amount,term,purpose\nL1,5,12,car\nL2,6,12,car\n",
            "no column of it reads as the time of a row",
        ),
    ],
)
def test_what_cannot_be_proposed_is_told(tmp_path, text, says):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "loans.csv").write_text(text)
    with pytest.raises(RawFileError, match=says):
        Written(tmp_path, [str(tmp_path / "raw")])


def test_a_place_with_nothing_to_read_is_told(tmp_path):
    (tmp_path / "readme.md").write_text("x")
    with pytest.raises(RawFileError, match="no raw table is there"):
        Written(tmp_path, [str(tmp_path)])
    with pytest.raises(RawFileError, match="no such file or folder"):
        Written(tmp_path, [str(tmp_path / "nowhere")])


# Of the columns that a mapping by hand fills, so many a proposal fills too.
FOUND = {"superlender": 0.80, "lending_club": 0.60, "ally_auto": 0.55}


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND)
def test_most_columns_of_a_mapping_by_hand_are_found(name, tmp_path):
    if not (DATA / name).is_dir():
        pytest.skip(f"the real data is absent: {DATA / name}")
    written = Written(tmp_path, [str(DATA / name)])
    by_hand = mapping.load(name)
    settings = replace(Settings(home=tmp_path / "by_hand"), threads=2)
    reading = snapshots.freeze(settings, by_hand, raw.survey(by_hand, DATA / name), as_of=None)
    wanted = {
        f"{each.table}.{column}"
        for each in reading.snapshots
        for column in mapping.TABLES[each.table].names
        if column not in each.missing_columns
    }
    found = len(wanted & written.given()) / len(wanted)
    assert found >= FOUND[name], (found, sorted(wanted - written.given()))
