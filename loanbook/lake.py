"""The lake: one way to open DuckDB, to write a file whole or not at all, and to find things again."""

from __future__ import annotations

import errno
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests
from loanbook.errors import StorageError
from loanbook.schema import TABLES, Column, Purpose, consents
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

# zstd at level 3 and a fixed row group make the bytes a function of the rows alone.
PARQUET = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"


@dataclass(frozen=True)
class Lake:
    """Where each thing lies below the home folder. Everything in it is named by its content."""

    home: Path

    def snapshots(self, dataset: str, table: str) -> Path:
        """Frozen readings of a table, one Parquet file each, named by its SHA-256."""
        return self.home / "lake" / dataset / "snapshots" / table

    def published(self, dataset: str) -> Path:
        """Publications: one folder each, a Parquet file per table."""
        return self.home / "lake" / dataset / "published"

    def quarantine(self, dataset: str) -> Path:
        """Held rows: one folder per publication, a Parquet file per table."""
        return self.home / "lake" / dataset / "quarantine"

    def frames(self, dataset: str) -> Path:
        """Training sets, one Parquet file each, named by its SHA-256."""
        return self.home / "lake" / dataset / "frames"

    def candidates(self, dataset: str) -> Path:
        """Candidates: one folder each, named by what they were ordered from."""
        return self.home / "lake" / dataset / "candidates"

    def studies(self, dataset: str) -> Path:
        """Journals of searches for a recipe, named by what they were ordered from."""
        return self.home / "lake" / dataset / "studies"

    def decisions(self, dataset: str) -> Path:
        """Scored books, one Parquet file each, named by its SHA-256."""
        return self.home / "lake" / dataset / "decisions"

    def features(self, dataset: str) -> Path:
        """Feature sets: one folder each, a Parquet file per feature view."""
        return self.home / "lake" / dataset / "features"

    def catalog(self, dataset: str) -> Path:
        """Pointers to what is current, as JSON."""
        return self.home / "lake" / dataset / "catalog"

    def reports(self, dataset: str) -> Path:
        """What people read: Data Docs, dossiers, drift reports."""
        return self.home / "reports" / dataset


@contextmanager
def connect(settings: Settings, *, private: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory DuckDB that keeps UTC, our limits, and its spill below the home folder.

    Where `private` values pass, what it spills is encrypted by a key that it draws and keeps in memory.
    """
    import duckdb

    spill = settings.home / "tmp"
    try:
        spill.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, spill) from error
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": settings.threads,
            "memory_limit": settings.memory,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        if private:
            # duckdb 2.0 calls its own cipher unsafe: better keys come with httpfs, which is a download.
            # Drop the first line with the first DuckDB that encrypts without it.
            connection.execute("SET force_mbedtls_unsafe = 'true'")
            connection.execute("SET temp_file_encryption = true")
        yield connection
    finally:
        connection.close()


def storage_error(error: OSError, path: Path) -> StorageError:
    """Turn an OSError into a sentence a person can act on."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            "the disk is full", where=str(path), right="Free space and run again; nothing was published"
        )
    return StorageError(
        f"can't write: {error.strerror or error}",
        where=str(path),
        right="Give this user a writable LOANBOOK_HOME",
    )


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a temporary sibling to write to; it becomes `path` only when the block ends well."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        if draft.is_dir() and path.is_dir():
            shutil.rmtree(draft)  # named by content: what stands there already is the same
        else:
            draft.replace(path)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write a text file whole or not at all."""
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, value: object) -> Path:
    """Write JSON for people to read, whole or not at all."""
    return write_text(
        path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    )


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object, or raise StorageError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StorageError("there is no such record", where=str(path)) from None
    except (OSError, ValueError) as error:
        raise StorageError(f"the record can't be read: {error}", where=str(path)) from error
    if not isinstance(value, dict):
        raise StorageError("the record is no JSON object", where=str(path))
    return value


def copy_out(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write a query's rows to one Parquet file, in the query's order, whole or not at all."""
    import duckdb

    with whole(path) as draft:
        try:
            connection.execute(f"COPY ({query}) TO '{quoted(draft)}' ({PARQUET})")
        except duckdb.IOException as error:
            full = "No space left" in str(error)
            raise storage_error(OSError(errno.ENOSPC if full else errno.EIO, str(error)), path) from error


def freeze(connection: duckdb.DuckDBPyConnection, query: str, folder: Path) -> tuple[str, Path]:
    """Write a query's rows to `folder` as Parquet named by its own SHA-256; return hash and path."""
    draft = folder / f".{secrets.token_hex(4)}.parquet"
    copy_out(connection, query, draft)
    digest = digests.of_file(draft)
    target = folder / f"{digest}.parquet"
    draft.replace(target)
    return digest, target


def offer(
    connection: duckdb.DuckDBPyConnection,
    published: Mapping[str, Path],
    allowed: Callable[[Column], bool] = lambda _: True,
    purpose: Purpose | None = None,
) -> None:
    """Show each canonical table as a view of the allowed columns; a table that isn't there is empty.

    For a purpose, only the rows of those are shown who agreed to it.
    """

    def relation(name: str) -> str:
        if name in published:
            return f"read_parquet('{quoted(published[name])}')"
        nulls = ", ".join(f'NULL::{column.type} AS "{column.name}"' for column in TABLES[name].columns)
        return f"(SELECT {nulls} WHERE false)"

    for table in TABLES.values():
        names = ", ".join(f'"{column.name}"' for column in table.columns if allowed(column))
        agreed = consents.rows(table.name, purpose, relation) if purpose else None
        where = f" WHERE {agreed}" if agreed else ""
        connection.execute(
            f"CREATE OR REPLACE VIEW {table.name} AS SELECT {names} FROM {relation(table.name)}{where}"
        )


def quoted(path: Path) -> str:
    """Escape a path for a single-quoted SQL literal."""
    return str(path).replace("'", "''")
