"""What can be said of a table as a whole against its own past: how many rows came, how they are spread.

Great Expectations has no such expectation, so these are ours, in its own terms. Where there is too little
past to compare with, nothing is measured, and nothing fails.
"""

from __future__ import annotations

from math import floor, log
from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, ColumnAggregateExpectation
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
    column_aggregate_value,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render.components import RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer

# rows of the past below which a count is chance
FEWEST_COUNTED = 100
# rows on either side below which a spread is chance
FEWEST_SPREAD = 200
# a stray row from the future is no newest month
STRAY = 1 / 256
EIGHTHS = tuple(part / 8 for part in range(1, 8))


class ColumnVolumeAgainstHistory(ColumnAggregateMetricProvider):
    """Rows a month, the median of the newest months over that of the months before; None: too few."""

    metric_name = "column.volume_against_history"
    value_keys = ("newest", "before")

    @column_aggregate_value(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, newest: int, before: int, **_: Any) -> float | None:  # noqa: N805
        column = column.dropna()
        if not len(column):
            return None
        last = int(_at_share(column, 1 - STRAY))
        first = max(int(column.min()), last - newest - before + 1)
        counts = column.value_counts()
        lately = [int(counts.get(month, 0)) for month in range(last - newest + 1, last + 1)]
        past = [int(counts.get(month, 0)) for month in range(first, last - newest + 1)]
        if len(past) < before / 2 or sum(past) < FEWEST_COUNTED or not _median(past):
            return None
        return _median(lately) / _median(past)


class TableColumnSpread(TableMetricProvider):
    """How far a column's newest values are spread from its earlier ones, as PSI; None: too few."""

    metric_name = "table.column_spread"
    value_keys = ("column_A", "column_B")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> float | None:
        frame, _, _ = execution_engine.get_compute_domain(
            domain_kwargs=metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        lately = frame[metric_value_kwargs["column_B"]]
        values = frame[metric_value_kwargs["column_A"]]
        new, old = values[lately.eq(True)], values[lately.eq(False)]
        if min(len(new), len(old)) < FEWEST_SPREAD:
            return None
        if values.dtype.kind in "fiu":
            edges = [_at_share(old.dropna(), share) for share in EIGHTHS] if old.notna().any() else []
            new, old = _binned(new, edges), _binned(old, edges)
        return _psi(_counted(new), _counted(old))


class _AgainstThePast:
    """Pass where nothing could be measured; else hold the measure to its limits."""

    metric_dependencies: ClassVar[tuple[str, ...]]

    def _validate(self, metrics: dict[str, Any], **_: Any) -> dict[str, Any]:
        (name,) = self.metric_dependencies
        if metrics.get(name) is None:
            return {"success": True, "result": {"observed_value": "too few rows to tell"}}
        return dict(self._validate_metric_value_between(metric_name=name, metrics=metrics))  # type: ignore[attr-defined]


class ExpectColumnVolumeToBeBetween(_AgainstThePast, ColumnAggregateExpectation):
    """Expect as many rows a month in the newest months as in the months before, give or take.

    `column` holds a month as a whole number; `min_value` and `max_value` bound new over old.
    """

    newest: int
    before: int
    min_value: float | None = None
    max_value: float | None = None

    metric_dependencies = ("column.volume_against_history",)
    success_keys = ("newest", "before", "min_value", "max_value")
    args_keys = ("column", "newest", "before", "min_value", "max_value")

    @classmethod
    @renderer(renderer_type="renderer.prescriptive")
    def _prescriptive_renderer(cls, configuration: Any = None, **_: Any) -> list[Any]:
        template = (
            "rows a month in the newest $newest months must be between $min_value and $max_value times "
            "those of the $before months before"
        )
        return _told(template, configuration.kwargs)


class ExpectColumnSpreadToHold(_AgainstThePast, BatchExpectation):
    """Expect a column's newest values to be spread as its earlier ones, up to a PSI of `max_value`.

    `column_A` is the column; `column_B` is true of the newest rows, false of those to compare with.
    """

    column_A: str  # noqa: N815
    column_B: str  # noqa: N815
    max_value: float

    metric_dependencies = ("table.column_spread",)
    success_keys = ("column_A", "column_B", "max_value")
    args_keys = ("column_A", "column_B", "max_value")

    @classmethod
    @renderer(renderer_type="renderer.prescriptive")
    def _prescriptive_renderer(cls, configuration: Any = None, **_: Any) -> list[Any]:
        template = "the newest values of $column_A must be spread as before, up to a PSI of $max_value"
        return _told(template, configuration.kwargs)


def _told(template: str, values: dict[str, Any]) -> list[Any]:
    shown = {name: str(values.get(name, "any")) for name in ("newest", "before", "min_value", "max_value")}
    shown["column_A"] = str(values.get("column_A", ""))
    return [
        RenderedStringTemplateContent(
            content_block_type="string_template",
            string_template={"template": template, "params": shown},
        )
    ]


def _at_share(values: Any, share: float) -> Any:
    """Give the value below or at which so large a share lies: one of the values, never between two."""
    size = len(values)
    place = max(1, size - floor(size - share * size)) - 1
    return values.sort_values(ignore_index=True).iloc[place]


def _binned(values: Any, edges: list[Any]) -> Any:
    """Number each value by how many edges lie below it; a missing one stays missing."""
    numbers = sum((values.gt(edge).astype("float64") for edge in edges), values.notna().astype("float64"))
    return numbers.where(values.notna())


def _counted(values: Any) -> dict[Any, int]:
    """Count each value; what is missing counts as a value of its own."""
    counts = {key: int(count) for key, count in values.value_counts().items()}
    missing = int(values.isna().sum())
    return counts | ({None: missing} if missing else {})


def _psi(new: dict[Any, int], old: dict[Any, int]) -> float:
    """Compare two spreads: half a row in each bin keeps an empty one from being infinitely far."""
    bins = {*new, *old}
    whole_new, whole_old = (sum(each.values()) + len(bins) / 2 for each in (new, old))
    total = 0.0
    for one in bins:
        p, q = (new.get(one, 0) + 0.5) / whole_new, (old.get(one, 0) + 0.5) / whole_old
        total += (p - q) * log(p / q)
    return total


def _median(counts: list[int]) -> float:
    ordered, middle = sorted(counts), len(counts) // 2
    return ordered[middle] if len(counts) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
