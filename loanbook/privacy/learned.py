"""What may be known: which models learned from a customer, and their frames and predictions without them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import digests, lake
from loanbook.governance.registry import Registry
from loanbook.intake.engine import text
from loanbook.lake import Lake
from loanbook.privacy import places, rewriting, works
from loanbook.privacy.rewriting import Change
from loanbook.privacy.works import Work
from loanbook.settings import Settings
from loanbook.training.candidates import RECORD

if TYPE_CHECKING:
    import duckdb

PREDICTIONS = "predictions.parquet"


def models(settings: Settings, dataset: str, customer: str) -> tuple[dict[str, Any], ...]:
    """Name the candidates that were fitted or tuned on a customer, and their registered versions."""
    with lake.connect(settings) as connection:
        return tuple(
            {"candidate": folder.name, "samples": samples, "versions": _versions(settings, dataset, folder)}
            for folder in _candidates(settings, dataset)
            if (samples := _samples(connection, folder / PREDICTIONS, customer))
        )


def forget(settings: Settings, work: Work) -> Work:
    """Take a customer out of frames, and out of predictions and decisions all but the token."""
    root = Lake(settings.home)
    his = f"customer_id = {text(work.customer)}"
    hidden = Change(hidden=his, values={"customer_id": text(work.token)})
    with lake.connect(settings) as connection:
        for path in sorted(root.frames(work.dataset).glob("[!.]*.parquet")):
            if places.held(connection, path, work.customer):
                work = _renamed(connection, settings, work, path, Change(gone=his))
        for path in sorted(root.decisions(work.dataset).glob("[!.]*.parquet")):
            if places.held(connection, path, work.customer):
                work = _renamed(connection, settings, work, path, hidden)
        for path in _predictions(settings, work.dataset):
            if places.held(connection, path, work.customer):
                work = _replaced(connection, settings, work, path, hidden)
    for folder in _candidates(settings, work.dataset):
        _follow(folder, work)
    _sweep(settings, work)
    return work


def _renamed(
    connection: duckdb.DuckDBPyConnection, settings: Settings, work: Work, path: Path, change: Change
) -> Work:
    """Write what is left beside a file named by its content; note both names before the old one goes."""
    new, _ = rewriting.frozen(connection, path, change)
    return works.keep(settings, work.rewrote(path.stem, new))


def _replaced(
    connection: duckdb.DuckDBPyConnection, settings: Settings, work: Work, path: Path, change: Change
) -> Work:
    """Put what is left in a file's place; note both hashes before."""
    draft = path.with_name(f".{path.name}.draft")
    lake.copy_out(connection, rewriting.query(connection, path, change), draft)
    work = works.keep(settings, work.rewrote(digests.of_file(path), digests.of_file(draft)))
    draft.replace(path)
    return work


def _follow(folder: Path, work: Work) -> None:
    """Let a candidate's record name the files that took the place of others."""
    record = lake.read_json(folder / RECORD)
    now = {name: work.files.get(str(record[name]), record[name]) for name in ("frame", "predictions")}
    if any(record[name] != value for name, value in now.items()):
        lake.write_json(folder / RECORD, {**record, **now})


def _sweep(settings: Settings, work: Work) -> None:
    """Delete the files whose place others took."""
    root = Lake(settings.home)
    for folder in (root.frames(work.dataset), root.decisions(work.dataset)):
        for old in work.files:
            (folder / f"{old}.parquet").unlink(missing_ok=True)


def _predictions(settings: Settings, dataset: str) -> Iterator[Path]:
    """Give the predictions of each candidate, and the copies that the registry keeps."""
    yield from (folder / PREDICTIONS for folder in _candidates(settings, dataset))
    yield from sorted((settings.home / "mlflow" / "artifacts").glob(f"{dataset}.*/**/[!.]*.parquet"))


def _candidates(settings: Settings, dataset: str) -> list[Path]:
    root = Lake(settings.home).candidates(dataset)
    return [record.parent for record in sorted(root.glob(f"[!.]*/{RECORD}"))]


def _samples(connection: duckdb.DuckDBPyConnection, path: Path, customer: str) -> dict[str, int]:
    rows = connection.execute(
        f"SELECT sample, count(*) FROM read_parquet({text(str(path))}) "
        f"WHERE customer_id = {text(customer)} GROUP BY sample ORDER BY sample"
    ).fetchall()
    return {str(sample): int(count) for sample, count in rows}


def _versions(settings: Settings, dataset: str, folder: Path) -> list[str]:
    """Name the registered versions of a candidate."""
    registry = Registry(settings)
    if not registry.folder.exists():
        return []
    line = str(lake.read_json(folder / RECORD)["line"]).replace("/", "_")
    model = f"{dataset}.{line}"
    return [
        f"{model}/{version.version}"
        for version in registry.versions(model)
        if version.tags.get("loanbook.candidate") == folder.name
    ]
