"""candidate → reviewed: every figure again, the gates, the evidence, the dossier."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do
from loanbook import lines
from loanbook.governance import agreed, basis, fairly, recomputing, reviewing, rivals, seals, shelf
from loanbook.governance.policy import Policy
from loanbook.governance.registry import Registry
from loanbook.governance.reviewing import Review, Subject
from loanbook.governance.stored import Stored
from loanbook.intake import publishing
from loanbook.settings import Settings
from loanbook.training import candidates, frame


@flow(name="review")
def review(model: str, version: int) -> dict[str, Any]:
    """Judge a registered version and write its evidence."""
    return report(reviewing_of(steps.settings(), model, version))


def report(done: Review) -> dict[str, Any]:
    """Say what a review left."""
    facts = done.evidence.facts
    return {
        "model": done.evidence.model,
        "version": done.evidence.version,
        "evidence": done.evidence.digest,
        "dossier": str(done.dossier),
        "artefacts": str(done.artefacts),
        "shut": list(done.shut),
        "metrics": facts["metrics"]["report"],
        "samples": facts["samples"],
    }


def reviewing_of(place: Settings, model: str, version: int) -> Review:
    """Give the review of a version, from the bytes that the registry holds now."""
    registry = Registry(place)
    tags = registry.version(model, version).tags
    made = candidates.read(place, tags["loanbook.dataset"], tags["loanbook.candidate"])
    line = lines.find(str(made.record["line"]))
    policy = shelf.policy(place, line.name)
    with tempfile.TemporaryDirectory(dir=scratch(place)) as taken:
        folder = do("fetch the bundle", registry.fetch_bundle, model, version, Path(taken) / "bundle")
        stored = do(
            "fetch the predictions", registry.fetch_predictions, model, version, Path(taken) / "stored"
        )
        subject = Subject(model, version, seals.of_folder(folder), made.record["predictions"], made.record)
        rival = do("open the champion", rivals.standing, place, line, model, version)
        lying = replace(stored_of(place, made, folder, stored, policy), rival=rival)
        figures = do("compute every figure again", recomputing.figures, place, lying)
        parts = basis.texts(folder)
    agreement = do("count who agreed", agreed.count, place, lying.published, line.purpose)
    evidence = do("run the gates", reviewing.assemble, place, subject, figures, policy, agreement)
    bound = basis.bind(evidence, policy, parts)
    return do("write evidence, dossier, artefacts", reviewing.file, place, bound, figures, steps.now())


def stored_of(place: Settings, made: candidates.Made, folder: Path, stored: Path, policy: Policy) -> Stored:
    """Put together what is reviewed, with the search that the policy demands, if any."""
    record = made.record
    publication = publishing.open_publication(
        place, str(record["dataset"]), str(record["data"]["publication"]), verify=True
    )
    return Stored(
        bundle=folder,
        bundle_digest=str(record["bundle"]),
        predictions=stored,
        predictions_digest=str(record["predictions"]),
        frame=frame.read(place, str(record["dataset"]), str(record["frame"])).path,
        published=publication.paths,
        absent_columns=publication.missing_columns,
        line=lines.adapted(lines.find(str(record["line"])), record["label"]),
        as_of=publication.as_of,
        terms=reviewing.terms(policy),
        search=fairly.demanded(policy),
    )


def scratch(place: Settings) -> Path:
    """Find the folder of what lasts no longer than a flow."""
    folder = place.home / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
