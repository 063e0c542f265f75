"""What may be known: clear what was made of rows that are gone: publications, held rows, feature sets."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from loanbook import lake
from loanbook.errors import StorageError
from loanbook.intake import book, publications
from loanbook.lake import Lake
from loanbook.privacy import places
from loanbook.settings import Settings

DERIVED = ("published", "quarantine", "features")


def clear_holding(settings: Settings, dataset: str, customer: str, keep: Collection[str]) -> None:
    """Delete every publication and feature set that holds rows of a customer, but those in `keep`."""
    root = Lake(settings.home).catalog(dataset).parent
    holding = {
        root / one.place / one.path.relative_to(root / one.place).parts[0]
        for one in places.found(settings, dataset, customer)
        if one.place in DERIVED
    }
    for folder in sorted(holding):
        if folder.name not in keep:
            _remove(folder)
    _clear_orphans(settings, dataset)


def clear_older(settings: Settings, dataset: str) -> None:
    """Delete every publication of another state of the book than the one that stands."""
    stands = book.read(settings, dataset).digest
    for manifest in sorted(Lake(settings.home).published(dataset).glob("[!.]*/manifest.json")):
        try:
            made_from = publications.open_publication(settings, dataset, manifest.parent.name).book
        except StorageError:
            made_from = ""
        if made_from != stands:
            _remove(manifest.parent)
    _clear_orphans(settings, dataset)


def _clear_orphans(settings: Settings, dataset: str) -> None:
    """Delete what was made from publications that are gone: held rows, feature sets, and their pointers."""
    root = Lake(settings.home)
    here = {path.parent.name for path in root.published(dataset).glob("[!.]*/manifest.json")}
    for record in sorted(root.features(dataset).glob("[!.]*/features.json")):
        if str(lake.read_json(record)["publication"]) not in here:
            _remove(record.parent)
    for folder in sorted(root.quarantine(dataset).glob("[!.]*")):
        if folder.name not in here:
            _remove(folder)
    for pointer in sorted((root.catalog(dataset) / "features").glob("[!.]*.json")):
        if pointer.stem not in here:
            pointer.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Delete a folder whole: under its own name nobody ever finds half of it."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.draft")
    try:
        folder.rename(aside)
    except OSError as error:
        raise lake.storage_error(error, folder) from error
    shutil.rmtree(aside, ignore_errors=True)
