"""raw → validated: hold a delivery's new files to what their sources looked like before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loanbook import lake
from loanbook.errors import StorageError
from loanbook.intake import book
from loanbook.intake.book import Book
from loanbook.intake.drift import drifted, profiles
from loanbook.intake.drift.changes import Drift
from loanbook.intake.drift.profiles import Profile
from loanbook.intake.mapping import Dataset
from loanbook.intake.relations import Delivery
from loanbook.lake import Lake
from loanbook.settings import Settings


@dataclass(frozen=True)
class Look:
    """What a delivery's sources look like beside the past: every drift, those accepted, and the new past."""

    drifts: tuple[Drift, ...]
    accepted: tuple[Drift, ...]
    past: Mapping[str, Profile]


def look(
    settings: Settings, dataset: Dataset, deliveries: Sequence[Delivery], accepted: Collection[str] = ()
) -> Look:
    """Compare the files that are new with those read so far, or raise DriftedSource.

    `accepted` names drifts by id that somebody looked at; a name that fits none changes nothing.
    """
    stands = book.read(settings, dataset.name)
    fresh = [one for one in deliveries if (one.source, one.digest) not in stands.known]
    earlier = _past(settings, dataset, stands, deliveries)
    now = profiles.take(settings, dataset, fresh) if fresh else {}
    drifts = drifted.find(dataset, earlier, now)
    drifted.refuse(dataset, drifts, accepted)
    taken = tuple(drift for drift in drifts if drift.severity == "stop" and drift.id in accepted)
    return Look(drifts, taken, _merged(earlier, now, taken))


def keep(settings: Settings, dataset: str, batch: str, past: Mapping[str, Profile]) -> None:
    """Keep what the sources looked like up to a batch."""
    lake.write_json(_path(settings, dataset, batch), {name: one.to_json() for name, one in past.items()})


def _merged(
    earlier: Mapping[str, Profile], now: Mapping[str, Profile], accepted: Sequence[Drift]
) -> dict[str, Profile]:
    merged = dict(earlier)
    for name, profile in now.items():
        afresh = drifted.afresh(accepted, name)
        merged[name] = profiles.merge(earlier[name], profile, afresh) if name in earlier else profile
    return merged


def _past(
    settings: Settings, dataset: Dataset, stands: Book, deliveries: Sequence[Delivery]
) -> Mapping[str, Profile]:
    """Recall what the sources looked like, or look again at the files that were read before."""
    if not stands.batches:
        return {}
    path = _path(settings, dataset.name, stands.batches[-1].id)
    if path.exists():
        return {name: Profile.from_json(one) for name, one in lake.read_json(path).items()}  # type: ignore[arg-type]
    old = [one for one in deliveries if (one.source, one.digest) in stands.known]
    if len({(one.source, one.digest) for one in old}) < len(stands.known):
        raise StorageError(
            "what the sources looked like before is lost, so that nobody can tell whether they changed",
            where=str(path),
            right="Restore it, or deliver the earlier files again beside the new ones",
        )
    return profiles.take(settings, dataset, old)


def _path(settings: Settings, dataset: str, batch: str) -> Path:
    return Lake(settings.home).catalog(dataset) / "profiles" / f"{batch}.json"
