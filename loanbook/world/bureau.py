"""The simulated lender's credit bureau: what others have seen of a person, two days after asking."""

from __future__ import annotations

import numpy as np

from loanbook.world.arrays import DAY, NOTHING, SECOND, Columns, Floats, Ints, cents, squash, take
from loanbook.world.chance import Topic, stream
from loanbook.world.people import MEDIAN_INCOME, Arrivals, People
from loanbook.world.spec import Plant, WorldSpec

LAG = 2 * DAY
AT_FILING = 0.1  # share of pulls asked for with the form itself, so that the report comes after it


def pull(spec: WorldSpec, arrivals: Arrivals, people: People, first: int) -> tuple[Columns, Floats]:
    """Pull one report per arrival; return the rows and the scores the policy sees."""
    rng = stream(spec.seed, arrivals.month, Topic.BUREAU)
    who, size = arrivals.customer, len(arrivals.customer)
    willing = people.willingness[who].astype(np.float64)
    steady = people.stability[who].astype(np.float64)
    wealth = people.log_income[who].astype(np.float64) - np.log(MEDIAN_INCOME)
    thin = people.thin[who]
    score = _scores(willing, steady, thin, rng.normal(size=size))
    early = rng.integers(LAG // SECOND, 5 * DAY // SECOND, size) * SECOND
    event = arrivals.event - np.where(rng.random(size) < AT_FILING, 0, early)
    accounts = rng.poisson(np.exp(1.1 + 0.3 * wealth - 0.8 * thin))
    balance = accounts * np.exp(wealth + rng.normal(9.2, 0.6, size))
    late = rng.poisson(np.exp(-1.1 - 0.9 * willing))
    owed = balance * np.where(late > 0, rng.beta(1.2, 9, size), 0.0)
    oldest = np.round(np.exp(rng.normal(4.1, 0.5, size) - 1.4 * thin + 0.1 * steady))
    used = squash(-0.5 - 0.8 * willing + rng.normal(0, 0.5, size))
    rows: Columns = {
        "report": first + np.arange(size),
        "event": event,
        "available": event + LAG,
        "customer": who,
        "score": score,
        "open_accounts": accounts,
        "total_balance": cents(balance),
        "overdue_balance": cents(owed),
        "delinquencies": late,
        "inquiries": rng.poisson(np.exp(0.3 - 0.45 * willing - 0.2 * steady)),
        "oldest_months": np.where(thin, np.nan, oldest),
        "utilisation": np.where(thin, np.nan, np.round(used, 3)),
        "public_records": np.where(thin, NOTHING, rng.poisson(np.exp(-4.6 - 0.7 * willing))),
    }
    # A source that dies still answers the policy's own line, but no report is kept any more.
    dead = spec.drifts(Plant.SOURCE_DIES, arrivals.month)
    return (take(rows, np.zeros(size, dtype=np.bool_)) if dead else rows), score


def _scores(willing: Floats, steady: Floats, thin: Ints, noise: Floats) -> Floats:
    """Score from 300 to 900; a thin file is judged with more error."""
    blur = np.where(thin, 0.28, 0.15)
    score: Floats = np.round(np.clip(640 + 78 * (willing + 0.12 * steady + blur * noise), 300, 900))
    return score
