"""A tiny lender: two raw files, a dataset folder that reads them, and the steps of intake in a row."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import duckdb
import pytest

from loanbook.governance import people as enrolled
from loanbook.governance import signing
from loanbook.governance.ledger import of_home
from loanbook.governance.people import Person
from loanbook.governance.rulings import Action, Decision
from loanbook.held import deciding, desk, enforcing
from loanbook.held.deciding import Pen
from loanbook.held.desk import Wanted
from loanbook.intake import mapping, publishing, raw, snapshots
from loanbook.intake.judging import quality
from loanbook.intake.judging.rules import Suite, Verdict
from loanbook.intake.mapping import Dataset
from loanbook.intake.publishing import Publication
from loanbook.intake.snapshots import Reading
from loanbook.settings import ROOT, Secret, Settings

MASTER_KEY = Secret("bG9hbmJvb2sncyB0ZXN0cyBhbG9uZSB1c2UgdGhpcyE=")
NOW = datetime(2026, 11, 23, 9, 30)

TOML = """
name = "tiny"
title = "A tiny lender"
currency = "EUR"
country = "DE"
licence = "made up"

[place]
lat = [47.0, 55.0]
lon = [5.0, 15.0]

[raw.people]
files = ["people*.csv"]
format = "csv"
null = ["", "NA"]
columns = { id = "VARCHAR", born = "VARCHAR", since = "TIMESTAMP" }

[raw.asked]
files = ["asked*.csv"]
format = "csv"
columns = { id = "VARCHAR", person = "VARCHAR", day = "TIMESTAMP", amount = "DECIMAL(18,2)" }
"""

CUSTOMERS = """
SELECT id AS customer_id, since AS event_at, since AS available_at, born AS birth_date, name,
       _file, _row, _broken
FROM raw.people
"""

APPLICATIONS = """
SELECT id AS application_id, day AS event_at, day AS available_at, person AS customer_id,
       'consumer' AS product, amount, lat, lon, _file, _row, _broken
FROM raw.asked; -- one statement
"""


KEPT = {
    "some_rows",
    "few_held",
    "readable",
    "application_id_once",
    "customer_id_known",
    "amount_given",
    "amount_positive",
    "place_inside",
    "name_whole",
}


def people(count: int) -> str:
    """Write so many clean customers."""
    lines = [f"C{n},19{50 + n % 40}-03-0{1 + n % 9},2020-01-01 08:00:00,Name {n}" for n in range(count)]
    return "\n".join(["id,born,since,name", *lines]) + "\n"


def asked(count: int) -> str:
    """Write so many clean applications."""
    lines = [f"A{n},C{n % 7},2020-02-0{1 + n % 9} 10:00:00,{1000 + n}.50,50.5,8.5" for n in range(count)]
    return "\n".join(["id,person,day,amount,lat,lon", *lines]) + "\n"


@dataclass
class Tiny:
    """A dataset folder, a folder of raw files, a home; each step as one call."""

    root: Path
    suites: Mapping[str, Suite] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder.exists():
            return  # a copy of what another opened
        for folder in (self.folder, self.data):
            folder.mkdir()
        self.write("dataset.toml", TOML)
        self.write("customers.sql", CUSTOMERS)
        self.write("applications.sql", APPLICATIONS)
        self.deliver("people.csv", people(20))
        self.deliver("asked.csv", asked(40))

    @property
    def folder(self) -> Path:
        return self.root / "dataset"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home", threads=2, master_key=MASTER_KEY)

    @property
    def dataset(self) -> Dataset:
        return mapping.load(self.folder)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text of a dataset's file; it must stand there."""
        text = (self.folder / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def deliver(self, name: str, content: str | bytes) -> Path:
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def spoil(self, name: str, old: str, new: str) -> Path:
        """Replace a text of a raw file; it must stand there."""
        text = (self.data / name).read_text("utf-8")
        assert old in text
        return self.deliver(name, text.replace(old, new, 1))

    def survey(self) -> tuple[raw.Delivery, ...]:
        return raw.survey(snapshots.due(self.settings, self.dataset), self.data)

    def freeze(self, **changes: Any) -> Reading:
        settings = replace(self.settings, **changes)
        return snapshots.freeze(settings, self.dataset, self.survey(), as_of=None)

    def judge(self) -> tuple[Verdict, ...]:
        reading = self.freeze()
        return tuple(
            quality.judge(self.settings, self.dataset, reading, self.suites[each.table])
            for each in reading.snapshots
        )

    def publish(self, **options: Any) -> Publication:
        return publishing.publish(
            self.settings, self.dataset, self.freeze(), self.suites, self.judge(), **options
        )

    def rows(self, query: str) -> list[Any]:
        with duckdb.connect() as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A tiny lender, for steps that need no suite."""
    return Tiny(tmp_path)


@pytest.fixture(scope="session")
def suites() -> Mapping[str, Suite]:
    """The suites that Loanbook ships; Great Expectations takes seconds to import."""
    return quality.load_suites(ROOT / "expectations")


@pytest.fixture(scope="session")
def lean(suites: Mapping[str, Suite]) -> Mapping[str, Suite]:
    """The shipped suites with a few of their rules: Great Expectations takes some 20 ms a rule."""
    return {
        table: replace(
            suite, rules=tuple(rule for rule in suite.rules if rule.id in KEPT), digest=f"lean {suite.digest}"
        )
        for table, suite in suites.items()
    }


@pytest.fixture
def judged(tmp_path: Path, lean: Mapping[str, Suite]) -> Tiny:
    """A tiny lender with lean suites."""
    return Tiny(tmp_path, lean)


@dataclass
class Office:
    """A tiny lender with stewards, an engineer, and the desk's moves as one call each."""

    tiny: Tiny

    def __post_init__(self):
        if self.key("ada").exists():
            return
        for name, role in (("ada", "steward"), ("bo", "steward"), ("erin", "engineer")):
            made = signing.create_key(self.key(name), None)
            person = Person(name, (role,), made.keyid, made.pem, NOW)
            enrolled.enrol(enrolled.path_of(self.settings.home), self.ledger, person, "root", NOW)

    @property
    def settings(self):
        return self.tiny.settings

    @property
    def ledger(self):
        return of_home(self.settings.home)

    def key(self, name):
        return self.tiny.root / "keys" / f"{name}.key"

    def pen(self, name):
        return Pen(self.settings, self.key(name), NOW)

    def rows(self, **wanted):
        return desk.listed(self.settings, "tiny", Wanted(**wanted), None).rows

    def propose(self, action, names=None, *, who="ada", because="the source says so", **given):
        named = names or [row.row for row in self.rows()]
        return deciding.propose(
            self.pen(who), self.tiny.dataset, Action(action), named, because,
            given=given, suites=lambda: self.tiny.suites,
        )  # fmt: skip

    def answer(self, number, decision="confirm", *, who="bo", because="I looked too", **given):
        return deciding.answer(self.pen(who), self.tiny.dataset, number, Decision(decision), because, given)

    def settle(self):
        """Do what the flow does: bring in, hold, judge, publish."""
        stands = enforcing.bring_in(self.settings, "tiny")
        enforcing.hold(self.settings, stands)
        reading = snapshots.reading_of(self.settings, stands, before=stands.digest)
        verdicts = [
            quality.judge(self.settings, self.tiny.dataset, reading, self.tiny.suites[each.table])
            for each in reading.snapshots
        ]
        return publishing.publish(self.settings, self.tiny.dataset, reading, self.tiny.suites, verdicts)

    def standing(self, table="applications", column="amount"):
        path = publishing.current(self.settings, "tiny").path(table)
        key = {"applications": "application_id", "customers": "customer_id"}[table]
        return dict(self.tiny.rows(f"SELECT {key}, {column}::VARCHAR FROM '{path}'"))


@pytest.fixture(scope="session")
def opened(
    tmp_path_factory: pytest.TempPathFactory, lean: Mapping[str, Suite]
) -> Callable[[str, str, str], Path]:
    """Publish a tiny lender with one text of a raw file spoilt, once, and open its office."""
    made: dict[tuple[str, str, str], Path] = {}

    def open_(name: str, old: str, new: str) -> Path:
        if (name, old, new) not in made:
            tiny = Tiny(tmp_path_factory.mktemp("office"), lean)
            tiny.spoil(name, old, new)
            tiny.publish()
            made[name, old, new] = Office(tiny).tiny.root
        return made[name, old, new]

    return open_


@pytest.fixture
def office(tmp_path, opened, lean) -> Office:
    """One application is held, for its negative amount: a copy, to do with as a test likes."""
    kept = opened("asked.csv", "1003.50", "-7.00")
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    return Office(Tiny(tmp_path, lean))


@pytest.fixture
def nameless(tmp_path, opened, lean) -> Office:
    """One customer is held: since when, nobody can read. A copy, to do with as a test likes."""
    kept = opened("people.csv", "C3,1953-03-04,2020-01-01 08:00:00", "C3,1953-03-04,soon")
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    return Office(Tiny(tmp_path, lean))


@pytest.fixture
def staffed(judged: Tiny) -> Callable[[], Office]:
    """Publish what a test has delivered, and open the office."""

    def open_() -> Office:
        judged.publish()
        return Office(judged)

    return open_


CONTENT = "http://schemas.openxmlformats.org/package/2006/content-types"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STYLES = {"day": 1, "moment": 2}  # Excel's formats 14 and 22


@dataclass(frozen=True)
class Cell:
    """A cell that is no plain value: a serial number shown as a day or a moment, or a failed formula."""

    kind: str
    value: float | str


Sheets = Mapping[str, list[list[Any]]]


def _workbook(sheets: Sheets, merged: str = "") -> bytes:
    """Write an .xlsx by hand: Office's own zip of XML, with no library between."""
    out = io.BytesIO()
    numbered = list(enumerate(sheets.items(), 1))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{CONTENT}"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        book.writestr("_rels/.rels", _links([("rId1", "officeDocument", "xl/workbook.xml")]))
        named = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, (name, _) in numbered)
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>',
        )
        links = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n, _ in numbered]
        book.writestr("xl/_rels/workbook.xml.rels", _links([*links, ("rId99", "styles", "styles.xml")]))
        formats = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 22))
        book.writestr(
            "xl/styles.xml", f'<styleSheet xmlns="{SHEET}"><cellXfs>{formats}</cellXfs></styleSheet>'
        )
        for n, (_, rows) in numbered:
            joined = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
            body = "".join(_row(number, row) for number, row in enumerate(rows, 1))
            book.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{SHEET}"><sheetData>{body}</sheetData>{joined}</worksheet>',
            )
    return out.getvalue()


def _links(links: list[tuple[str, str, str]]) -> str:
    parts = (
        f'<Relationship Id="{i}" Type="{OFFICE}/{kind}" Target="{target}"/>' for i, kind, target in links
    )
    return f'<Relationships xmlns="{PACKAGE}">{"".join(parts)}</Relationships>'


def _row(number: int, cells: list[Any]) -> str:
    written = (_cell(f"{chr(65 + place)}{number}", value) for place, value in enumerate(cells))
    return f'<row r="{number}">{"".join(written)}</row>'


def _cell(ref: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case Cell("failed"):
            return f'<c r="{ref}" t="e"><f>VLOOKUP(1,A1,1)</f><v>{value.value}</v></c>'
        case Cell():
            return f'<c r="{ref}" s="{STYLES[value.kind]}"><v>{value.value!r}</v></c>'
        case bool():
            return f'<c r="{ref}" t="b"><v>{int(value)}</v></c>'
        case int() | float():
            return f'<c r="{ref}"><v>{value!r}</v></c>'
    return f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


@pytest.fixture(scope="session")
def workbook() -> Callable[..., bytes]:
    """Write sheets, by name, as the bytes of a workbook."""
    return _workbook


@pytest.fixture(scope="session")
def cell() -> type[Cell]:
    """Make a day (`Cell("day", 45000)`), a moment, or a failed formula (`Cell("failed", "#N/A")`)."""
    return Cell


MADE = """
CREATE SCHEMA lending;
CREATE TABLE lending.asked (
    id text PRIMARY KEY, person text, day timestamptz, amount numeric, lat float8, lon float8,
    sure boolean, months int, fee numeric(12,3), note text, tags text[]
);
INSERT INTO lending.asked
SELECT 'A' || n, 'C' || n % 7, timestamptz '2020-02-01 10:00+02' + n * interval '1 day',
    1000.50 + n, 50.5, 8.5, n % 2 = 0, 12, 1.125,
    CASE n WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'two\\nlines, "quoted"' ELSE '\\N' END,
    ARRAY['a', 'b']
FROM generate_series(0, 39) AS n;
CREATE TABLE lending."Mixed Case" (id int);
INSERT INTO lending."Mixed Case" VALUES (1);
CREATE ROLE clerk LOGIN PASSWORD 'hunter2-and-a-half';
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL of its own, with a table, and a clerk who needs a password."""
    import pgserver
    import psycopg

    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    folder = tmp_path_factory.mktemp("bank")
    server = pgserver.get_server(str(folder), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(MADE)
        access = Path(folder) / "pg_hba.conf"
        access.write_text("local all clerk scram-sha-256\n" + access.read_text())
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
