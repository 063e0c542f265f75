from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanbook.errors import DatasetError, LeakError
from loanbook.intake import mapping
from loanbook.leaks import findings
from loanbook.leaks.findings import Kind, Verdict
from loanbook.world import DEFAULT_PLANTS, Plant, WorldSpec

from .conftest import FILLED, INNOCENT, ORDERED, Detect, TwoDays

WORLD = mapping.SHIPPED / "world"


def _named(found: tuple[findings.Finding, ...], *verdicts: Verdict) -> set[str]:
    return {one.column for one in found if one.verdict in verdicts}


@pytest.mark.parametrize(
    "spec",
    [
        WorldSpec(applications=12_000),
        pytest.param(WorldSpec(applications=12_000, noise=True), marks=pytest.mark.slow),
    ],
    ids=["a lender", "one whose outcomes are noise"],
)
def test_two_days_name_every_planted_trap_and_every_innocent_change_and_nothing_else(
    two_days: Callable[[WorldSpec], TwoDays], detect: Detect, spec: WorldSpec
) -> None:
    world = two_days(spec)
    found = detect("world", world.pulled, world.delivered).findings

    assert _named(found, Verdict.REFUSED) == world.planted(FILLED, ORDERED)
    assert _named(found, Verdict.EXPLAIN) == world.planted(INNOCENT)
    assert {one.column for one in found if one.kind is Kind.CHANGES} == world.planted(FILLED, INNOCENT)


def test_one_reading_years_later_names_every_trap_and_nothing_else(world: TwoDays, detect: Detect) -> None:
    found = detect("world", world.pulled).findings

    assert {one.column for one in found} == world.planted(FILLED, ORDERED)
    assert {one.kind for one in found if one.column in world.planted(FILLED)} == {Kind.TELLS}


def test_what_was_delivered_month_by_month_holds_no_later_word(world: TwoDays, detect: Detect) -> None:
    assert {one.column for one in detect("world", world.delivered).findings} == world.planted(ORDERED)


def test_the_same_files_twice_have_no_changed_past(world: TwoDays, detect: Detect) -> None:
    found = detect("world", world.pulled, world.pulled).findings
    assert not [one for one in found if one.kind is Kind.CHANGES]


@pytest.mark.slow
def test_without_the_plants_nothing_is_named(
    two_days: Callable[[WorldSpec], TwoDays], detect: Detect
) -> None:
    traps = {Plant.LEAKAGE, Plant.ORDERED_IDS, Plant.CORRECTIONS}
    world = two_days(WorldSpec(applications=4_000, plants=DEFAULT_PLANTS - traps))
    assert detect("world", world.pulled, world.delivered).findings == ()


def test_the_shipped_mapping_uses_no_refused_column(world: TwoDays, detect: Detect) -> None:
    assert findings.misused(detect("world", world.pulled, world.delivered).findings, {}) == ()


def test_a_change_counts_exactly_the_rows_that_differ(world: TwoDays, detect: Detect) -> None:
    def stages(folder: Path) -> dict[str, str | None]:
        files = sorted((folder / "applications").glob("*.parquet"))
        rows = pa.concat_tables([pq.read_table(path) for path in files])
        pairs = zip(rows["application_id"].to_pylist(), rows["collections_stage"].to_pylist(), strict=True)
        return {key: stage for key, stage in pairs if key is not None}

    then, now = stages(world.delivered), stages(world.pulled)
    differing = {key for key in then if then[key] != now[key]}
    (one,) = [
        one
        for one in detect("world", world.pulled, world.delivered).findings
        if one.column == "raw.applications.collections_stage"
    ]
    assert one.figures["changed"] == len(differing)
    assert one.figures["rows"] == len(then)
    assert set(one.keys) <= differing
    assert len(one.keys) == 3


@pytest.fixture
def leaky(tmp_path: Path) -> Callable[[str], Path]:
    """The world's mapping with another word for `housing`."""

    def make(expression: str, more: str = "") -> Path:
        folder = shutil.copytree(WORLD, tmp_path / "own")
        sql = (folder / "applications.sql").read_text(encoding="utf-8")
        assert "    housing,\n" in sql
        (folder / "applications.sql").write_text(
            sql.replace("    housing,\n", f"    {expression} AS housing,\n")
        )
        toml = folder / "dataset.toml"
        toml.write_text(toml.read_text(encoding="utf-8") + more, encoding="utf-8")
        return folder

    return make


@pytest.mark.parametrize(
    "expression", ["collections_stage", "CASE WHEN hash(ip) % 4 = 0 THEN collections_stage ELSE housing END"]
)
def test_a_mapping_that_uses_a_refused_column_is_refused_even_where_little_of_it_is_left(
    world: TwoDays, detect: Detect, leaky: Callable[[str], Path], expression: str
) -> None:
    found = detect(leaky(expression), world.pulled).findings

    (one,) = [one for one in found if one.column == "raw.applications.collections_stage"]
    assert one.used_by == ("applications.housing",)
    with pytest.raises(LeakError, match=r"collections_stage .*applications\.housing, housing made of it"):
        findings.refuse(found, {"housing": ("applications.housing",)})


def test_a_mapping_that_only_speaks_of_a_refused_column_uses_nothing(
    world: TwoDays, detect: Detect, leaky: Callable[[str], Path]
) -> None:
    found = detect(
        leaky("CASE WHEN collections_stage = 'never said' THEN 'x' ELSE housing END"), world.pulled
    )
    findings.refuse(found.findings)


def test_a_column_for_which_the_dataset_gives_a_reason_passes(
    world: TwoDays, detect: Detect, leaky: Callable[..., Path]
) -> None:
    reason = '\n[explained]\n"raw.applications.collections_stage" = "read on the first day alone"\n'
    found = detect(leaky("collections_stage", reason), world.pulled).findings

    findings.refuse(found)
    assert [one.because for one in found if one.verdict is Verdict.EXPLAINED] == [
        "read on the first day alone"
    ]


def test_a_reason_that_says_nothing_is_refused(leaky: Callable[..., Path]) -> None:
    with pytest.raises(DatasetError, match="gives no reason"):
        mapping.load(leaky("housing", '\n[explained]\n"raw.applications.amount" = " "\n'))


def test_a_dataset_with_too_few_outcomes_is_told_rather_than_passed(tmp_path: Path, detect: Detect) -> None:
    from loanbook.world import simulate

    simulate(WorldSpec(applications=2_000), tmp_path, last_month=6)
    with pytest.raises(LeakError, match="too few bads or goods to judge"):
        detect("world", tmp_path / "raw")
