"""candidate → reviewed: join protected attributes to decisions, here and nowhere else, and judge by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.errors import EvidenceError, PolicyError, TrainingError
from loanbook.governance.policy import Policy
from loanbook.lending.strategy import Ceiling
from loanbook.schema import TABLES, Privacy
from loanbook.settings import Settings
from loanbook.training import matrix
from loanbook.training.bundle import Bundle
from loanbook.training.fairness import alternatives, groups, proxies
from loanbook.training.fairness.alternatives import Bounds, Model
from loanbook.training.fairness.proxies import Known
from loanbook.training.fitting import Form, Recipe

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]

AGE_BANDS = ((25, "under 25"), (40, "25 to 39"), (62, "40 to 61"), (999, "62 and over"))
NO_ATTRIBUTE = "the dataset has no protected attribute"
NOT_ASKED = "no gate of the policy asks for a search"


@dataclass(frozen=True)
class Search:
    """Which attributes an alternative is searched for, and what it keeps to."""

    attributes: tuple[str, ...]
    bounds: Bounds


@dataclass(frozen=True)
class Subject:
    """A bundle, its stored predictions, the rows of its frame in their order, and the published tables.

    `key` is the column that names a row.
    """

    bundle: Bundle
    key: str
    stored: pa.Table
    known: pa.Table
    bad: Flags
    rows: Mapping[str, Flags]
    published: Mapping[str, Path]
    absent_columns: Mapping[str, Sequence[str]]

    def column(self, name: str) -> Vector:
        """Give a stored prediction of every row."""
        return np.asarray(self.stored[name].to_numpy(), dtype=float)


def demanded(policy: Policy) -> Search | None:
    """Give the search that a gate of the policy asks for; without such a gate there is none."""
    return asked(policy) if any(gate.kind == "alternative" for gate in policy.gates) else None


def asked(policy: Policy) -> Search:
    """Give the search as the policy states it, or raise PolicyError where it states none."""
    if policy.fairness is None:
        raise PolicyError(
            "the policy states no loss of AUC that a fairer model may cost",
            where=f"policy of {policy.line}",
            right="State attributes and max_auc_loss under [fairness]",
        )
    if not isinstance(policy.strategy, Ceiling):
        raise PolicyError(
            "the policy approves by no ceiling on bad rates, so a fairer model would be cut off otherwise",
            where=f"policy of {policy.line}",
            right="State max_bad_rate and refer_band under [strategy]",
        )
    bounds = Bounds(policy.fairness.max_auc_loss, policy.strategy.max_bad_rate, policy.strategy.refer_band)
    return Search(policy.fairness.attributes, bounds)


def judge(settings: Settings, subject: Subject, search: Search | None) -> dict[str, Any]:
    """Give the section `fairness` of the evidence: groups and proxies by attribute, and the search if any."""
    by_attribute = people(settings, subject)
    report = subject.rows["report"]
    pd, bad = subject.column("pd"), subject.bad[report]
    approved = pd[report] < subject.bundle.cut_offs.approve_below
    found = {
        name: groups.by_group(names[report], approved, bad, pd[report])
        for name, names in by_attribute.items()
    }
    known = _known(subject)
    scans = {name: proxies.scan(known, names, pd) for name, names in by_attribute.items()}
    return {
        "protected_attributes": list(by_attribute),
        "ratios": {name: one["selection_ratio"] for name, one in found.items()},
        **{
            part: {name: one[part] for name, one in found.items()}
            for part in ("groups", "judged_together", "too_few", "measures")
        },
        "proxies": scans,
        "alternatives": _alternatives(subject, known, by_attribute, scans, search),
    }


def _alternatives(
    subject: Subject,
    known: Known,
    people: Mapping[str, Names],
    scans: Mapping[str, Mapping[str, Any]],
    search: Search | None,
) -> dict[str, Any]:
    """Search, or say why nobody did."""
    if search is None:
        return {"unmeasured": NOT_ASKED}
    wanted = {name: people[name] for name in search.attributes if name in people}
    if not wanted:
        return {"unmeasured": NO_ATTRIBUTE}
    model = Model(
        known=known,
        monotone=subject.bundle.plan.monotone,
        recipe=_recipe(subject.bundle),
        text=subject.bundle.model,
        pd=subject.column("pd"),
        bad=subject.bad,
        second=subject.column("scorecard_pd"),
    )
    carriers = proxies.carriers([scans[name] for name in wanted])
    try:
        return alternatives.search(model, wanted, carriers, search.bounds)
    except TrainingError as reason:
        return {"unmeasured": str(reason)}


def _known(subject: Subject) -> Known:
    card, plan = subject.bundle.card, subject.bundle.plan
    seed, threads = card.get("seed"), card.get("threads")
    if not isinstance(seed, int) or not isinstance(threads, int):
        raise EvidenceError(f"the bundle's card has seed {seed!r}, threads {threads!r}", where="card.json")
    form = Form.of(plan, seed=seed, threads=threads)
    return Known.of(form, matrix.encode(subject.known, plan), subject.rows)


def _recipe(bundle: Bundle) -> Recipe:
    said = bundle.card.get("recipe")
    if not isinstance(said, Mapping):
        raise EvidenceError(f"the bundle's card has recipe {said!r}", where="card.json")
    return Recipe(**said)


def people(settings: Settings, subject: Subject) -> dict[str, Names]:
    """Name every row's group by every protected attribute that the dataset fills."""
    protected = _protected(subject)
    if not protected:
        return {}
    found = _joined(settings, subject, protected)
    return {name: groups.named(_groups(found[name].to_pylist(), subject.stored)) for name in protected}


def _protected(subject: Subject) -> list[str]:
    if "customers" not in subject.published:
        return []
    absent, columns = set(subject.absent_columns["customers"]), TABLES["customers"].columns
    return [one.name for one in columns if one.privacy is Privacy.PROTECTED and one.name not in absent]


def _joined(settings: Settings, subject: Subject, protected: Sequence[str]) -> pa.Table:
    key, rows = subject.key, subject.stored.select([subject.key, "customer_id", "decided_at"])
    with lake.connect(settings) as connection:
        connection.register("asked", rows)
        lake.offer(connection, subject.published)
        names = ", ".join(f"c.{name}" for name in protected)
        found: pa.Table = connection.sql(
            f"SELECT a.{key}, {names} FROM asked AS a LEFT JOIN customers AS c USING (customer_id) "
            f"ORDER BY a.decided_at, a.{key}"
        ).to_arrow_table()
    if found[key].to_pylist() != rows[key].to_pylist():
        raise EvidenceError("the stored predictions are not in order, or a customer stands twice")
    return found


def _groups(values: list[object], rows: pa.Table) -> Names:
    """Name each row's group; a date of birth becomes an age band on the day of the decision."""
    if not any(isinstance(value, date) for value in values):
        return np.array(values, dtype=object)
    decided = rows["decided_at"].to_pylist()
    return np.array([_age_band(born, on) for born, on in zip(values, decided, strict=True)], dtype=object)


def _age_band(born: object, on: datetime) -> str | None:
    if not isinstance(born, date):
        return None
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return next(name for limit, name in AGE_BANDS if age < limit)
