"""What must hold of links: one row per sighting."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, of, spread, whole_texts

KINDS = [
    "device",
    "phone",
    "address",
    "bank_account",
    "employer",
    "guarantor",
    "referrer",
    "dealer",
]


DERIVED = CLOCKS

RULES = (
    *of("links"),
    gxe.ExpectColumnValuesToNotBeNull(
        column="kind", **held("kind_given", "a sighting is of some kind of key")
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="kind", value_set=KINDS, **held("kind_of_its_kinds", "no such kind of key is known")
    ),
    gxe.ExpectColumnValuesToNotBeNull(
        column="shared_key", **held("shared_key_given", "a sighting names a key")
    ),
    gxe.ExpectColumnValueLengthsToBeBetween(
        column="shared_key__shape",
        min_value=1,
        **held("shared_key_not_empty", "an empty key would link strangers", "shared_key"),
    ),
    *whole_texts("links", "shared_key"),
    *spread("kind"),
)
