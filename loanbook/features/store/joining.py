"""validated → features: a training set, or a book to score, joined to what was known then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loanbook.errors import FeatureError
from loanbook.features.store import opening
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


def history(settings: Settings, features: FeatureSet, name: str, entities: pa.Table) -> pa.Table:
    """Join each entity row to what was known at its `event_timestamp` (UTC), row for row.

    `entities` has one string column per join key and `event_timestamp`; its other columns pass by.
    Raises FeatureError when the store returns other rows than it was asked for.
    """
    store = opening.opened(settings, features)
    service = opening.service_of(store, name)
    if store.config.offline_store.type == opening.OURS:
        got = store.get_historical_features(entity_df=entities, features=service).to_arrow()
    else:
        got = _in_order(store, service, entities)
    if got.num_rows != entities.num_rows:
        raise FeatureError(
            f"asked for {entities.num_rows} rows and got {got.num_rows}",
            where=f"feature service {name}",
            right=f"The offline store drops or doubles rows; use {opening.OURS}",
        )
    # Feast also returns what on-demand views are made from, whether or not the service has it
    allowed = {field.name for view in service.feature_view_projections for field in view.features}
    return got.select([each for each in got.column_names if each in allowed or each in entities.column_names])


def _in_order(store: Any, service: Any, entities: pa.Table) -> pa.Table:
    """Ask one of Feast's own stores, which want pandas and keep no order."""
    import pyarrow as pa

    asked = entities.append_column("_row", pa.array(range(entities.num_rows), pa.int64()))
    job = store.get_historical_features(entity_df=asked.to_pandas(), features=service)
    return job.to_arrow().sort_by("_row").drop_columns(["_row"])
