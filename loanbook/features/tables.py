"""validated → features: compute each feature table from a publication, one SQL file per table."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.errors import FeatureError
from loanbook.schema import Column, Privacy, Purpose
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

FOLDER = Path(__file__).parent
REACHABLE = (Privacy.OPEN, Privacy.PERSONAL)
# read_parquet(…), parquet_scan(…), FROM 'a file', FROM "a file.parquet"
PAST_THE_VIEWS = re.compile(r"\b(read_\w+|\w+_scan|glob)\s*\(|\b(FROM|JOIN|,)\s*'|\.parquet\b", re.IGNORECASE)


@dataclass(frozen=True)
class Recipe:
    """One feature table: its SQL, grain, key and purpose, read from the file's first lines."""

    name: str
    grain: str
    key: str
    purpose: Purpose
    sql: str


@dataclass(frozen=True)
class FeatureTable:
    """A computed feature table; `absent` names features without a single value."""

    name: str
    digest: str
    rows: int
    absent: tuple[str, ...]


@dataclass(frozen=True)
class FeatureSet:
    """All feature tables of one publication, in one folder named by their content."""

    id: str
    dataset: str
    publication: str
    folder: Path
    tables: tuple[FeatureTable, ...]

    @property
    def absent(self) -> frozenset[str]:
        """Every feature that this dataset can't fill."""
        return frozenset(name for table in self.tables for name in table.absent)


def recipes(folder: Path = FOLDER) -> tuple[Recipe, ...]:
    """Read every feature table's SQL, or raise FeatureError for one without its header."""
    return tuple(_recipe(path) for path in sorted(folder.glob("*.sql")))


def recipes_digest(folder: Path = FOLDER) -> str:
    """Hash all feature SQL."""
    return digests.of_tree(folder, [".sql"])


def _recipe(path: Path) -> Recipe:
    text = path.read_text(encoding="utf-8")
    head = dict(
        line.removeprefix("--").strip().split(": ", 1)
        for line in text.splitlines()
        if line.startswith("-- ") and ": " in line
    )
    if PAST_THE_VIEWS.search(re.sub(r"--[^\n]*", "", text)):
        raise FeatureError(
            "the recipe reads a file",
            where=path.name,
            right="Read the canonical tables: a file also holds what a feature may not know",
        )
    try:
        return Recipe(path.stem, head["grain"], head["key"], Purpose(head["purpose"]), text)
    except (KeyError, ValueError) as error:
        raise FeatureError(
            f"the header lacks or misspells {error}",
            where=path.name,
            right="Begin with `-- grain: …`, `-- key: …` and `-- purpose: …`",
        ) from None


def compute(settings: Settings, dataset: str, publication: str, published: Mapping[str, Path]) -> FeatureSet:
    """Compute every feature table; the same publication and SQL give the same folder."""
    root = lake.Lake(settings.home).features(dataset)
    draft = root / f".{secrets.token_hex(4)}"
    with lake.whole(draft) as folder:
        folder.mkdir()
        with lake.connect(settings) as connection:
            tables = tuple(_compute(connection, recipe, published, folder) for recipe in recipes())
        manifest = _manifest(dataset, publication, tables)
        identity = digests.of_json(manifest)[:16]
        lake.write_json(folder / "features.json", manifest)
    target = root / identity
    with lake.whole(target) as folder:
        draft.replace(folder)
    return FeatureSet(identity, dataset, publication, target, tables)


def read(settings: Settings, dataset: str, identity: str) -> FeatureSet:
    """Open a computed feature set, or raise FeatureError when a file isn't what it was."""
    folder = lake.Lake(settings.home).features(dataset) / identity
    manifest = lake.read_json(folder / "features.json")
    if digests.of_json(manifest)[:16] != identity:
        raise FeatureError("the feature set's record was changed", where=str(folder))
    entries = manifest["tables"]
    assert isinstance(entries, dict)
    tables = tuple(
        FeatureTable(name, entry["digest"], entry["rows"], tuple(entry["absent"]))
        for name, entry in sorted(entries.items())
    )
    for table in tables:
        path = folder / f"{table.name}.parquet"
        if not path.is_file():
            raise FeatureError("the feature table is gone", where=str(path), right="Run featurize again")
        if digests.of_file(path) != table.digest:
            raise FeatureError("the feature table's bytes were changed", where=str(path))
    return FeatureSet(identity, dataset, str(manifest["publication"]), folder, tables)


def point(settings: Settings, features: FeatureSet) -> None:
    """Make this the current feature set of its publication."""
    lake.write_json(_pointer(settings, features.dataset, features.publication), {"id": features.id})


def current(settings: Settings, dataset: str, publication: str) -> FeatureSet:
    """Open the feature set of a publication, or raise FeatureError when there is none."""
    pointer = _pointer(settings, dataset, publication)
    if not pointer.exists():
        raise FeatureError(
            "the current publication has no features",
            where=f"{dataset}, publication {publication[:12]}",
            right=f"Run `loanbook featurize --dataset {dataset}`",
        )
    return read(settings, dataset, str(lake.read_json(pointer)["id"]))


def ever_made(settings: Settings, dataset: str) -> bool:
    """Say whether features were made of any publication of a dataset."""
    return any(_pointer(settings, dataset, "any").parent.glob("*.json"))


def _pointer(settings: Settings, dataset: str, publication: str) -> Path:
    return lake.Lake(settings.home).catalog(dataset) / "features" / f"{publication}.json"


def _manifest(dataset: str, publication: str, tables: tuple[FeatureTable, ...]) -> dict[str, object]:
    return {
        "dataset": dataset,
        "publication": publication,
        "recipes": recipes_digest(),
        "tables": {
            table.name: {"digest": table.digest, "rows": table.rows, "absent": list(table.absent)}
            for table in tables
        },
    }


def _compute(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, published: Mapping[str, Path], folder: Path
) -> FeatureTable:
    import duckdb

    lake.offer(connection, published, _may_see(recipe.purpose))
    path = folder / f"{recipe.name}.parquet"
    query = f"SELECT * FROM ({recipe.sql}) ORDER BY {recipe.key}, available_at"
    try:
        lake.copy_out(connection, query, path)
        _refuse_ties(connection, recipe, path)
    except duckdb.Error as error:
        raise FeatureError(
            f"the feature table fails: {str(error).splitlines()[0]}",
            where=f"loanbook/features/{recipe.name}.sql",
            right=f"It may read only what serves {recipe.purpose} and is neither identifying nor protected",
        ) from error
    rows, absent = _absent(connection, path, {recipe.key, "available_at"})
    return FeatureTable(recipe.name, digests.of_file(path), rows, absent)


def _may_see(purpose: Purpose) -> Callable[[Column], bool]:
    """Protected and identifying columns, and those without the purpose, don't exist for a recipe."""
    return lambda column: column.privacy in REACHABLE and purpose in column.purposes


def _refuse_ties(connection: duckdb.DuckDBPyConnection, recipe: Recipe, path: Path) -> None:
    """Two rows of a key at one moment would make the value at that moment a matter of luck."""
    ties = connection.execute(
        f"SELECT {recipe.key}, available_at FROM read_parquet('{lake.quoted(path)}') "
        f"GROUP BY ALL HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if ties:
        raise FeatureError(
            f"{recipe.key} {ties[0][0]} has two rows at {ties[0][1]}",
            where=f"loanbook/features/{recipe.name}.sql",
            right="A feature table has one row per key and moment",
        )


def _absent(connection: duckdb.DuckDBPyConnection, path: Path, keys: set[str]) -> tuple[int, tuple[str, ...]]:
    """Count rows, and name the features without a single value."""
    relation = f"read_parquet('{lake.quoted(path)}')"
    names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]
    counts = connection.execute(
        "SELECT count(*), " + ", ".join(f'count("{name}")' for name in names) + f" FROM {relation}"
    ).fetchall()[0]
    filled = zip(names, counts[1:], strict=True)
    return int(counts[0]), tuple(name for name, count in filled if count == 0 and name not in keys)
