from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loanbook import digests, lake
from loanbook.errors import StorageError
from loanbook.schema import TABLES, Privacy
from loanbook.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", threads=2, memory="300MB")


def drafts(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if "draft" in path.name]


def test_a_connection_keeps_utc_and_our_limits(settings: Settings) -> None:
    with lake.connect(settings) as connection:
        rows = connection.execute(
            "SELECT current_setting('TimeZone'), current_setting('threads'),"
            " current_setting('temp_directory'), current_setting('autoinstall_known_extensions'),"
            " current_setting('memory_limit')"
        ).fetchall()

    assert rows[0][:4] == ("UTC", 2, str(settings.home / "tmp"), False)
    assert rows[0][4] == "286.1 MiB"


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    with (
        pytest.raises(StorageError, match=r"can't write.*LOANBOOK_HOME"),
        lake.connect(Settings(home=tmp_path / "home")),
    ):
        pass


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"

    with lake.whole(target) as draft:
        draft.write_text("half")
        assert not target.exists()
        draft.write_text("whole")

    assert target.read_text() == "whole"
    assert drafts(tmp_path) == []


def test_a_file_that_fails_halfway_leaves_what_stood_and_no_draft(tmp_path: Path) -> None:
    target = lake.write_text(tmp_path / "a.txt", "old")

    def fail() -> None:
        with lake.whole(target) as draft:
            draft.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert target.read_text() == "old"
    assert drafts(tmp_path) == []


def test_a_folder_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with lake.whole(tmp_path / "folder") as draft:
            draft.mkdir()
            (draft / "a").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_stands_already_is_kept_since_its_name_is_its_content(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with lake.whole(tmp_path / "folder") as draft:
            draft.mkdir()
            (draft / "a").write_text(text)

    assert (tmp_path / "folder" / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_process_that_is_killed_halfway_leaves_no_file_of_the_name(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from loanbook import lake\n"
        "with lake.whole(Path(sys.argv[1])) as draft:\n"
        "    draft.write_text('half'); os.kill(os.getpid(), 9)"
    )

    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.txt")], check=False)

    assert done.returncode == -9
    assert not (tmp_path / "a.txt").exists()


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EACCES, "can't write")],
)
def test_a_full_or_closed_disk_is_told_from_each_other(tmp_path: Path, number: int, said: str) -> None:
    with pytest.raises(StorageError, match=said), lake.whole(tmp_path / "a"):
        raise OSError(number, os.strerror(number))


def test_a_full_disk_leaves_no_half_table(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    target = tmp_path / "out" / "a.parquet"

    monkeypatch.setattr(lake, "quoted", lambda _: str(full))
    with lake.connect(settings) as connection, pytest.raises(StorageError):
        lake.copy_out(connection, "SELECT range FROM range(1000000)", target)

    assert not target.exists()


def test_what_is_frozen_is_named_by_its_own_bytes_the_same_in_every_folder(
    settings: Settings, tmp_path: Path
) -> None:
    query = "SELECT range AS n, range::VARCHAR || '个' AS text FROM range(300000) ORDER BY n"
    with lake.connect(settings) as connection:
        digest, path = lake.freeze(connection, query, tmp_path / "a")
        again, _ = lake.freeze(connection, query, tmp_path / "a")
        other, _ = lake.freeze(connection, f"SELECT * FROM ({query}) WHERE n <> 7", tmp_path / "a")
    with lake.connect(Settings(home=tmp_path / "elsewhere", threads=1)) as connection:
        there, _ = lake.freeze(connection, query, tmp_path / "b")

    assert digest == again == there == digests.of_file(path) == path.stem
    assert other != digest
    assert sorted(one.stem for one in (tmp_path / "a").iterdir()) == sorted({digest, other})


def test_every_table_is_offered_and_one_that_is_not_there_is_empty(
    settings: Settings, tmp_path: Path, publish: object
) -> None:
    paths = publish(tmp_path / "it's here", {"market": [{"month": "2024-01"}]})  # type: ignore[operator]
    with lake.connect(settings) as connection:
        lake.offer(connection, paths)
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in TABLES
        }
        shape = connection.execute("DESCRIBE repayments").fetchall()

    assert counts == {name: int(name == "market") for name in TABLES}
    assert [(row[0], row[1]) for row in shape] == [
        (column.name, column.type) for column in TABLES["repayments"].columns
    ]


def test_a_column_that_is_not_allowed_is_not_offered(settings: Settings) -> None:
    with lake.connect(settings) as connection:
        lake.offer(connection, {}, lambda column: column.privacy is Privacy.OPEN)
        names = [row[0] for row in connection.execute("DESCRIBE customers").fetchall()]

    assert names == ["event_at", "available_at"]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such record"), ("{", "can't be read"), ("[1]", "no JSON object")]
)
def test_a_record_that_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "record.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(StorageError, match=rf"{said}.*record\.json"):
        lake.read_json(path)


def test_a_record_survives_writing(tmp_path: Path) -> None:
    value = {"b": [1, None], "a": "车"}

    assert lake.read_json(lake.write_json(tmp_path / "a.json", value)) == value
    with pytest.raises(ValueError, match="JSON"):
        lake.write_json(tmp_path / "a.json", {"a": float("nan")})
    assert lake.read_json(tmp_path / "a.json") == value


def test_each_dataset_has_folders_of_its_own(tmp_path: Path) -> None:
    one = lake.Lake(tmp_path)
    kinds = (
        one.published,
        one.quarantine,
        one.frames,
        one.candidates,
        one.decisions,
        one.features,
        one.catalog,
    )

    folders = [kind(name) for kind in kinds for name in ("a", "b")]

    assert len(set(folders)) == len(folders)
