"""features → candidate: make a candidate once, and find it again by what it was ordered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from loanbook import digests, lake
from loanbook.errors import StorageError, TrainingError
from loanbook.response import making as responses
from loanbook.schema import Amount, Response, Uplift
from loanbook.settings import Settings
from loanbook.training import candidate
from loanbook.training.orders import BUNDLE, PREDICTIONS, Candidate, Order
from loanbook.uplift import making as uplifts
from loanbook.valuation import making as amounts

RECORD = "training.json"


@dataclass(frozen=True)
class Made:
    """A candidate on disk: its key, folder, and the record of its making."""

    key: str
    folder: Path
    record: Mapping[str, Any]

    @property
    def bundle(self) -> Path:
        """The folder of the bundle."""
        return self.folder / BUNDLE

    @property
    def predictions(self) -> Path:
        """The stored predictions."""
        return self.folder / PREDICTIONS


def make(settings: Settings, dataset: str, order: Order, context: Mapping[str, Any]) -> Made:
    """Train, and write bundle, predictions and record together; the same order is not carried out twice.

    `context` says what the review needs and the bundle doesn't hold: data, features, code, who and when. Who
    and when don't count for sameness.
    """
    key = key_of(order, context)
    folder = lake.Lake(settings.home).candidates(dataset) / key
    if not (folder / RECORD).exists():
        with lake.whole(folder) as draft:
            draft.mkdir()
            made = carry_out(settings, order, draft)
            facts = {"bundle": made.bundle, "predictions": made.predictions_digest, "split": dict(made.split)}
            facts |= {"tried": {name: dict(one) for name, one in made.tried.items()}, "chosen": made.chosen}
            lake.write_json(
                draft / RECORD, {**context, **facts, "frame": order.frame_digest, "seed": order.seed}
            )
    return read(settings, dataset, key)


def carry_out(settings: Settings, order: Order, into: Path) -> Candidate:
    """Train what is ordered: a PD, an amount, an uplift, or a response."""
    match order.line.label:
        case Amount():
            return amounts.make(settings, order, into)
        case Uplift():
            return uplifts.make(settings, order, into)
        case Response():
            return responses.make(settings, order, into)
    if isinstance(order, candidate.Order):
        return candidate.make(settings, order, into)
    raise TrainingError(f"{order.line.name} is ordered as no PD", right="State its reasons and its strategy")


def read(settings: Settings, dataset: str, key: str) -> Made:
    """Open a candidate, or raise StorageError."""
    folder = lake.Lake(settings.home).candidates(dataset) / key
    if not (folder / RECORD).exists():
        raise StorageError("there is no such candidate", where=str(folder), right="Train again")
    return Made(key, folder, lake.read_json(folder / RECORD))


def key_of(order: Order, context: Mapping[str, Any]) -> str:
    """Name what is ordered, of which data, to be made by which code."""
    said = {"order": replace(order, frame=Path(order.frame_digest)), "context": _lasting(context)}
    return digests.of_json(_plain(said))[:16]


def _lasting(context: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in context.items()
        if name not in ("trained_by", "trained_at", "requested_by")
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
