"""Late rows move exactly what they touch: mending an earlier feature set gives the bytes of a new one."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from loanbook.features import tables, touching
from loanbook.features.recipes import Local
from loanbook.features.tables import FeatureSet, Since
from loanbook.schema import TABLES
from loanbook.settings import Settings

Rows = dict[str, list[dict[str, Any]]]
LOCAL = {recipe.name for recipe in tables.recipes() if recipe.local_to is not Local.EVERYTHING}


class Lender:
    """Publishes a lender again and again, and computes its features from nothing or from the last time."""

    def __init__(self, home: Path, publish: Callable[..., dict[str, Path]]) -> None:
        self.settings = Settings(home=home, threads=2)
        self.publish = publish
        self.published = 0

    def publication(self, rows: Rows) -> dict[str, Path]:
        self.published += 1
        return self.publish(self.settings.home / f"publication-{self.published}", rows)

    def whole(self, paths: dict[str, Path], home: str = "") -> FeatureSet:
        place = Settings(home=self.settings.home / home, threads=2)
        return tables.compute(place, "crowd", "now", paths)

    def mended(self, earlier: FeatureSet, before: dict[str, Path], after: dict[str, Path]) -> FeatureSet:
        touched = touching.touched(self.settings, before, after)
        return tables.compute(self.settings, "crowd", "now", after, Since(earlier, touched))


@pytest.fixture
def lender(tmp_path: Path, publish: Any) -> Lender:
    return Lender(tmp_path, publish)


def later(rows: Rows, chance: random.Random) -> Rows:
    """Withdraw rows, correct others, hand some to another customer, and let more come, in every table."""
    made: Rows = {}
    for name, before in rows.items():
        key = TABLES[name].key
        kept = [row for row in before if chance.random() > 0.01]
        made[name] = [other(row, before, chance) if chance.random() < 0.01 else row for row in kept]
        made[name] += [
            chance.choice(before)
            | {key: f"new-{number}", "available_at": chance.choice(before)["available_at"]}
            for number in range(3)
        ]
    return made


def other(row: dict[str, Any], every: list[dict[str, Any]], chance: random.Random) -> dict[str, Any]:
    """Correct a row: let it say in one field what another row says, or be known an hour later."""
    field = chance.choice(sorted(row))
    if field.endswith("_at") or field in ("link_id", "month", *(table.key for table in TABLES.values())):
        return row | {"available_at": row["available_at"] + timedelta(hours=1)}
    return row | {field: chance.choice(every)[field]}


@pytest.mark.parametrize("seed", range(4))
def test_mending_after_late_corrected_and_withdrawn_rows_gives_the_bytes_of_computing_anew(
    lender: Lender, crowd: Rows, seed: int
) -> None:
    before, after = lender.publication(crowd), lender.publication(later(crowd, random.Random(seed)))
    earlier = lender.whole(before)

    mended = lender.mended(earlier, before, after)
    anew = lender.whole(after, "elsewhere")

    assert mended.tables == anew.tables
    assert mended.id == anew.id
    for table in mended.tables:
        name = f"{table.name}.parquet"
        assert (mended.folder / name).read_bytes() == (anew.folder / name).read_bytes()
    assert {table.digest for table in mended.tables}.isdisjoint({table.digest for table in earlier.tables})


def test_only_the_rows_of_the_touched_are_made_anew(
    lender: Lender, crowd: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = crowd["transactions"][7] | {"transaction_id": "late"}
    before = lender.publication(crowd)
    after = lender.publication(crowd | {"transactions": [*crowd["transactions"], late]})
    earlier = lender.whole(before)
    touched = touching.touched(lender.settings, before, after)
    seen: dict[str, int] = {}
    show = touching.show

    def counted(connection: Any, *given: Any) -> None:
        show(connection, *given)
        count = "SELECT count(DISTINCT customer_id) FROM transactions"
        seen[given[1].name] = connection.execute(count).fetchall()[0][0]

    anew = lender.whole(after, "elsewhere")
    monkeypatch.setattr(tables, "show", counted)
    made = tables.compute(lender.settings, "crowd", "now", after, Since(earlier, touched))

    assert touched.tables == {"transactions"}
    assert touched.keys["customer_id"].to_pylist() == [{"customer_id": late["customer_id"]}]
    assert touched.keys["vehicle_id"].num_rows == 0
    assert seen == {"transactions": 1}
    assert made.tables == anew.tables


def test_a_table_none_of_whose_sources_changed_is_not_written_again(lender: Lender, crowd: Rows) -> None:
    before = lender.publication(crowd)
    after = lender.publication(crowd | {"bureau_reports": crowd["bureau_reports"][1:]})
    earlier = lender.whole(before)

    made = lender.mended(earlier, before, after)

    for recipe in tables.recipes():
        was, now = (one.folder / f"{recipe.name}.parquet" for one in (earlier, made))
        assert was.samefile(now) == (recipe.name != "bureau"), recipe.name


def test_the_same_rows_in_another_order_touch_nobody(lender: Lender, crowd: Rows) -> None:
    before = lender.publication(crowd)
    after = lender.publication({name: rows[::-1] for name, rows in crowd.items()})
    earlier = lender.whole(before)

    touched = touching.touched(lender.settings, before, after)
    made = tables.compute(lender.settings, "crowd", "now", after, Since(earlier, touched))

    assert {name: table.num_rows for name, table in touched.keys.items()} == {
        "customer_id": 0, "vehicle_id": 0, "application_id": 0, "loan_id": 0,
    }  # fmt: skip
    assert made.tables == earlier.tables


def test_a_repayment_touches_whose_loan_it_is_and_whose_it_was(lender: Lender, crowd: Rows) -> None:
    loan = crowd["loans"][0]
    moved = loan | {"customer_id": "C-other"}
    before = lender.publication(crowd)
    after = lender.publication(
        crowd | {"loans": [moved, *crowd["loans"][1:]], "repayments": crowd["repayments"][1:]}
    )
    owners = {row["loan_id"]: row["customer_id"] for row in crowd["loans"]}

    touched = touching.touched(lender.settings, before, after)

    whose = {loan["customer_id"], "C-other", owners[crowd["repayments"][0]["loan_id"]]}
    assert set(touched.keys["customer_id"]["customer_id"].to_pylist()) == whose
    assert set(touched.keys["loan_id"]["loan_id"].to_pylist()) == {
        row["loan_id"] for row in [*crowd["loans"], moved] if row["customer_id"] in whose
    }
    assert set(touched.keys["application_id"]["application_id"].to_pylist()) == {
        row["application_id"] for row in crowd["applications"] if row["customer_id"] in whose
    }


def test_a_table_that_comes_or_goes_is_mended_too(lender: Lender, crowd: Rows) -> None:
    without = {name: rows for name, rows in crowd.items() if name != "repayments"}
    paths = [lender.publication(rows) for rows in (crowd, without, crowd)]
    first = lender.whole(paths[0])

    second = lender.mended(first, paths[0], paths[1])
    third = lender.mended(second, paths[1], paths[2])

    assert second.tables == lender.whole(paths[1], "elsewhere").tables
    assert "history_loans" in second.absent
    assert third.tables == first.tables


def test_what_another_recipe_made_is_not_built_upon(
    lender: Lender, crowd: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lender.publication(crowd)
    earlier = lender.whole(before)
    folder = tmp_path / "recipes"
    folder.mkdir()
    for recipe in tables.recipes():
        other = recipe.sql.replace("score AS bureau_score", "score + 1 AS bureau_score")
        (folder / f"{recipe.name}.sql").write_text(other, encoding="utf-8")
    everyday = tables.recipes
    monkeypatch.setattr(tables, "recipes", lambda: everyday(folder))

    made = lender.mended(earlier, before, before)

    assert made.tables == lender.whole(before, "elsewhere").tables
    differing = {one.name for one, two in zip(made.tables, earlier.tables, strict=True) if one != two}
    assert differing == {"bureau"}


def test_how_many_rows_changed_is_told_table_by_table(lender: Lender, crowd: Rows) -> None:
    last = max(crowd["bureau_reports"], key=lambda row: row["available_at"])
    before = lender.publication(crowd)
    after = lender.publication(
        crowd
        | {
            "bureau_reports": [
                row | {"score": 1.0} if row is last else row for row in crowd["bureau_reports"]
            ]
        }
    )
    earlier = lender.whole(before)

    told = tables.changed(lender.settings, earlier, lender.mended(earlier, before, after))

    assert told == {recipe.name: int(recipe.name == "bureau") for recipe in tables.recipes()}


def test_most_tables_are_local_to_somebody() -> None:
    assert {
        "transactions",
        "history",
        "open_loans",
        "bureau",
        "application",
        "text",
        "vehicle",
        "behaviour",
    } <= LOCAL
    assert not LOCAL & {"links", "vehicle_market", "geography", "dealer"}


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_and_the_order_of_rows_change_no_byte(
    lender: Lender, crowd: Rows, publish: Any, tmp_path: Path, threads: int
) -> None:
    mixed = {name: random.Random(threads).sample(rows, len(rows)) for name, rows in crowd.items()}
    place = Settings(home=tmp_path / "there", threads=threads)

    there = tables.compute(place, "crowd", "now", publish(tmp_path / "mixed", mixed))

    assert there.tables == lender.whole(lender.publication(crowd)).tables
    assert parquet.read_metadata(there.folder / "transactions.parquet").num_rows > 2000
