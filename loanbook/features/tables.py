"""validated → features: compute each feature table from a publication, one SQL file per table."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.errors import FeatureError
from loanbook.features import touching, written
from loanbook.features.recipes import Local, Recipe, recipes, recipes_digest
from loanbook.features.touching import Touched, show
from loanbook.schema import Column, Privacy, Purpose
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "FeatureSet",
    "FeatureTable",
    "Recipe",
    "Since",
    "changed",
    "compute",
    "current",
    "point",
    "read",
    "recipes",
    "recipes_digest",
]
LAST = "last"


@dataclass(frozen=True)
class FeatureTable:
    """A computed feature table; `absent` names features without a single value, `recipe` is its hash."""

    name: str
    recipe: str
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


@dataclass(frozen=True)
class Since:
    """An earlier feature set, and whom the publication of now touches against the one of then."""

    features: FeatureSet
    touched: Touched


def compute(
    settings: Settings,
    dataset: str,
    publication: str,
    published: Mapping[str, Path],
    since: Since | None = None,
) -> FeatureSet:
    """Compute every feature table; the same publication and SQL give the same folder.

    `since` spares work and changes no byte: a table none of whose sources changed is taken over as it is,
    and of one that is local to a customer or a vehicle only the touched ones' rows are made anew.
    """
    root = lake.Lake(settings.home).features(dataset)
    draft = root / f".{secrets.token_hex(4)}"
    with lake.whole(draft) as folder:
        folder.mkdir()
        with lake.connect(settings) as connection:
            tables = tuple(_made(connection, recipe, published, folder, since) for recipe in recipes())
        manifest = _manifest(dataset, publication, tables)
        identity = digests.of_json(manifest)[:16]
        lake.write_json(folder / "features.json", manifest)
    target = root / identity
    with lake.whole(target) as folder:
        draft.replace(folder)
    return FeatureSet(identity, dataset, publication, target, tables)


def changed(settings: Settings, before: FeatureSet, after: FeatureSet) -> dict[str, int]:
    """Count each table's keys and moments that came, went, or say something else; an equal table has none."""
    with lake.connect(settings) as connection:
        return {
            recipe.name: _changed(connection, recipe, before, after)
            for recipe in recipes()
            if recipe.name in {table.name for table in before.tables}
        }


def _changed(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, before: FeatureSet, after: FeatureSet
) -> int:
    was, now = (
        next(table.digest for table in one.tables if table.name == recipe.name) for one in (before, after)
    )
    if was == now:
        return 0
    one, other = (
        f"(FROM read_parquet('{lake.quoted(side.folder / f'{recipe.name}.parquet')}'))"
        for side in (before, after)
    )
    sides = f"({one} EXCEPT ALL {other}) UNION ALL BY NAME ({other} EXCEPT ALL {one})"
    query = f"SELECT count(*) FROM (SELECT DISTINCT {recipe.key}, available_at FROM ({sides}))"
    return int(connection.execute(query).fetchall()[0][0])


def read(settings: Settings, dataset: str, identity: str) -> FeatureSet:
    """Open a computed feature set, or raise FeatureError when a file isn't what it was."""
    folder = lake.Lake(settings.home).features(dataset) / identity
    manifest = lake.read_json(folder / "features.json")
    if digests.of_json(manifest)[:16] != identity:
        raise FeatureError("the feature set's record was changed", where=str(folder))
    entries = manifest["tables"]
    assert isinstance(entries, dict)
    tables = tuple(
        FeatureTable(name, entry.get("recipe", ""), entry["digest"], entry["rows"], tuple(entry["absent"]))
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
    """Make this the current feature set of its publication, and the one made last."""
    for name in (features.publication, LAST):
        lake.write_json(_pointer(settings, features.dataset, name), {"id": features.id})


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


def latest(settings: Settings, dataset: str) -> FeatureSet:
    """Open the feature set made last, of whatever publication, or raise StorageError or FeatureError."""
    return read(settings, dataset, str(lake.read_json(_pointer(settings, dataset, LAST))["id"]))


def any_current(settings: Settings, dataset: str) -> bool:
    """Say whether any publication of a dataset has features."""
    return any((lake.Lake(settings.home).catalog(dataset) / "features").glob("[!.]*.json"))


def _pointer(settings: Settings, dataset: str, publication: str) -> Path:
    return lake.Lake(settings.home).catalog(dataset) / "features" / f"{publication}.json"


def _manifest(dataset: str, publication: str, tables: tuple[FeatureTable, ...]) -> dict[str, object]:
    return {
        "dataset": dataset,
        "publication": publication,
        "recipes": recipes_digest(),
        "tables": {
            table.name: {
                "recipe": table.recipe,
                "digest": table.digest,
                "rows": table.rows,
                "absent": list(table.absent),
            }
            for table in tables
        },
    }


def _made(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    published: Mapping[str, Path],
    folder: Path,
    since: Since | None,
) -> FeatureTable:
    """Take a table over, mend it, or compute it whole: whatever suffices."""
    earlier = _earlier(recipe, since)
    if since is None or earlier is None:
        return _compute(connection, recipe, published, folder)
    stands = since.features.folder / f"{recipe.name}.parquet"
    if not touching.seen(recipe) & since.touched.tables:
        _take_over(stands, folder / stands.name)
        return earlier
    if recipe.local_to is Local.EVERYTHING:
        return _compute(connection, recipe, published, folder)
    return _compute(connection, recipe, published, folder, since.touched, stands)


def _earlier(recipe: Recipe, since: Since | None) -> FeatureTable | None:
    """Find what the same recipe made earlier."""
    made = () if since is None else since.features.tables
    return next((one for one in made if (one.name, one.recipe) == (recipe.name, recipe.digest)), None)


def _take_over(stands: Path, path: Path) -> None:
    try:
        os.link(stands, path)
    except OSError:  # another disk, or one without links
        shutil.copyfile(stands, path)


def _compute(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    published: Mapping[str, Path],
    folder: Path,
    touched: Touched | None = None,
    stands: Path | None = None,
) -> FeatureTable:
    import duckdb

    path = folder / f"{recipe.name}.parquet"
    rows = f"SELECT * FROM ({recipe.sql})"
    if stands is not None:
        rows = f"{_untouched(recipe, stands)} UNION ALL {rows}"
    try:
        show(connection, published, recipe, _may_see(recipe.purpose), touched)
        for name in recipe.beside:
            import_module(f"loanbook.features.{name}").relate(connection)
        rows = f"{rows} UNION ALL {_none_of(connection, rows)}"
        lake.copy_out(connection, f"SELECT * FROM ({rows}) ORDER BY {recipe.key}, available_at", path)
        written.refuse_ties(connection, recipe, path)
    except duckdb.Error as error:
        raise FeatureError(
            f"the feature table fails: {str(error).splitlines()[0]}",
            where=f"loanbook/features/{recipe.name}.sql",
            right=f"It may read only what serves {recipe.purpose}, isn't protected, and is local to "
            f"{recipe.local_to}",
        ) from error
    count, absent = written.absent(connection, path, {recipe.key, "available_at"})
    return FeatureTable(recipe.name, recipe.digest, digests.of_file(path), count, absent)


def _none_of(connection: duckdb.DuckDBPyConnection, rows: str) -> str:
    """Give no row, of these columns, that DuckDB can't know to be none.

    Where its plan proves that a column has no null, it writes another kind of column: the bytes would
    tell how the rows were come by. Of these it can't prove it.
    """
    shape = connection.sql(rows)
    kinds = zip(shape.columns, shape.types, strict=True)
    nulls = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in kinds)
    return f"SELECT {nulls} FROM range(1) AS none(n) WHERE n > random()"


def _untouched(recipe: Recipe, stands: Path) -> str:
    """Give the earlier rows of everybody who isn't touched."""
    return (
        f"SELECT e.* FROM read_parquet('{lake.quoted(stands)}') AS e "
        f"ANTI JOIN touched_{recipe.key} AS t ON e.{recipe.key} IS NOT DISTINCT FROM t.{recipe.key}"
    )


def _may_see(purpose: Purpose) -> Callable[[Column], bool]:
    """Protected columns, and those without the purpose, don't exist for a recipe; a name is but a token."""
    return lambda column: column.privacy is not Privacy.PROTECTED and purpose in column.purposes
