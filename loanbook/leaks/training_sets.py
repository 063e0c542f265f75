"""raw and features → refused: the training set itself, before it is learned from, and re-pulled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from loanbook.errors import LeakError
from loanbook.features import store
from loanbook.features.store import Service
from loanbook.features.tables import FeatureSet
from loanbook.leaks import findings, repull, screening, telling
from loanbook.leaks.findings import Finding
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import frame
from loanbook.training.frame import Frame


def refuse(
    known: Frame, service: Service, names: Iterable[str], reasons: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Judge a training set's features by its older outcomes; raise LeakError when one tells too much.

    The newer half isn't looked at: a model is reported on it. A feature for which the dataset gives a reason,
    by its name, passes. Gives what is to be explained. Outcomes that are too few to judge by raise too.
    """
    import numpy as np
    import pyarrow.parquet as pq

    table = frame.ripe(pq.read_table(known.path))
    table = table.slice(0, table.num_rows // 2)
    bad = np.isin(table["outcome"].to_pylist(), frame.BAD)
    half = screening.halves(table["customer_id"].to_pylist())
    if not telling.enough(bad, half, np.ones_like(bad)):
        raise LeakError(
            f"the older half of the training set has {int(bad.sum())} bads and {int((~bad).sum())} goods: "
            "too few to tell whether a feature knows what came later",
            where=known.path.parent.parent.name,
            right=f"Bring more outcomes: {telling.FEWEST} of each in either half of its customers",
        )
    found = findings.explained(screening.features(table, tuple(names), bad, half), reasons)
    findings.refuse(found, {one.name: one.columns for one in service.features})
    return found


def repulled(
    settings: Settings,
    line: Line,
    published: Mapping[str, Path],
    as_of: datetime,
    then: tuple[FeatureSet, datetime],
    now: FeatureSet,
) -> tuple[Finding, ...]:
    """Pull the line's training set from both feature sets and list every feature whose past changed.

    Both are asked for the same applications at the same moments: those decided before the earlier reading.
    `published` and `as_of` are today's, for the outcomes.
    """
    import pyarrow.compute as pc

    earlier, day = then
    outcome = frame.outcomes(settings, published, line, as_of)
    outcome = outcome.filter(pc.less_equal(outcome["decided_at"], day))
    entities = frame.entities(outcome, line.grain)
    one, other = (store.history(settings, each, line.feature_service, entities) for each in (earlier, now))
    names = tuple(name for name in other.column_names if name not in entities.column_names)
    ripe = {
        key: told in frame.BAD
        for key, told in zip(outcome[line.grain.key].to_pylist(), outcome["outcome"].to_pylist(), strict=True)
        if told in frame.RIPE
    }
    return repull.features(one, other, names, ripe, line.grain.key)
