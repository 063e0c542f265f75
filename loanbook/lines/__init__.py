"""What is predicted: every line, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from loanbook.errors import TrainingError
from loanbook.lines.early_warning import EARLY_WARNING_AUTO, EARLY_WARNING_CONSUMER
from loanbook.lines.fraud import FRAUD
from loanbook.lines.limit_response import LIMIT_RESPONSE
from loanbook.lines.underwriting import UNDERWRITING_AUTO, UNDERWRITING_CONSUMER
from loanbook.lines.uptake import UPTAKE
from loanbook.lines.vehicle_value import VEHICLE_VALUE
from loanbook.schema import APPLICATION, Label, Line

LINES = MappingProxyType(
    {
        line.name: line
        for line in (
            UNDERWRITING_AUTO,
            UNDERWRITING_CONSUMER,
            FRAUD,
            EARLY_WARNING_AUTO,
            EARLY_WARNING_CONSUMER,
            VEHICLE_VALUE,
            UPTAKE,
            LIMIT_RESPONSE,
        )
    }
)


def find(name: str) -> Line:
    """Find a line by name, or raise TrainingError naming all."""
    try:
        return LINES[name]
    except KeyError:
        raise TrainingError(f"there is no line {name}", right=f"Known are {', '.join(LINES)}") from None


def adapted(line: Line, given: Mapping[str, object]) -> Line:
    """Give the line with what a dataset states of its label: a window, a lateness, an amount's column."""
    names = {field.name for field in fields(line.label)}
    changed: dict[str, Any] = {name: value for name, value in given.items() if name in names}
    return replace(line, label=replace(line.label, **changed))


def of_products(products: Iterable[str]) -> tuple[Line, ...]:
    """Give every line whose rows are applications of these products, in the order they are declared."""
    wanted = frozenset(products)
    return tuple(line for line in LINES.values() if line.grain == APPLICATION and line.product in wanted)


def of_defaults() -> tuple[Line, ...]:
    """Give every line of applications whose outcome a loan's own ledger tells."""
    return tuple(
        line for line in LINES.values() if line.grain == APPLICATION and isinstance(line.label, Label)
    )
