"""Who belongs together: rings and their look-alikes as the truth folder lists them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from loanbook.world import network
from loanbook.world.arrays import Columns, Flags, Ints
from loanbook.world.cohort import Cohort
from loanbook.world.render import keyed, worded
from loanbook.world.tables import addresses


def rings(cohort: Cohort) -> Any:
    """List a month's ring members with the key they share; a referral chain shares its referrers."""
    crowd, ring = cohort.crowd, cohort.crowd.company.ring
    kind = ring % len(network.RING_KINDS)
    there = [(ring >= 0) & (kind == number) for number in range(len(network.RING_KINDS))]
    shared = (
        keyed("D", 9, crowd.filing.device[there[network.DEVICE]]),
        keyed("C", 8, crowd.company.referrer[there[network.REFERRAL]]),
        keyed("DL", 6, crowd.filing.dealer[there[network.DEALER]]),
        keyed("6217", 12, network.RING_KEYS + ring[there[network.ACCOUNT]]),
    )
    return pa.concat_tables(
        [
            _members(cohort, there[number], keyed("G", 6, ring[there[number]]), plant.value, shared[number])
            for number, plant in enumerate(network.RING_KINDS)
        ]
    )


def lookalikes(cohort: Cohort) -> Any:
    """List a month's families and call-centre people with the key they share."""
    company = cohort.crowd.company
    family, centre = company.family >= 0, company.centre >= 0
    home = addresses(network.RING_KEYS + company.family[family])
    device = keyed("D", 9, cohort.crowd.filing.device[centre])
    return pa.concat_tables(
        [
            _members(cohort, family, keyed("F", 8, company.family[family]), "family", home),
            _members(cohort, centre, keyed("CC", 4, company.centre[centre]), "call_centre", device),
        ]
    )


def canaries(profile: Columns) -> Ints:
    """Find a month's canaries among the newcomers."""
    return np.flatnonzero(profile["canary"] >= 0)


def _members(cohort: Cohort, there: Flags, group: Any, kind: str, shared: Any) -> Any:
    count = int(there.sum())
    return pa.table(
        {
            "group_id": group,
            "kind": worded((kind,), np.zeros(count, dtype=np.int64)),
            "customer_id": keyed("C", 8, cohort.crowd.arrivals.customer[there]),
            "application_id": keyed("A", 13, cohort.fate.ids[there]),
            "shared_key": shared,
        }
    )
