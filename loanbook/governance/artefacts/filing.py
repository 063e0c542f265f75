"""candidate → reviewed: write the artefacts under one list of hashes, and find what was altered."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from loanbook import digests, lake, pages
from loanbook.errors import AlteredError, EvidenceError, PolicyError
from loanbook.governance import champions, dossier, predicted, shelf
from loanbook.governance import obligations as asked
from loanbook.governance.artefacts import data, development, inventory, plans, validation
from loanbook.governance.artefacts.documents import Document, as_json
from loanbook.governance.basis import Basis
from loanbook.governance.demands import PROBABILITY
from loanbook.governance.duties import Duty, judge
from loanbook.governance.ledger import of_home
from loanbook.governance.obligations import Obligations
from loanbook.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
LIST = "artefacts.json"
INDEX = "index.html"


@dataclass(frozen=True)
class Filed:
    """A version's artefacts as they were filed: the page that leads to them, and each file's SHA-256."""

    index: Path
    files: Mapping[str, str]


def obligations(settings: Settings) -> Obligations:
    """Read the obligations as they stand now, or raise PolicyError."""
    path = shelf.policy_path(settings, "obligations")
    if not path.exists():
        raise PolicyError("there is no file of obligations", where=str(path), right="Restore it")
    return asked.parse(path.read_text(encoding="utf-8"), str(path))


def folder(settings: Settings, dataset: str, model: str, version: int) -> Path:
    """Find where a version's artefacts lie: beside its dossier."""
    return shelf.dossier_path(settings, dataset, model, version).parent / "artefacts"


def documents(basis: Basis, obliged: Obligations, duties: Sequence[Duty], on: date) -> tuple[Document, ...]:
    """Make every artefact of a version."""
    return (
        inventory.inventory(basis),
        inventory.materiality(basis),
        development.development(basis),
        validation.validation(basis),
        data.register(basis),
        data.dictionary(basis),
        # where nothing is decided on a person, nobody is told why
        *((plans.reasons(basis),) if predicted.kind(basis.evidence.facts) == PROBABILITY else ()),
        plans.monitoring(basis),
        plans.obligations(obliged, duties, on),
    )


def write(settings: Settings, basis: Basis, on: date) -> str:
    """Write every artefact as a page and as JSON, and the list of their hashes; give the list's own digest.

    The same evidence on the same day under the same obligations gives the same bytes. Of what happened after
    the review nothing is asked here: `loanbook obligations` asks the ledger too.
    """
    evidence, obliged = basis.evidence, obligations(settings)
    made = documents(basis, obliged, judge(obliged, basis, on), on)
    place = folder(settings, str(evidence.facts["dataset"]), evidence.model, evidence.version)
    # none of an earlier review's files may stand beside the new ones
    shutil.rmtree(place, ignore_errors=True)
    files = _written(place, made, basis)
    files[INDEX] = digests.of_file(lake.write_text(place / INDEX, _index(made, files, basis, on)))
    listed = {
        "format": 1,
        "evidence": evidence.digest,
        "obligations": obliged.digest,
        "on": str(on),
        "files": files,
    }
    return digests.of_file(lake.write_json(place / LIST, listed))


def _written(place: Path, made: Sequence[Document], basis: Basis) -> dict[str, str]:
    files = {}
    for one in made:
        page = pages.render(
            TEMPLATES / "artefact.html", {"made": one, "of": basis.evidence}, filters={"shown": shown}
        )
        for path in (
            lake.write_text(place / f"{one.name}.html", page),
            lake.write_json(place / f"{one.name}.json", as_json(one, basis)),
        ):
            files[path.name] = digests.of_file(path)
    return files


def _index(made: Sequence[Document], files: Mapping[str, str], basis: Basis, on: date) -> str:
    facts = {"made": made, "files": files, "of": basis.evidence, "on": on}
    return pages.render(TEMPLATES / "index.html", facts)


def shown(value: object) -> str:
    """Write a fact for people as the dossier does; two texts are two, and no interval."""
    if isinstance(value, list | tuple) and not all(isinstance(one, int | float) for one in value):
        return ", ".join(map(dossier.shown, value))
    return dossier.shown(value)


def verify(settings: Settings, model: str, version: int) -> Filed:
    """Give a version's artefacts as they were filed, or raise AlteredError naming each that is not so.

    The ledger's last review says what the list of hashes was; the list says what each file was.
    """
    review = champions.last_review(of_home(settings.home).entries(), model, version)
    listed = review.body.get("artefacts")
    if not isinstance(listed, str):
        raise EvidenceError(
            f"the review of {model} version {version} wrote no artefacts",
            where=f"ledger entry {review.seq}",
            right=f"loanbook review {model}/{version}",
        )
    dataset = str(shelf.evidence(settings, model, version, str(review.body["evidence"])).facts["dataset"])
    place = folder(settings, dataset, model, version)
    files: Any = _listed(place / LIST, listed)["files"]
    faults = _faults(place, files)
    if faults:
        raise AlteredError("; ".join(faults), where=str(place), right=f"loanbook review {model}/{version}")
    return Filed(place / INDEX, dict(files))


def _listed(path: Path, digest: str) -> dict[str, object]:
    if not path.is_file() or digests.of_file(path) != digest:
        raise AlteredError(
            "the list of artefacts is gone or changed",
            where=str(path),
            right=f"The ledger says {digest[:12]}: restore it, or review again",
        )
    return lake.read_json(path)


def _faults(place: Path, files: Mapping[str, str]) -> list[str]:
    there = {path.name: path for path in place.iterdir() if path.name != LIST}
    gone = [f"{name} is gone" for name in files if name not in there]
    new = [f"{name} is in no list" for name in sorted(there) if name not in files]
    other = [
        f"{name} hashes to {digests.of_file(there[name])[:12]}, not to {digest[:12]}"
        for name, digest in files.items()
        if name in there and digests.of_file(there[name]) != digest
    ]
    return [*other, *gone, *new]
