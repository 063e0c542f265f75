"""The words: what a line is: one thing predicted, of one product or of every product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loanbook.schema.columns import Purpose


@dataclass(frozen=True)
class Label:
    """An outcome: bad when a loan is this late within a window that must first be ripe."""

    days_past_due: int
    window_months: int
    ripening_months: int


@dataclass(frozen=True)
class Recurring(Label):
    """An outcome that is asked of a loan each month again, for as long as it is on the book.

    To learn from, a loan is looked at every `every_months` months: its turn follows from its name.
    """

    every_months: int


@dataclass(frozen=True)
class CaseLabel:
    """An outcome: bad when a case on the application was confirmed within a window that must first be ripe.

    The window opens with the decision. Who was never investigated counts as good: bads are under-counted.
    """

    window_months: int
    ripening_months: int


@dataclass(frozen=True)
class Amount:
    """An amount of money that is seen of a row: in which column of `table`, and which quantiles are learned.

    `indexed` names the market's index: amounts are learned as at 100, and told as at their day. `drawn`
    samples are drawn by what a row is, for rows that are all of one moment.
    """

    table: str
    column: str
    quantiles: tuple[float, ...]
    indexed: str
    drawn: bool = False


@dataclass(frozen=True)
class Uplift:
    """How much more likely a customer answers for an offer than without it, learned from a lot.

    A row of `table` was drawn by lot where `by_lot` is true, and is a control where its `treatment` is
    `control`. `answer` says whether who was contacted took it up. `terms` are of what the offer consists, the
    treatment first.
    """

    table: str
    answer: str
    by_lot: str
    treatment: str
    control: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Response:
    """How a balance and a default answer to a dose and its price, learned from a lot.

    A row of `table` was drawn by lot where `by_lot` is true; `dose` and `price` are its terms. Rows of `told`
    tell month by month, by the same key, its `balance` and how late it is. Two outcomes are learned: the mean
    balance of the window's months, and whether it was `days_past_due` late within it.
    """

    table: str
    dose: str
    price: str
    by_lot: str
    told: str
    balance: str
    late: str
    days_past_due: int
    window_months: int
    ripening_months: int


@dataclass(frozen=True)
class Grain:
    """What a row of a line is: the column that names it, and the keys by which its features are joined."""

    key: str
    joins: tuple[str, ...]


APPLICATION = Grain("application_id", ("application_id", "customer_id", "vehicle_id"))
LOAN_MONTH = Grain("loan_month", ("loan_id", "application_id", "customer_id", "vehicle_id"))
VEHICLE = Grain("vehicle_id", ("vehicle_id",))
CONTACT = Grain("contact_id", ("customer_id",))
LIMIT = Grain("limit_id", ("customer_id",))
CUSTOMER = Grain("customer_id", ("customer_id",))


@dataclass(frozen=True)
class Line:
    """A line: population, label, what it may know, and what must hold of it.

    The application is decided `decision_days` after it is filed: what is known by then may be used. A
    `product` that is None stands for every product. `monotone` gives +1 where a larger value may only raise
    the PD, -1 where it may only lower it. `unusual` names the features of which a second score says how
    unusual they are, whatever the label; none: no such score. A line whose label is an amount predicts that,
    by quantiles, and no PD; one whose label is an uplift predicts what an offer adds, and signs its terms;
    one whose label is a response predicts a balance and a PD at every dose, and signs both by dose and price.
    """

    name: str
    title: str
    product: str | None
    purpose: Purpose
    label: Label | CaseLabel | Amount | Uplift | Response
    decision_days: int
    feature_service: str
    monotone: Mapping[str, int]
    grain: Grain = APPLICATION
    unusual: tuple[str, ...] = ()

    @property
    def recurs(self) -> bool:
        """Whether one customer stands in many rows, by the nature of the line."""
        return isinstance(self.label, Recurring)

    @property
    def stem(self) -> str:
        """The name where a slash can't stand: in files and in the registry."""
        return self.name.replace("/", "_")
