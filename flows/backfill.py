"""raw → features: bring a backlog in month by month, each as if it had been delivered on its day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from flows import steps
from flows.featurize import featurizing
from flows.ingest import delivering
from flows.steps import do
from loanbook.intake import mapping, periods, raw, snapshots
from loanbook.lake import Lake, write_json


@flow(name="backfill")
def backfill(dataset: str, data: str, first: str, last: str, featurize: bool = True) -> dict[str, Any]:
    """Ingest and featurize each month from `first` to `last`; a month that is done isn't done again."""
    place, source = steps.settings(), mapping.load(dataset)
    deliveries = do("read the raw files", raw.survey, snapshots.due(place, source), Path(data))
    months = periods.parted(deliveries, first, last)
    record = Lake(place.home).catalog(source.name) / "backfills" / f"{first}_{last}.json"
    done: list[dict[str, Any]] = []
    came: list[raw.Delivery] = []
    for month in months:
        came += month.files
        publication = delivering(place, source, tuple(came), month.ends)
        features = featurizing(place, publication).id if featurize else None
        done.append({"month": month.name, "publication": publication.id, "features": features})
        write_json(record, {"months": [each.name for each in months], "done": done})
    return {"months": done, "record": str(record)}
