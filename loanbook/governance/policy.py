"""candidate → champion: what a line demands of a version, read strictly from its TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from loanbook import digests
from loanbook.errors import PolicyError
from loanbook.governance import alarms, choosing, demands, equity, targeting
from loanbook.governance.alarms import Watching
from loanbook.governance.demands import PROBABILITY, RESPONSE, UPLIFT
from loanbook.governance.equity import Fairness
from loanbook.governance.section import Section
from loanbook.governance.targeting import Targeting
from loanbook.lending.limits import Choosing
from loanbook.lending.strategy import WORDS, Ceiling, Referral, Strategy
from loanbook.schema import Purpose

MATERIALITIES = ("low", "medium", "high")
ROLES = ("engineer", "reviewer", "risk_officer", "auditor", "admin")
BOUNDS = ("floor", "ceiling")

# What each kind of gate must say beside its `why`. "bound" is a floor, a ceiling, or both.
KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "measure": ("sample", "measure", "bound"),
        "stability": ("measure", "bound"),
        "bads": ("sample", "floor"),
        "goods": ("sample", "floor"),
        "samples": ("floor",),
        "inputs": ("purpose",),
        "published": (),
        "held": ("ceiling",),
        "ripe": ("sample", "floor"),
        "reproducible": ("clean",),
        "fair": ("floor",),
        "group": ("measure", "attributes", "bound"),
        "proxy": ("attributes", "ceiling"),
        "alternative": ("ceiling",),
        "monotone": (),
        **demands.KINDS,
    }
)

# No policy is complete without these: a gate that is left out would be a gate that passes.
REQUIRED: Mapping[str, tuple[str, str | None]] = MappingProxyType(
    {
        "auc": ("measure", "auc"),
        "auc_interval": ("measure", "auc_interval"),
        "calibration_slope": ("measure", "calibration_slope"),
        "calibration_error": ("measure", "ece"),
        "score_stability": ("stability", "score_psi"),
        "bads": ("bads", None),
        "goods": ("goods", None),
        "samples": ("samples", None),
        "inputs": ("inputs", None),
        "data_published": ("published", None),
        "data_held": ("held", None),
        "maturity": ("ripe", None),
        "reproducibility": ("reproducible", None),
        "fairness": ("fair", None),
        "monotonicity": ("monotone", None),
    }
)

DEMANDED = demands.of_kind(REQUIRED)


@dataclass(frozen=True)
class Gate:
    """One demand: how its figure is found (`kind`), its bounds, and why it stands."""

    name: str
    kind: str
    why: str
    sample: str | None = None
    measure: str | None = None
    floor: float | None = None
    ceiling: float | None = None
    purpose: Purpose | None = None
    clean: bool | None = None
    attributes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Economics:
    """By what profit is counted: the share lost of what a bad loan owes, and a year's cost of money.

    A loan that was written off less than `recovery_months` ago may still bring what that leaves.
    """

    lgd: float
    cost_of_funds: float
    recovery_months: int


@dataclass(frozen=True)
class Policy:
    """A line's policy; `digest` is the SHA-256 of its text.

    `of` says what the line predicts. By an amount, an uplift or a response nothing is approved or declined,
    and nothing watches it yet: its policy has neither strategy nor watching. One of an uplift states its
    targeting, one of a response how a limit is chosen.
    """

    version: int
    line: str
    jurisdiction: str
    materiality: str
    signatures: int
    roles: tuple[str, ...]
    valid_days: int
    gates: tuple[Gate, ...]
    strategy: Strategy | None
    watching: Watching | None
    economics: Economics | None
    digest: str
    fairness: Fairness | None = None
    of: str = PROBABILITY
    targeting: Targeting | None = None
    choosing: Choosing | None = None

    @property
    def _kind(self) -> str:
        return f"{'an' if self.of[0] in 'aeiou' else 'a'} {self.of}"

    @property
    def cut_offs(self) -> Strategy:
        """From what cut-offs are found; PolicyError where it is of no probability."""
        if self.strategy is None:
            raise PolicyError(f"the policy of {self.line} is of {self._kind} and finds no cut-offs")
        return self.strategy

    @property
    def watch(self) -> Watching:
        """When production is called drifting; PolicyError where it is of no probability."""
        if self.watching is None:
            raise PolicyError(f"the policy of {self.line} is of {self._kind}, and nothing watches it yet")
        return self.watching

    @property
    def targets(self) -> Targeting:
        """Whom an offer is made to; PolicyError where it is of no uplift."""
        if self.targeting is None:
            raise PolicyError(f"the policy of {self.line} is of no uplift and targets nobody")
        return self.targeting

    @property
    def choice(self) -> Choosing:
        """How a limit is chosen; PolicyError where it is of no response."""
        if self.choosing is None:
            raise PolicyError(f"the policy of {self.line} is of no response and chooses no limit")
        return self.choosing


def parse(text: str, where: str) -> Policy:
    """Read a policy, or raise PolicyError naming the key, the file and what is allowed."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"this is no TOML: {error}", where=where) from None
    top = Section(values, where)
    of = top.one_of("of", tuple(DEMANDED)) if "of" in values else PROBABILITY
    decides = of == PROBABILITY
    top.only("version", "of", "line", "jurisdiction", "materiality", "approval", "gates", *demands.SAYS[of])
    approval = top.inner("approval")
    approval.only("signatures", "roles", "valid_days")
    roles = _roles(approval)
    gates = _gates(top.inner("gates"), DEMANDED[of])
    if any(gate.kind == "alternative" for gate in gates) and "fairness" not in values:
        raise PolicyError("a search is demanded and not stated", where=where, right="State [fairness]")
    return Policy(
        version=top.positive("version"),
        line=top.text("line"),
        jurisdiction=top.text("jurisdiction"),
        materiality=top.one_of("materiality", MATERIALITIES),
        signatures=approval.positive("signatures"),
        roles=roles,
        valid_days=approval.positive("valid_days"),
        gates=gates,
        strategy=_strategy(top.inner("strategy")) if decides else None,
        watching=alarms.parse(top.inner("watching")) if decides else None,
        economics=_economics(top.inner("economics")) if "economics" in values else None,
        digest=digests.of_bytes(text.encode()),
        fairness=_fairness(top.inner("fairness")) if "fairness" in values else None,
        of=of,
        targeting=targeting.parse(top.inner("targeting")) if of == UPLIFT else None,
        choosing=choosing.parse(top.inner("choosing")) if of == RESPONSE else None,
    )


def _roles(approval: Section) -> tuple[str, ...]:
    roles = tuple(approval.take("roles", list))
    for role in roles:
        if role not in ROLES:
            raise PolicyError(
                f"unknown role {role!r}", where=approval.where, right=f"One of {', '.join(ROLES)}"
            )
    if not roles or len(set(roles)) != len(roles):
        raise PolicyError("roles are none or twice", where=approval.where, right="Name each role once")
    return roles


def _strategy(section: Section) -> Strategy:
    """Read how cut-offs are found: by a ceiling on bad rates, or by the share that is referred."""
    if "refer_share" in section.values:
        section.only("refer_share")
        share = section.number("refer_share")
        if not 0 < share < 1:
            raise PolicyError("a rate lies outside 0 to 1", where=section.where, right="Fractions, as 0.02")
        return Referral(share)
    section.only("max_bad_rate", "refer_band", "words")
    strategy = Ceiling(section.number("max_bad_rate"), section.number("refer_band"), _words(section))
    if not 0 < strategy.max_bad_rate < 1 or not 0 <= strategy.refer_band < 1:
        raise PolicyError("a rate lies outside 0 to 1", where=section.where, right="Fractions, as 0.06")
    return strategy


def _words(section: Section) -> tuple[str, str, str]:
    """Read three answers, from the safest to the riskiest; a policy that names none approves and declines."""
    if "words" not in section.values:
        return WORDS
    words = section.take("words", list)
    if len(words) != 3 or len(set(words)) != 3 or not all(isinstance(one, str) and one for one in words):
        raise PolicyError(f"words is {words!r}", where=section.where, right="Three answers, safest first")
    return words[0], words[1], words[2]


def _economics(section: Section) -> Economics:
    """Read what a line that lends money states; a line that doesn't may leave it out, and has no profit."""
    section.only("lgd", "cost_of_funds", "recovery_months")
    stated = Economics(
        section.number("lgd"), section.number("cost_of_funds"), section.positive("recovery_months")
    )
    if not 0 <= stated.lgd <= 1 or not 0 <= stated.cost_of_funds < 1:
        raise PolicyError("a rate lies outside 0 to 1", where=section.where, right="Fractions, as 0.45")
    return stated


def _fairness(section: Section) -> Fairness:
    section.only("attributes", "max_auc_loss")
    names, loss = section.take("attributes", list), section.number("max_auc_loss")
    return equity.fairness(names, loss, section.where)


def _gates(section: Section, demanded: Mapping[str, tuple[str, str | None]]) -> tuple[Gate, ...]:
    gates = {name: _gate(name, section.inner(name)) for name in section.values}
    for name, (kind, measure) in demanded.items():
        if name not in gates:
            raise PolicyError(
                f"the gate {name!r} is missing",
                where=section.where,
                right=f"Every such policy has {', '.join(demanded)}",
            )
        if (gates[name].kind, gates[name].measure) != (kind, measure):
            wanted = kind if measure is None else f"{kind} of {measure}"
            raise PolicyError(
                f"the gate {name!r} looks at something else", where=section.where, right=f"It is {wanted}"
            )
    return tuple(gates.values())


def _gate(name: str, section: Section) -> Gate:
    kind = section.one_of("kind", tuple(KINDS)) if "kind" in section.values else "measure"
    needs = [key for key in KINDS[kind] if key != "bound"]
    bounds = list(BOUNDS) if "bound" in KINDS[kind] else []
    section.only("kind", "why", *needs, *bounds)
    given = [key for key in bounds if key in section.values]
    if bounds and not given:
        raise PolicyError("a gate without a bound", where=section.where, right="Give floor or ceiling")
    found = {key: _value(section, key) for key in [*needs, *given]}
    if kind == "group":
        section.one_of("measure", equity.ASKED)
    if {"floor", "ceiling"} <= found.keys() and found["floor"] > found["ceiling"]:
        raise PolicyError("the floor is above the ceiling", where=section.where, right="Nothing passes so")
    return Gate(name=name, kind=kind, why=section.text("why"), **found)


def _value(section: Section, key: str) -> Any:
    if key in BOUNDS:
        return section.number(key)
    if key == "clean":
        return section.take(key, bool)
    if key == "purpose":
        return Purpose(section.one_of(key, tuple(Purpose)))
    if key == "attributes":
        return equity.attributes(section.take(key, list), section.where)
    return section.text(key)
