"""reviewed → reproduced: train a version again from what its evidence records, and compare."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefect import flow

from flows import review, steps, train
from flows.steps import do, joined
from loanbook import lines
from loanbook.features import store, tables
from loanbook.features.store import Service
from loanbook.features.tables import FeatureSet
from loanbook.governance import agreed, fairly, recomputing, reproducing, reviewing, rivals, seals, shelf
from loanbook.governance.evidence import Evidence
from loanbook.governance.policy import Policy
from loanbook.governance.reviewing import Subject
from loanbook.governance.rivals import Rival
from loanbook.governance.stored import Stored
from loanbook.intake import publishing
from loanbook.intake.publishing import Publication
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import candidates, frame, studies
from loanbook.training.candidate import Order
from loanbook.training.frame import Frame
from loanbook.training.orders import Candidate


@dataclass(frozen=True)
class Inputs:
    """What a version was made from, found again by the names in its evidence, each verified."""

    was: Evidence
    line: Line
    stated: Mapping[str, Any]
    publication: Publication
    features: FeatureSet
    service: Service


@flow(name="reproduce")
def reproduce(model: str, version: int) -> dict[str, Any]:
    """Make a reviewed version again in a scratch place: the same bundle, the same figures, or it fails."""
    was, again = reproducing_of(steps.settings(), model, version)
    return {
        "model": model,
        "version": version,
        "evidence": was.digest,
        "bundle": again.facts["bundle"]["digest"],
        "predictions": again.facts["predictions"]["digest"],
        "metrics": again.facts["metrics"]["report"],
    }


def reproducing_of(place: Settings, model: str, version: int) -> tuple[Evidence, Evidence]:
    """Give the evidence that stands and the one that was made again; ReproductionError where they differ."""
    was = do("read the evidence", reproducing.recorded, place, model, version)
    inputs = _inputs(place, was)
    with tempfile.TemporaryDirectory(dir=review.scratch(place)) as folder:
        home = replace(place, home=Path(folder), threads=int(was.facts["threads"]))
        again = _again(place, home, inputs)
    found = do("enter how it ended", reproducing.enter, place, was, again, steps.now())
    do("compare", reproducing.refuse, was, found)
    return was, again


def _inputs(place: Settings, was: Evidence) -> Inputs:
    facts, stated = was.facts, was.facts["split"]["stated"]
    line = lines.adapted(lines.find(was.line), stated)
    name, dataset = facts["data"]["publication"], facts["dataset"]
    publication = do("verify the publication", publishing.open_publication, place, dataset, name, verify=True)
    features = do("verify the feature tables", tables.read, place, dataset, facts["features"]["set"])
    service = do("read the feature service", store.service, place, features, line.feature_service)
    return Inputs(was, line, stated, publication, features, service)


def _again(place: Settings, home: Settings, inputs: Inputs) -> Evidence:
    """Make the evidence again: outcomes, frame, bundle, figures, gates. All of it is written to `home`."""
    published, line = inputs.publication.paths, inputs.line
    outcome = do("count ripe outcomes", frame.outcomes, home, published, line, inputs.publication.as_of)
    known = _framed(place, home, inputs, frame.wanted(outcome))
    order = train.order_of(
        home, inputs.stated, inputs.features, line, inputs.service, known, int(inputs.was.facts["seed"])
    )
    context = train.context_of(
        home,
        inputs.publication,
        inputs.features,
        line,
        inputs.service,
        inputs.stated,
        frame.counts(outcome),
        order,
    )
    method = inputs.was.facts["method"]
    if method["searched"] and isinstance(order, Order):
        order = replace(order, recipes=(studies.recipe_of(method),))
        context["search"] = {name: method[name] for name in ("tried", "chosen")}
    made = do("fit, calibrate, find cut-offs", candidates.carry_out, home, order, _draft(home))
    policy = shelf.policy(home, line.name)
    rival = do("open the champion of then", rivals.recorded, place, inputs.was.model, inputs.was.facts)
    stored = _stored(inputs, known, made, policy, rival)
    figures = do("compute every figure again", recomputing.figures, home, stored)
    record = {
        **context,
        "tried": made.tried,
        "chosen": made.chosen,
        "split": dict(made.split),
        "frame": known.digest,
        "seed": order.seed,
    }
    subject = Subject(
        inputs.was.model,
        inputs.was.version,
        seals.of_folder(made.folder),
        made.predictions_digest,
        record,
    )
    agreement = do("count who agreed", agreed.count, home, published, line.purpose)
    return do("run the gates", reviewing.assemble, home, subject, figures, policy, agreement)


def _framed(place: Settings, home: Settings, inputs: Inputs, wanted: Any) -> Frame:
    dataset, grain = inputs.publication.dataset, inputs.line.grain
    threads = replace(place, threads=home.threads)
    history = joined(threads, inputs.features, inputs.service.name, wanted, grain)
    return do("freeze the training set", frame.freeze, home, dataset, grain, wanted, history)


def _draft(home: Settings) -> Path:
    folder = home.home / "candidate"
    folder.mkdir()
    return folder


def _stored(inputs: Inputs, known: Frame, made: Candidate, policy: Policy, rival: Rival | str) -> Stored:
    return Stored(
        bundle=made.folder,
        bundle_digest=made.bundle,
        predictions=made.predictions,
        predictions_digest=made.predictions_digest,
        frame=known.path,
        published=inputs.publication.paths,
        absent_columns=inputs.publication.missing_columns,
        line=inputs.line,
        as_of=inputs.publication.as_of,
        terms=reviewing.terms(policy),
        rival=rival,
        search=fairly.demanded(policy),
    )
