"""A full disk ends in one clear error, wherever it strikes, with nothing half-published.

A limit on the size of written files stands in for the full disk where nothing may be mounted: every user may
set one. Where a small file system can be mounted, the disk is really full.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loanbook.errors import StorageError
from loanbook.intake import engine, publishing
from loanbook.lake import Lake

LIMITED = """
import resource, sys
from pathlib import Path
from loanbook.errors import StorageError
from loanbook.intake import mapping, raw, snapshots
from loanbook.settings import Settings

folder, data, home, limit = sys.argv[1:]
dataset = mapping.load(Path(folder))
deliveries = raw.survey(dataset, Path(data))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    snapshots.freeze(Settings(home=Path(home)), dataset, deliveries, as_of=None)
except StorageError as error:
    print(f"StorageError: {error}")
"""


def published_or_fault(judged: Any) -> StorageError | None:
    try:
        judged.publish()
    except StorageError as error:
        return error
    return None


def drafts(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if "draft" in path.name or path.name.startswith("tmp_")]


@pytest.mark.parametrize("limit", [0, 1000, 3000])
def test_a_write_that_fails_while_freezing_is_a_storage_error_and_leaves_no_reading(tiny, limit):
    home = tiny.root / "home"
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tiny.folder), str(tiny.data), str(home), str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.startswith("StorageError: can't write"), ran.stdout + ran.stderr
    assert not list(home.rglob("batches/*.json"))
    assert not drafts(home)
    assert tiny.freeze().snapshots


@pytest.fixture
def full(tmp_path):
    """Mount a file system of 300 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"nothing may be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, free: int) -> Path:
    """Leave so many bytes free."""
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    space = os.statvfs(folder)
    ballast.write_bytes(b"x" * max(0, space.f_bavail * space.f_frsize - free))
    return ballast


def nothing_is_published(judged: Any) -> bool:
    with pytest.raises(StorageError, match="nothing of tiny is published"):
        publishing.current(judged.settings, "tiny")
    return not list(Lake(judged.settings.home).published("tiny").glob("*/manifest.json"))


def test_a_disk_that_fills_up_at_any_step_publishes_nothing_and_a_second_run_mends_it(judged, full):
    (judged.root / "home").symlink_to(full)
    # without names there is no vault, which would be struck first each time
    judged.edit("customers.sql", " birth_date, name,", " birth_date,")
    struck = set()
    for free in (0, 8_192, 16_384, 40_960):
        fill(full, free)
        fault = published_or_fault(judged)
        assert "disk is full" in str(fault)
        assert nothing_is_published(judged)
        struck.add(fault.where)
    assert len(struck) > 1
    (full / "ballast").unlink()
    judged.judge()
    ballast = fill(full, 8_192)
    fault = published_or_fault(judged)
    assert "disk is full" in str(fault)
    assert "published" in fault.where
    assert nothing_is_published(judged)
    ballast.unlink()
    assert judged.publish() == publishing.current(judged.settings, "tiny", verify=True)
    assert not drafts(full)


def test_a_home_that_cannot_be_written_is_a_storage_error(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't write"):
        tiny.freeze(home=tmp_path / "file")


def spilt() -> None:
    with engine.guarded(Path("x"), StorageError, "it fails"):
        raise duckdb.OutOfMemoryException("failed to offload data block of size 256.0 KiB")


def test_the_spill_counts_as_disk():
    with pytest.raises(StorageError, match="the disk is full"):
        spilt()
