"""Bad input by the real command line: what, where, what would be right; exit code 1; nothing published."""

from __future__ import annotations

import shutil

import pyarrow.parquet as pq
import pytest

MONTH = "2021-03.parquet"


def missing_folder(raw):
    shutil.rmtree(raw)
    return "RawFileError", [str(raw)]


def missing_files(raw):
    shutil.rmtree(raw / "loans")
    return "RawFileError", ["loans"]


def empty_file(raw):
    (raw / "applications" / MONTH).write_bytes(b"")
    return "RawFileError", [f"applications/{MONTH}", "empty"]


def truncated_file(raw):
    path = raw / "applications" / MONTH
    path.write_bytes(path.read_bytes()[:-200])
    return "RawFileError", [f"applications/{MONTH}"]


def renamed_column(raw):
    for path in (raw / "applications").glob("*.parquet"):
        rows = pq.read_table(path)
        names = ["ammount" if name == "amount" else name for name in rows.column_names]
        pq.write_table(rows.rename_columns(names), path)
    return "RawFileError", ["amount", "ammount"]


def retyped_column(raw):
    for path in (raw / "applications").glob("*.parquet"):
        rows = pq.read_table(path)
        place = rows.column_names.index("amount")
        pq.write_table(rows.set_column(place, "amount", rows["application_id"]), path)
    return "RawFileError", ["amount"]


def twice_delivered(raw):
    shutil.copy(raw / "applications" / MONTH, raw / "applications" / "2021-03-again.parquet")
    return "RawFileError", [MONTH, "2021-03-again.parquet"]


FAULTS = (
    missing_folder, missing_files, empty_file, truncated_file,
    renamed_column, retyped_column, twice_delivered,
)  # fmt: skip


@pytest.fixture(scope="session")
def tiny(simulated):
    from loanbook.world import WorldSpec

    return simulated(WorldSpec(applications=2_000), 18)


@pytest.fixture
def raw(tiny, tmp_path):
    return shutil.copytree(tiny.raw, tmp_path / "raw")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_bad_delivery_is_told_by_dataset_check(loanbook, raw, home, fault):
    kind, told = fault(raw)
    done = loanbook("dataset", "check", "world", "--data", raw)
    _is_one_clear_paragraph(done, kind, told)
    assert not home.exists()


@pytest.mark.parametrize("fault", [empty_file, truncated_file], ids=lambda fault: fault.__name__)
def test_a_bad_delivery_is_told_by_ingest_and_nothing_is_published(loanbook, raw, home, standing_at, fault):
    kind, told = fault(raw)
    given = {"LOANBOOK_PREFECT_API": standing_at["LOANBOOK_PREFECT_API"]}
    done = loanbook("ingest", "--dataset", "world", "--data", raw, environment=given)
    _is_one_clear_paragraph(done, kind, told)
    assert not list(home.glob("lake/*/published/*"))
    assert not list(home.glob("lake/*/catalog/book.json"))


@pytest.fixture
def own(tmp_path, root):
    return shutil.copytree(root / "loanbook" / "datasets" / "world", tmp_path / "own")


@pytest.mark.parametrize(
    ("file", "sql", "kind", "told"),
    [
        ("loans.sql", "SELECT nothing FROM raw.loans", "MappingError", ["loans.sql", "nothing"]),
        ("loans.sql", "SELEKT 1", "MappingError", ["loans.sql"]),
        ("loans.sql", "SELECT * FROM raw.nowhere", "MappingError", ["loans.sql", "nowhere"]),
        ("mortgages.sql", "SELECT 1", "DatasetError", ["mortgages", "loans"]),
    ],
    ids=["an unknown column", "no SQL", "an unknown source", "an unknown table"],
)
def test_a_dataset_folder_that_is_wrong_is_told(loanbook, tiny, own, file, sql, kind, told):
    (own / file).write_text(sql, encoding="utf-8")
    done = loanbook("dataset", "check", own, "--data", tiny.raw)
    _is_one_clear_paragraph(done, kind, told)


def test_a_dataset_that_does_not_ship_is_told_with_those_that_do(loanbook, tiny):
    done = loanbook("dataset", "check", "wrold", "--data", tiny.raw)
    _is_one_clear_paragraph(done, "DatasetError", ["wrold", "world"])


def test_a_policy_with_an_unknown_key_is_told_before_anything_is_trained(copy_repo):
    from loanbook.errors import PolicyError
    from loanbook.governance import shelf
    from loanbook.settings import Settings

    repo = copy_repo()
    policy = repo / "expectations" / "policies" / "underwriting_auto.toml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("[strategy]", "[strategy]\nmax_bd = 1"))
    with pytest.raises(PolicyError, match="max_bd"):
        shelf.policy(Settings(repo=repo), "underwriting/auto")


def _is_one_clear_paragraph(done, kind, told):
    assert done.code == 1
    assert done.out == ""
    assert "Traceback" not in done.err
    said = done.err.splitlines()[-1]
    assert said.startswith(f"{kind}: "), done.err
    assert len([line for line in done.err.splitlines() if "Error" in line]) == 1, done.err
    for part in told:
        assert part in said, (part, said)
