"""validated → features: the offline store that Feast runs: one as-of join per view, in DuckDB.

Feast alone loads this module, by the name that feature_store.yaml gives; so it may load Feast.
"""

# ruff: noqa: ARG002, ARG004  # Feast's interface names them

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel

from loanbook import lake
from loanbook.errors import FeatureError
from loanbook.features import asof
from loanbook.features.asof import Source
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SLICE = 65_536  # rows that an on-demand view turns into Python values at once


class AsOfOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # feast ships no types
    """What feature_store.yaml may say of it: where DuckDB spills, and its limits."""

    type: Literal["loanbook.features.store.offline.AsOfOfflineStore"]
    home: str
    memory: str
    threads: int


class AsOfOfflineStore(OfflineStore):  # type: ignore[misc]  # feast ships no types
    """Joins feature tables, one Parquet file each, to what was known at each asked moment."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: Any,
        feature_views: list[Any],
        feature_refs: list[str],
        entity_df: Any,
        registry: Any,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> AsOfJob:
        """Take the asked rows as Arrow, pandas or DuckDB's SQL; give as many, in their order.

        Feast gives dates where no rows were asked for, which is refused.
        """
        asked = _arrow(_settings(config), entity_df)
        moment = _moment(asked)
        sources = [_source(view, feature_refs, full_feature_names) for view in feature_views]
        demanded = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        metadata = RetrievalMetadata(
            features=feature_refs, keys=[name for name in asked.column_names if name != moment]
        )

        def run() -> pa.Table:
            joined = asof.join(
                _settings(config), asked, moment, sources, written_by_then=filter_by_created_timestamp
            )
            for view in demanded:
                joined = _on_demand(joined, view, feature_refs, full_feature_names)
            return joined

        return AsOfJob(run, full_feature_names, metadata)

    @staticmethod
    def pull_latest_from_table_or_query(
        config: Any,
        data_source: Any,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> AsOfJob:
        """Give each key's last row between two moments, both included."""
        source = _table(
            data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column
        )
        return _reading(config, lambda connection: asof.latest(connection, source, start_date, end_date))

    @staticmethod
    def pull_all_from_table_or_query(
        config: Any,
        data_source: Any,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> AsOfJob:
        """Give every row between two moments, both included."""
        source = _table(
            data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column
        )
        return _reading(config, lambda _: asof.between(source, start_date, end_date))

    @staticmethod
    def offline_write_batch(config: Any, feature_view: Any, table: Any, progress: Any) -> NoReturn:
        """Refuse: a feature table is computed whole, and named by its content."""
        raise _unwritable(f"feature view {feature_view.name}")

    @staticmethod
    def write_logged_features(
        config: Any, data: Any, source: Any, logging_config: Any, registry: Any
    ) -> NoReturn:
        """Refuse: what was served is logged with its decision."""
        raise _unwritable("logged features")


class AsOfJob(RetrievalJob):  # type: ignore[misc]  # feast ships no types
    """A join or a reading that is still to run."""

    # computed in the run already, slice by slice: Feast would turn the whole training set into Python lists
    on_demand_feature_views: Sequence[Any] = ()

    def __init__(
        self, run: Callable[[], pa.Table], full_feature_names: bool = False, metadata: Any = None
    ) -> None:
        super().__init__()
        self._run, self._full_feature_names, self._metadata = run, full_feature_names, metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return self._run()

    def _to_df_internal(self, timeout: int | None = None) -> Any:
        return self._run().to_pandas()

    @property
    def full_feature_names(self) -> bool:
        """Tell whether features bear their view's name."""
        return self._full_feature_names

    @property
    def metadata(self) -> Any:
        """Give what was asked for."""
        return self._metadata

    def persist(self, storage: Any, allow_overwrite: bool = False, timeout: int | None = None) -> NoReturn:
        """Refuse: a training set is frozen with its candidate."""
        raise _unwritable("a saved dataset")


def _reading(config: Any, query: Callable[[duckdb.DuckDBPyConnection], str]) -> AsOfJob:
    def run() -> pa.Table:
        with lake.connect(_settings(config)) as connection:
            return connection.sql(query(connection)).to_arrow_table()

    return AsOfJob(run)


def _unwritable(what: str) -> FeatureError:
    return FeatureError(
        f"{what} can't be written through Feast",
        where="the offline store",
        right="Feature tables are computed by `loanbook featurize`",
    )


def _settings(config: Any) -> Settings:
    given = config.offline_store
    return Settings(home=Path(given.home), memory=given.memory, threads=given.threads)


def _arrow(settings: Settings, asked: Any) -> pa.Table:
    import pyarrow as pa

    if isinstance(asked, pa.Table):
        return asked
    if isinstance(asked, str):
        with lake.connect(settings) as connection:
            return connection.sql(asked).to_arrow_table()
    if asked is None:
        raise FeatureError(
            "no rows were asked for", where="the offline store", right="Give keys, each with its moment"
        )
    return pa.Table.from_pandas(asked, preserve_index=False)


def _moment(asked: pa.Table) -> str:
    """Find the column of moments: `event_timestamp`, or the only one of times."""
    import pyarrow as pa

    times = [field.name for field in asked.schema if pa.types.is_timestamp(field.type)]
    if "event_timestamp" in asked.column_names:
        return "event_timestamp"
    if len(times) != 1:
        raise FeatureError(
            "the asked rows have no event_timestamp",
            where=f"columns {', '.join(asked.column_names)}",
            right="Say when each row wants to know",
        )
    return str(times[0])


def _source(view: Any, refs: list[str], full_names: bool) -> Source:
    """Read from a declared view which file is joined, how, and what of it is told."""
    called, batch = view.projection.name_to_use(), view.batch_source
    own = {new: old for old, new in batch.field_mapping.items()}
    wanted = [ref.partition(":")[2] for ref in refs if ref.partition(":")[0] == called]
    prefix = f"{view.projection.name_alias or view.name}__" if full_names else ""
    asked = {field.name: field.name for field in view.entity_columns} | dict(view.projection.join_key_map)
    return Source(
        path=_path(batch),
        keys=tuple((name, own.get(key, key)) for key, name in asked.items()),
        at=batch.timestamp_field,
        columns=tuple((own.get(name, name), prefix + name) for name in wanted),
        ttl=view.ttl or None,
        created=batch.created_timestamp_column or None,
    )


def _table(batch: Any, keys: list[str], names: list[str], at: str, created: str | None) -> Source:
    told = [*keys, *names, at, *([created] if created else [])]
    return Source(
        path=_path(batch),
        keys=tuple((key, key) for key in keys),
        at=at,
        columns=tuple((name, name) for name in told),
        created=created or None,
    )


def _path(batch: Any) -> Path:
    return Path(str(batch.path).removeprefix("file://"))


def _on_demand(table: pa.Table, view: Any, refs: list[str], full_names: bool) -> pa.Table:
    """Append what Feast computes of an on-demand view, from its own sources alone, slice by slice.

    It sees one row at a time when it serves, so slices change nothing.
    """
    import pyarrow as pa

    called = view.projection.name_to_use()
    wanted = [ref.partition(":")[2] for ref in refs if ref.partition(":")[0] in {called, view.name}]
    names = [f"{called}__{name}" if full_names else name for name in wanted]
    sources = table.select([name for name in table.column_names if name in _inputs(view)])
    made = [
        view.transform_arrow(sources.slice(start, SLICE), full_names).select(names)
        for start in range(0, max(1, table.num_rows), SLICE)
    ]
    told = pa.concat_tables(made, promote_options="permissive")
    for name in names:
        table = table.append_column(name, told[name])
    return table


def _inputs(view: Any) -> set[str]:
    declared = {
        name
        for source in view.source_feature_view_projections.values()
        for feature in source.features
        for name in (feature.name, f"{source.name_to_use()}__{feature.name}")
    }
    return declared | set(view.get_request_data_schema())
