"""features → candidate: from a frame of contacts to an uplifter and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.settings import Settings
from loanbook.training import fitting, frame, lots, matrix, orders
from loanbook.training.evaluation import Z95
from loanbook.training.fitting import Fitted, Form, Recipe, Sample
from loanbook.training.lots import LEARNED, Split
from loanbook.training.matrix import Plan
from loanbook.training.orders import Candidate, Order
from loanbook.uplift import samples, uplifter
from loanbook.uplift.lot import uplift_of
from loanbook.uplift.uplifter import Level, Uplifter
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# A lot is small: stumps, whose rounds are fixed, since a stopping sample of it would stop them by chance.
CUSTOMER = Recipe(num_leaves=2, max_depth=1, rounds=200, patience=None)
OFFERS = (
    Recipe(num_leaves=2, max_depth=1, rounds=400, patience=None),
    Recipe(rounds=200, patience=None),
)


@dataclass(frozen=True)
class Prepared:
    """A training set made ready: `table` holds the lot; the others are of its rows."""

    table: pa.Table
    split: Split
    plan: Plan
    terms: int
    values: Vector
    treated: Flags
    answered: Flags

    @property
    def own(self) -> Vector:
        """The customers' features alone."""
        return np.ascontiguousarray(self.values[:, : self.values.shape[1] - self.terms])


def prepare(order: Order) -> Prepared:
    """Read the training set of an order, split it and encode it."""
    import pyarrow.parquet as pq

    table = frame.ripe(pq.read_table(order.frame))
    treated, answered = (np.array(table[name].to_pylist(), dtype=bool) for name in ("treated", "answered"))
    customers = np.array(table["customer_id"].to_pylist(), dtype=object)
    decided, ripe = (orders.times(table, name) for name in ("decided_at", "ripe_at"))
    split = samples.by_time(decided, ripe, customers, treated, report_from=order.report_from)
    plan, terms = _plan(order, table, split, treated)
    return Prepared(table, split, plan, terms, matrix.encode(table, plan), treated, answered)


def _plan(order: Order, table: pa.Table, split: Split, treated: Flags) -> tuple[Plan, int]:
    """Learn categories from the fit sample: the customer's from both arms, the offer's from the offered."""
    fit = split.rows("fit")
    own = matrix.plan(table.filter(fit), order.features, {})
    terms = uplift_of(order.line).terms
    offer = matrix.plan(table.filter(fit & treated), terms, order.line.monotone)
    both = set(own.features) & set(offer.features)
    if both:
        raise TrainingError(f"{', '.join(sorted(both))} is a customer's feature and an offer's term")
    plan = Plan(own.features + offer.features, {**own.categories, **offer.categories}, offer.monotone)
    return plan, len(offer.features)


def make(settings: Settings, order: Order, into: Path) -> Candidate:
    """Split, fit both parts, calibrate, and write bundle and predictions below `into`."""
    ready = prepare(order)
    parts = _fit(ready, order)
    made = _uplifter(ready, parts, order)
    digest = uplifter.write(made, into / orders.BUNDLE)
    orders.freeze(settings, _predictions(ready, made, order), order.line, into)
    counts = {name: {"rows": int(ready.split.rows(name).sum())} for name in lots.SAMPLES}
    return orders.candidate(into, digest, ready.split.facts, counts, parts.tried, parts.chosen)


@dataclass(frozen=True)
class Parts:
    """Both sets of trees, what was tried of the second, and the log-odds that a control starts from."""

    start: float
    base: Fitted
    pull: Fitted
    tried: tuple[Fitted, ...]
    chosen: int


def _uplifter(ready: Prepared, parts: Parts, order: Order) -> Uplifter:
    level, spans, card = Level(parts.start, 0.0), _spans(ready), _card(order, parts.base, parts.pull)
    models = (parts.base.model, parts.pull.model)
    bare = Uplifter(ready.plan, ready.terms, *models, level, 0.0, spans, {}, card)
    made = _levelled(ready, bare, order.threads)
    return replace(made, stability=_frozen(ready, made, order.threads))


def _fit(ready: Prepared, order: Order) -> Parts:
    """Fit what a customer answers, whatever the arm; then, of the offered alone, what the offer adds to it.

    Controls are few and answer seldom: how customers differ is learned of both arms, each about its own
    level, and what differs in it between the arms is left to the offer's trees.
    """
    learned = ready.split.rows(*LEARNED)
    starts = {arm: _level(ready.answered[learned & (ready.treated == arm)]) for arm in (False, True)}
    base = _base(ready, order, np.where(ready.treated, starts[True], starts[False]))
    known = starts[False] + fitting.scores(base.model, ready.own, threads=order.threads)
    learn, stop, both = (_offered(ready, known, *names) for names in (("fit",), ("stop",), LEARNED))
    form = Form.of(ready.plan, seed=order.seed, threads=order.threads)
    tried = tuple(fitting.fit(form, learn, stop, one) for one in OFFERS)
    chosen = fitting.simplest(tried, stop, order.threads)
    return Parts(starts[False], base, fitting.refit(form, both, tried[chosen]), tried, chosen)


def _base(ready: Prepared, order: Order, about: Vector) -> Fitted:
    """Fit what customers answer, of their own features and both arms."""
    own = ready.plan.features[: ready.own.shape[1]]
    categorical = [name for name in ready.plan.categories if name in own]
    form = Form(own, categorical, {}, order.seed, order.threads)

    def sample(*names: str) -> Sample:
        rows = ready.split.rows(*names)
        return Sample(ready.own[rows], ready.answered[rows], about[rows])

    return fitting.refit(form, sample(*LEARNED), fitting.fit(form, sample("fit"), sample("stop"), CUSTOMER))


def _offered(ready: Prepared, known: Vector, *names: str) -> Sample:
    """Give who was offered something in these samples, about what is known of the customer."""
    rows = ready.split.rows(*names) & ready.treated
    return Sample(ready.values[rows], ready.answered[rows], known[rows])


def _spans(ready: Prepared) -> dict[str, tuple[float, float]]:
    """Say from where to where the fit sample's offers tried each number."""
    tried = ready.values[ready.split.rows("fit") & ready.treated]
    places = range(ready.values.shape[1] - ready.terms, ready.values.shape[1])
    return {
        ready.plan.features[place]: (float(np.nanmin(tried[:, place])), float(np.nanmax(tried[:, place])))
        for place in places
        if ready.plan.features[place] not in ready.plan.categories
    }


def _level(answered: Flags) -> float:
    share = (answered.sum() + 0.5) / (len(answered) + 1)
    return float(np.log(share / (1 - share)))


def _levelled(ready: Prepared, bare: Uplifter, threads: int) -> Uplifter:
    """Move an arm's level to the calibration sample's where that contradicts it, and else leave it."""
    own = ready.split.rows("calibrate")
    without, with_offer = bare.chances(ready.values, threads=threads)
    shifts = [
        shift(told[own & (ready.treated == arm)], ready.answered[own & (ready.treated == arm)])
        for arm, told in ((False, without), (True, with_offer))
    ]
    return replace(bare, control=Level(bare.control.start, shifts[0]), treated_shift=shifts[1])


def shift(told: Vector, answered: Flags) -> float:
    """Give what is to be added to log-odds so that they keep the level that was seen.

    It is 0 unless the level differs by more than its own standard error would have it, at 95 %: of few rows
    a level is worse known than the larger fit sample's.
    """
    if answered.all() or not answered.any():
        return 0.0
    start, added = np.log(told / (1 - told)), 0.0
    for _ in range(30):
        said = 1 / (1 + np.exp(-(start + added)))
        added += float((answered - said).sum() / (said * (1 - said)).sum())
    error = float((said * (1 - said)).sum()) ** -0.5
    return added if abs(added) > Z95 * error else 0.0


def _frozen(ready: Prepared, made: Uplifter, threads: int) -> Mapping[str, Mapping[str, stability.Frozen]]:
    """Freeze the fit sample's bins: each feature's, and the uplift's of who was offered something."""
    fit, plan = ready.split.rows("fit"), ready.plan
    bins = {
        name: stability.freeze(
            ready.values[fit if name in made.customer else fit & ready.treated, place],
            codes=len(plan.categories.get(name, ())),
        )
        for place, name in enumerate(plan.features)
    }
    told = made.uplift(ready.values[fit & ready.treated], threads=threads)
    return {"fit": bins | {"uplift": stability.freeze(told)}}


def _card(order: Order, base: Fitted, pull: Fitted) -> dict[str, object]:
    return orders.card(order) | {
        "kind": "uplift",
        "recipe": asdict(pull.recipe),
        "recipe_of_customers": asdict(base.recipe),
        "rounds": {"base": base.rounds, "pull": pull.rounds},
    }


def _predictions(ready: Prepared, made: Uplifter, order: Order) -> pa.Table:
    import pyarrow as pa

    key, kept = order.line.grain.key, ready.split.sample >= 0
    names = np.array(lots.SAMPLES, dtype=object)[ready.split.sample[kept]]
    told = ("customer_id", "decided_at", "treated", "answered")
    rows = ready.table.select([key, *told]).filter(pa.array(kept))
    rows = rows.append_column("sample", pa.array(names, pa.string()))
    for name, values in zip(
        TOLD, chances(made, ready.values[kept], ready.treated[kept], order.threads), strict=True
    ):
        rows = rows.append_column(name, pa.array(values))
    return rows


TOLD = ("without_offer", "with_offer")


def chances(made: Uplifter, values: Vector, treated: Flags, threads: int) -> tuple[Vector, Vector]:
    """Give what is stored of each row: both chances of who had an offer, of a control the one without."""
    without, with_offer = made.chances(values, threads=threads)
    return without, np.where(treated, with_offer, np.nan)
