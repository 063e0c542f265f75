"""What is predicted: every line, by name."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from loanbook.errors import TrainingError
from loanbook.lines.underwriting import UNDERWRITING_AUTO, UNDERWRITING_CONSUMER
from loanbook.schema import Line

LINES = MappingProxyType({line.name: line for line in (UNDERWRITING_AUTO, UNDERWRITING_CONSUMER)})


def find(name: str) -> Line:
    """Find a line by name, or raise TrainingError naming all."""
    try:
        return LINES[name]
    except KeyError:
        raise TrainingError(f"there is no line {name}", right=f"Known are {', '.join(LINES)}") from None


def of_products(products: Iterable[str]) -> tuple[Line, ...]:
    """Give every line of these products, in the order they are declared."""
    wanted = frozenset(products)
    return tuple(line for line in LINES.values() if line.product in wanted)
