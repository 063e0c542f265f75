"""candidate → champion: to whom an offer is made: the menu, at its terms, and the least that one must add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loanbook.errors import PolicyError
from loanbook.governance.section import Section


@dataclass(frozen=True)
class Targeting:
    """The offers that may be made, each by its terms, and below which uplift none is."""

    least_uplift: float
    menu: tuple[tuple[tuple[str, str | float], ...], ...]

    @property
    def offers(self) -> tuple[dict[str, str | float], ...]:
        """Give each offer's terms by name."""
        return tuple(dict(one) for one in self.menu)


def parse(section: Section) -> Targeting:
    """Read what a policy states of targeting; PolicyError for an empty menu or an offer said twice."""
    section.only("least_uplift", "menu")
    least, listed = section.number("least_uplift"), section.take("menu", list)
    if not 0 <= least < 1:
        raise PolicyError(f"least_uplift is {least}", where=section.where, right="A chance, as 0.02")
    menu = tuple(_offer(one, f"{section.where}, menu") for one in listed)
    if not menu or len(set(menu)) != len(menu):
        raise PolicyError(
            "the menu is empty or says an offer twice", where=section.where, right="State each once"
        )
    return Targeting(least, menu)


def _offer(one: Any, where: str) -> tuple[tuple[str, str | float], ...]:
    if not isinstance(one, dict) or not one:
        raise PolicyError(f"an offer is {one!r}", where=where, right='As {offer = "top_up", rate = 0.09}')
    offer = Section(one, where)
    terms: dict[str, str | float] = {
        name: offer.text(name) if isinstance(value, str) else offer.number(name)
        for name, value in one.items()
    }
    return tuple(sorted(terms.items()))
