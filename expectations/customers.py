"""What must hold of customers: one row per customer."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, as_written, garbled_texts, held, noted, of, spread, whole_texts

DERIVED = {**CLOCKS, "age_years": "datediff('day', birth_date, event_at) / 365.25"}

RULES = (
    *of("customers"),
    gxe.ExpectColumnValuesToBeBetween(
        column="age_years",
        min_value=16,
        max_value=110,
        **held("age_plausible", "a borrower is between 16 and 110 years old", "birth_date"),
    ),
    *whole_texts("customers", "name", "region", "address", "bank_name"),
    as_written("customers", "name", "[A9]", "a name has letters"),
    as_written(
        "customers", "id_number", "^[A9 ._/-]{3,40}$", "an identity number is of letters, digits and - . / _"
    ),
    as_written(
        "customers",
        "phone",
        "^[A9 +\\x28\\x29./#*_-]{3,40}$",
        "a phone number is of digits, + - ( ) and spaces",
    ),
    as_written(
        "customers", "bank_account", "^[A9 ./*_-]{3,40}$", "an account is of letters, digits and - . /"
    ),
    gxe.ExpectColumnValuesToMatchRegex(
        column="phone__shape",
        regex="9(?:[^9]*9){4}",
        **noted("phone_has_digits", "a phone number has five digits or more", "phone"),
    ),
    *garbled_texts("customers", "name", "address"),
    *spread("region"),
)
