"""candidate → champion: how a policy has a limit chosen, read strictly."""

from __future__ import annotations

from loanbook.errors import PolicyError
from loanbook.governance.section import Section
from loanbook.lending.limits import Choosing

SHARES = ("rate", "cost_of_funds", "lgd", "conversion", "most_pd")


def parse(section: Section) -> Choosing:
    """Read it; PolicyError for a menu that doesn't rise from above 0, or a share outside 0 to 1."""
    section.only("menu", *SHARES)
    shares = {name: section.number(name) for name in SHARES}
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise PolicyError(f"{name} is {value}", where=section.where, right="A fraction, as 0.16")
    listed = section.take("menu", list)
    menu = tuple(float(one) for one in listed if type(one) in {int, float})
    if not menu or len(menu) != len(listed) or any(b <= a for a, b in zip((0.0, *menu), menu, strict=False)):
        raise PolicyError(
            f"the menu is {listed}", where=section.where, right="Limits that rise, as [4000, 8000]"
        )
    return Choosing(menu=menu, **shares)
