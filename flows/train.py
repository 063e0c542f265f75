"""features → candidate: join what was known, freeze it, fit, register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do, joined, once
from loanbook import lines
from loanbook.errors import TrainingError
from loanbook.features import store, tables
from loanbook.features.permits import permits
from loanbook.features.store import Service
from loanbook.features.tables import FeatureSet
from loanbook.governance import provenance, registry, shelf
from loanbook.governance.registry import Registry, Version
from loanbook.intake import mapping, publishing
from loanbook.intake.mapping import Dataset
from loanbook.intake.publishing import Publication
from loanbook.leaks import amounts, training_sets
from loanbook.schema import Amount, Line, Response, Uplift
from loanbook.settings import Settings
from loanbook.training import candidate, candidates, frame, orders, reasons, studies
from loanbook.training.candidates import Made
from loanbook.training.frame import Frame
from loanbook.training.studies import Study


@flow(name="train")
def train(dataset: str, line: str, seed: int = 7, trials: int = 0) -> dict[str, Any]:
    """Train a line on the dataset's current publication and features; register the candidate.

    With `trials`, that many recipes are tried before on the stopping sample.
    """
    place, source = steps.settings(), mapping.load(dataset)
    publication = publishing.current(place, source.name)
    features = tables.current(place, source.name, publication.id)
    made = training(place, source, publication, features, lines.find(line), seed, trials)
    return {"model": made.model, "version": made.version, "lies": made.source}


def training(
    place: Settings,
    source: Dataset,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    seed: int,
    trials: int = 0,
) -> Version:
    """Give the registered version: one for one bundle of one training set, whatever code made it last."""
    line = lines.adapted(line, source.lines.get(line.name, {}))
    service = do("read the feature service", store.service, place, features, line.feature_service)
    outcome = do("count ripe outcomes", frame.outcomes, place, publication.paths, line, publication.as_of)
    known = framing(place, publication, features, line, service, frame.wanted(outcome))
    screen = amounts.refuse if isinstance(line.label, Amount) else training_sets.refuse
    do("look for leaks", screen, known, service, _used(service, features), source.explained)
    stated = _plain(source.lines.get(line.name, {}))
    order = order_of(place, stated, features, line, service, known, seed)
    context = context_of(place, publication, features, line, service, stated, frame.counts(outcome), order)
    if trials:
        if not isinstance(order, candidate.Order):
            raise TrainingError(f"{line.name} has no search for recipes", right="Train it without --trials")
        order, context = _searched(place, source, line, order, context, trials)
    made = do("fit, calibrate, find cut-offs", candidates.make, place, source.name, order, context)
    return do("register the candidate", _register, place, source, line, made)


def _searched(
    place: Settings,
    source: Dataset,
    line: Line,
    order: candidate.Order,
    context: dict[str, Any],
    trials: int,
) -> tuple[candidate.Order, dict[str, Any]]:
    """Order the recipe that a search finds, and say what it tried."""
    study = do("search for a recipe", studies.search, place, source.name, order, context, trials=trials)
    do("log every trial", _log, place, source, line, study)
    return replace(order, recipes=(study.recipe,)), context | {"search": study.facts}


def _log(place: Settings, source: Dataset, line: Line, study: Study) -> None:
    Registry(place).log_trials(f"{source.name}.{line.stem}", study.key, [one.facts for one in study.trials])


def framing(
    place: Settings, publication: Publication, features: FeatureSet, line: Line, service: Service, wanted: Any
) -> Frame:
    """Give the training set: what was known of each application when it was decided."""

    def make() -> str:
        dataset, grain = publication.dataset, line.grain
        history = joined(place, features, service.name, wanted, grain)
        return do("freeze the training set", frame.freeze, place, dataset, grain, wanted, history).digest

    inputs = {
        "publication": publication.id,
        "features": features.id,
        "service": service.digest,
        "line": line.name,
        "label": asdict(line.label),
    }
    return once(place, "frame", inputs, make, lambda found: frame.read(place, publication.dataset, found))


def order_of(
    place: Settings,
    stated: Mapping[str, Any],
    features: FeatureSet,
    line: Line,
    service: Service,
    known: Frame,
    seed: int,
) -> orders.Order:
    """Give what the trainer is asked for; `stated` is what the dataset says of the line."""
    report_from = stated.get("report_from")
    day = datetime.fromisoformat(str(report_from)) if report_from else None
    bare = orders.Order(
        line=line,
        frame=known.path,
        frame_digest=known.digest,
        service=service.digest,
        features=_used(service, features),
        report_from=day,
        seed=seed,
        threads=place.threads,
    )
    if isinstance(line.label, Amount | Uplift | Response):
        return bare
    policy = shelf.policy(place, line.name)
    wording = place.repo / "expectations" / "policies" / "reasons.toml"
    return candidate.Order(
        **{one.name: getattr(bare, one.name) for one in fields(bare)},
        recipes=(),
        reasons=reasons.parse(wording.read_text(encoding="utf-8"), str(wording)),
        strategy=policy.cut_offs,
        shared_customers=bool(stated.get("shared_customers")),
        newcomers=bool(stated.get("report_newcomers")),
    )


def _plain(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a dataset states of a line as JSON has it: a day is a text."""
    return {
        name: value if isinstance(value, bool | int | float) else str(value) for name, value in stated.items()
    }


def _used(service: Service, features: FeatureSet) -> tuple[str, ...]:
    return tuple(one.name for one in service.features if one.name not in features.absent)


def context_of(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    service: Service,
    stated: Mapping[str, Any],
    outcomes: dict[str, int],
    order: orders.Order,
) -> dict[str, Any]:
    """Say what the review needs and the bundle doesn't hold."""
    absent = sorted({one.name for one in service.features} - set(order.features))
    return {
        "dataset": publication.dataset,
        "line": line.name,
        "label": asdict(line.label),
        "stated": dict(stated),
        "trained_by": place.actor,
        "trained_at": f"{steps.now().isoformat()}Z",
        "requested_by": place.actor,
        "data": publication.facts,
        "features": {
            "set": features.id,
            "service": service.digest,
            "used": list(order.features),
            "absent": absent,
            "columns": permits(service.features),
        },
        "code": provenance.code(place),
        "outcomes": outcomes,
        "search": {},
        "threads": order.threads,
    }


def _register(place: Settings, source: Dataset, line: Line, made: Made) -> Version:
    return Registry(place).log_candidate(
        registry.Candidate(
            model=f"{source.name}.{line.stem}",
            bundle=made.bundle,
            predictions=made.predictions,
            data=str(made.record["frame"]),
            params={"line": line.name, "seed": made.record["seed"], "threads": made.record["threads"]},
            metrics={},
            tags={
                "loanbook.candidate": made.key,
                "loanbook.dataset": source.name,
                "loanbook.line": line.name,
            },
        )
    )
