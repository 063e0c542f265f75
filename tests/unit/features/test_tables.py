from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from loanbook import lake
from loanbook.errors import FeatureError
from loanbook.features import tables
from loanbook.schema import Purpose
from loanbook.settings import Settings

DAY = datetime(2024, 3, 1)
HEAD = (
    "-- grain: one row per customer\n-- key: customer_id\n-- purpose: underwriting\n-- local to: customer\n"
)
ROWS = {
    "customers": [
        {"customer_id": "C1", "event_at": DAY, "available_at": DAY, "sex": "f", "phone": "1"},
        {"customer_id": "C2", "event_at": DAY, "available_at": DAY, "education": "PhD"},
    ]
}
Write = Callable[[str], None]
OTHER_PURPOSES = {
    **dict.fromkeys(("links", "strangers", "referrals", "dealer_conduct"), Purpose.FRAUD),
    "behaviour": Purpose.SERVICING,
    "vehicle_kind": Purpose.VALUATION,
    "outreach": Purpose.MARKETING,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", threads=2)


@pytest.fixture
def paths(tmp_path: Path, publish: Any) -> dict[str, Path]:
    found: dict[str, Path] = publish(tmp_path / "published", ROWS)
    return found


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a recipe that stands alone."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    everyday = tables.recipes
    monkeypatch.setattr(tables, "recipes", lambda: everyday(folder))

    def write(text: str) -> None:
        (folder / "own.sql").write_text(text, encoding="utf-8")

    return write


@pytest.mark.parametrize(
    "column",
    [
        "sex",
        "birth_date",
        "marital_status",
        "ethnicity",
        "name",
        "phone",
        "id_number",
        "address",
        "bank_account",
    ],
)
def test_a_protected_or_identifying_column_does_not_exist_for_a_recipe(
    settings: Settings, paths: dict[str, Path], recipe: Write, column: str
) -> None:
    recipe(f"{HEAD}SELECT customer_id, available_at, {column} AS innocent FROM customers")

    with pytest.raises(FeatureError, match=rf"{column}.*own\.sql.*isn't protected"):
        tables.compute(settings, "tiny", "p" * 12, paths)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("loans", "rate"),
        ("applications", "decision"),
        ("applications", "randomised"),
        ("applications", "device_id"),
        ("recoveries", "amount"),
        ("contacts", "response"),
        ("limits", "rate"),
        ("limits", "randomised"),
        ("cases", "outcome"),
        ("cases", "application_id"),
        ("links", "shared_key"),
    ],
)
def test_a_column_that_serves_another_purpose_does_not_exist_for_underwriting(
    settings: Settings, paths: dict[str, Path], recipe: Write, table: str, column: str
) -> None:
    recipe(f"{HEAD}SELECT 'C1' AS customer_id, available_at, {column} AS innocent FROM {table}")

    with pytest.raises(FeatureError, match=column):
        tables.compute(settings, "tiny", "p" * 12, paths)


def test_a_star_brings_nothing_that_underwriting_may_not_know(
    settings: Settings, paths: dict[str, Path], recipe: Write
) -> None:
    recipe(f"{HEAD}SELECT * FROM customers")

    made = tables.compute(settings, "tiny", "p" * 12, paths)

    names = set(parquet.read_schema(made.folder / "own.parquet").names)
    assert names == {
        "customer_id", "event_at", "available_at", "region", "bank_name", "bank_account_type", "education",
        "consent_bureau", "consent_marketing",
    }  # fmt: skip


@pytest.mark.parametrize(
    "source",
    ["read_parquet('{}')", "'{}'", '"{}"', "parquet_scan('{}')", "customers JOIN '{}' USING (customer_id)"],
)
def test_a_recipe_that_reads_a_file_past_the_views_is_refused(
    settings: Settings, paths: dict[str, Path], recipe: Write, source: str
) -> None:
    file = source.format(paths["customers"])
    recipe(f"{HEAD}SELECT customer_id, available_at, sex FROM {file}")

    with pytest.raises(FeatureError, match=r"reads a file.*own\.sql"):
        tables.compute(settings, "tiny", "p" * 12, paths)


def test_two_rows_of_a_key_at_one_moment_are_refused(
    settings: Settings, paths: dict[str, Path], recipe: Write
) -> None:
    recipe(f"{HEAD}SELECT customer_id, available_at, n::DOUBLE AS n FROM customers, range(2) AS twice(n)")

    with pytest.raises(FeatureError, match=r"customer_id C[12] has two rows at 2024-03-01"):
        tables.compute(settings, "tiny", "p" * 12, paths)


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        ("-- grain: one row\n-- key: customer_id\n-- local to: customer\n", "purpose"),
        ("-- grain: one row\n-- purpose: underwriting\n-- local to: customer\n", "key"),
        (HEAD.replace("underwriting", "curiosity"), "curiosity"),
        (HEAD.replace("local to: customer", "local to: nobody"), "nobody"),
    ],
)
def test_a_recipe_without_its_header_is_refused(recipe: Write, head: str, missing: str) -> None:
    recipe(f"{head}SELECT 1")

    with pytest.raises(FeatureError, match=rf"{missing}.*own\.sql"):
        tables.recipes()


@pytest.mark.parametrize("column", ["sex", "birth_date", "marital_status", "ethnicity"])
def test_a_protected_column_does_not_exist_even_for_fraud(
    settings: Settings, paths: dict[str, Path], recipe: Write, column: str
) -> None:
    head = HEAD.replace("underwriting", "fraud")
    recipe(f"{head}SELECT customer_id, available_at, {column} AS innocent FROM customers")

    with pytest.raises(FeatureError, match=column):
        tables.compute(settings, "tiny", "p" * 12, paths)


def test_a_token_may_be_counted_by_a_recipe_whose_purpose_it_serves(
    settings: Settings, paths: dict[str, Path], recipe: Write
) -> None:
    head = HEAD.replace("underwriting", "fraud")
    recipe(f"{head}SELECT customer_id, available_at, (count(phone) OVER ())::DOUBLE AS n FROM customers")

    made = tables.compute(settings, "tiny", "p" * 12, paths)

    assert parquet.read_table(made.folder / "own.parquet")["n"].to_pylist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("local", "table"), [("customer", "vehicles"), ("customer", "market"), ("vehicle", "transactions")]
)
def test_what_is_nobodys_own_does_not_exist_for_a_recipe_that_is_local(
    settings: Settings, paths: dict[str, Path], recipe: Write, local: str, table: str
) -> None:
    head = HEAD.replace("local to: customer", f"local to: {local}")
    recipe(f"{head}SELECT 'C1' AS customer_id, available_at FROM {table}")

    with pytest.raises(FeatureError, match=rf"{table}.*local to {local}"):
        tables.compute(settings, "tiny", "p" * 12, paths)


def test_no_feature_table_holds_a_token(small: Any) -> None:
    tokens = {row["shared_key"] for row in small.rows["links"]}
    for recipe in tables.recipes():
        for row in small.table(recipe.name):
            assert not tokens & {value for value in row.values() if isinstance(value, str)}, recipe.name


def test_every_shipped_recipe_serves_one_purpose_by_one_key() -> None:
    for recipe in tables.recipes():
        assert recipe.purpose is OTHER_PURPOSES.get(recipe.name, Purpose.UNDERWRITING)
        assert not {"links", "cases"} & recipe.reads or recipe.purpose is Purpose.FRAUD
        assert recipe.key in ("application_id", "customer_id", "vehicle_id", "loan_id")
        assert recipe.grain.startswith("one row per ")


def test_the_same_publication_gives_the_same_bytes_in_another_home(
    settings: Settings, tmp_path: Path, small: Any
) -> None:
    there = tables.compute(settings, "small", "publication-of-small", small.paths)

    assert there.id == small.features.id
    assert there.tables == small.features.tables


def test_the_order_of_the_published_rows_changes_no_feature(
    settings: Settings, tmp_path: Path, publish: Any, small: Any
) -> None:
    turned = publish(tmp_path / "turned", {name: rows[::-1] for name, rows in small.rows.items()})

    assert tables.compute(settings, "small", "publication-of-small", turned).tables == small.features.tables


def test_what_a_dataset_cannot_fill_is_named_absent(settings: Settings, paths: dict[str, Path]) -> None:
    made = tables.compute(settings, "tiny", "p" * 12, paths)

    assert {"bank_name", "bureau_score", "ltv", "history_loans"} & made.absent == {
        "bank_name", "bureau_score", "history_loans",
    }  # fmt: skip
    assert "education" not in made.absent
    assert {table.name: table.rows for table in made.tables}["customer"] == 2


def test_a_feature_set_whose_file_was_changed_is_refused(settings: Settings, paths: dict[str, Path]) -> None:
    made = tables.compute(settings, "tiny", "p" * 12, paths)
    assert tables.read(settings, "tiny", made.id) == made

    with (made.folder / "customer.parquet").open("ab") as stream:
        stream.write(b"\0")

    with pytest.raises(FeatureError, match=r"bytes were changed.*customer"):
        tables.read(settings, "tiny", made.id)


def test_a_feature_set_whose_record_was_changed_is_refused(
    settings: Settings, paths: dict[str, Path]
) -> None:
    made = tables.compute(settings, "tiny", "p" * 12, paths)
    record = lake.read_json(made.folder / "features.json")
    lake.write_json(made.folder / "features.json", record | {"publication": "another"})

    with pytest.raises(FeatureError, match="record was changed"):
        tables.read(settings, "tiny", made.id)


def test_a_feature_table_that_is_gone_is_refused(settings: Settings, paths: dict[str, Path]) -> None:
    made = tables.compute(settings, "tiny", "p" * 12, paths)
    (made.folder / "customer.parquet").unlink()

    with pytest.raises(FeatureError, match=r"gone.*customer"):
        tables.read(settings, "tiny", made.id)


def test_a_publication_without_features_says_what_to_run(settings: Settings, paths: dict[str, Path]) -> None:
    with pytest.raises(FeatureError, match=r"no features.*loanbook featurize --dataset tiny"):
        tables.current(settings, "tiny", "p" * 12)

    made = tables.compute(settings, "tiny", "p" * 12, paths)
    tables.point(settings, made)

    assert tables.current(settings, "tiny", "p" * 12) == made


def test_a_recipe_that_fails_leaves_no_feature_set(
    settings: Settings, paths: dict[str, Path], recipe: Write
) -> None:
    recipe(f"{HEAD}SELECT nothing")

    with pytest.raises(FeatureError, match="nothing"):
        tables.compute(settings, "tiny", "p" * 12, paths)

    assert list(lake.Lake(settings.home).features("tiny").iterdir()) == []


def test_computing_again_keeps_what_stands(settings: Settings, paths: dict[str, Path]) -> None:
    made = tables.compute(settings, "tiny", "p" * 12, paths)
    (made.folder / "registry.db").write_bytes(b"Feast's")

    again = tables.compute(settings, "tiny", "p" * 12, paths)

    assert again == made
    assert (made.folder / "registry.db").read_bytes() == b"Feast's"
    assert [one.name for one in made.folder.parent.iterdir()] == [made.id]
    shutil.rmtree(made.folder)
