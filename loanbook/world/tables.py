"""numbers → Arrow: the raw tables of the simulated lender, column by column."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loanbook.world import network, words
from loanbook.world.arrays import NOTHING, Columns
from loanbook.world.render import (
    Render,
    coded,
    date_text,
    flag,
    keyed,
    money,
    numbered,
    real,
    time,
    whole,
    worded,
)  # fmt: skip

CLOCKS: tuple[tuple[str, Render], ...] = (
    ("event_at", time("event")),
    ("available_at", time("available")),
)
CUSTOMER = ("customer_id", numbered("C", 8, "customer"))
MAKES = tuple(model.make for model in words.MODELS)
MODELS = tuple(model.model for model in words.MODELS)
# What must never be read outside the vault.
CANARIES = MappingProxyType({name: f"CANARY-{name.upper()}-%02d" for name in ("name", "id_number", "phone")})


def _or_canary(name: str, render: Render) -> Render:
    def rendered(columns: Columns) -> Any:
        plain, marked = render(columns), columns["canary"] != NOTHING
        if not marked.any():
            return plain
        secret = pa.array([CANARIES[name] % number for number in columns["canary"][marked]])
        return pc.replace_with_mask(plain, pa.array(marked), secret)

    return rendered


def _name(columns: Columns) -> Any:
    family, given = (
        worded(words.FAMILY_NAMES, columns["family"]),
        worded(words.GIVEN_NAMES, columns["given"]),
    )
    return pc.binary_join_element_wise(family, given, "")


def _id_number(columns: Columns) -> Any:
    born = pc.replace_substring(date_text("birth")(columns), "-", "")
    place = keyed("", 6, 110_000 + 10_000 * columns["region"])
    return pc.binary_join_element_wise(place, born, keyed("", 8, columns["customer"]), "")


def phones(numbers: Any) -> Any:
    """Write phone numbers, each key its own."""
    return keyed("1", 10, 3_000_000_000 + numbers * 7_919 % 1_000_000_007)


def addresses(numbers: Any) -> Any:
    """Write postal addresses, each key its own."""
    street = worded(words.STREETS, numbers % len(words.STREETS))
    return pc.binary_join_element_wise(street, keyed("", 1, numbers // len(words.STREETS)), "号", "")


def _shared_key(columns: Columns) -> Any:
    kind, key = columns["kind"], columns["key"]
    writers: dict[int, Any] = {
        network.K_DEVICE: lambda numbers: keyed("D", 9, numbers),
        network.K_PHONE: phones,
        network.K_ADDRESS: addresses,
        network.K_ACCOUNT: lambda numbers: keyed("6217", 12, numbers),
        network.K_EMPLOYER: lambda numbers: keyed("E", 8, numbers),
        network.K_REFERRER: lambda numbers: keyed("C", 8, numbers),
        network.K_DEALER: lambda numbers: keyed("DL", 6, numbers),
        network.K_GUARANTOR: lambda numbers: keyed("C", 8, numbers),
    }
    order = np.argsort(kind, kind="stable")
    parts = [writers[one](key[kind == one]) for one in np.unique(kind)]
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return pa.concat_arrays([pa.array([], pa.string()), *parts]).take(pa.array(back))


def _ip(columns: Columns) -> Any:
    number = columns["ip"]
    parts = [keyed("", 1, (number >> shift) % 256) for shift in (16, 8, 0)]
    return pc.binary_join_element_wise("10", *parts, ".")


RAW: MappingProxyType[str, tuple[tuple[str, Render], ...]] = MappingProxyType(
    {
        "customers": (
            CUSTOMER,
            *CLOCKS,
            ("birth_date", date_text("birth")),
            ("region", coded(words.REGION_NAMES, "region")),
            ("name", _or_canary("name", _name)),
            ("id_number", _or_canary("id_number", _id_number)),
            ("phone", _or_canary("phone", lambda columns: phones(columns["phone"]))),
            ("address", lambda columns: addresses(columns["address"])),
            ("bank_account", numbered("6217", 12, "account")),
            ("bank_name", coded(words.BANKS, "bank")),
            ("bank_account_type", coded(words.ACCOUNT_TYPES, "account_type")),
            ("education", coded(words.EDUCATION, "education")),
            ("sex", coded(words.SEXES, "sex")),
            ("marital_status", coded(words.MARITAL, "marital")),
            ("ethnicity", coded(words.ETHNICITIES, "ethnicity")),
            ("consent_bureau", flag("consent_bureau")),
            ("consent_marketing", flag("consent_marketing")),
        ),
        "applications": (
            ("application_id", numbered("A", 13, "application")),
            *CLOCKS,
            CUSTOMER,
            ("product", coded(words.PRODUCTS, "product")),
            ("amount", money("amount")),
            ("term_months", whole("term")),
            ("purpose", coded(words.PURPOSES, "purpose")),
            ("channel", coded(words.CHANNELS, "channel")),
            ("dealer_id", numbered("DL", 6, "dealer")),
            ("vehicle_id", numbered("V", 9, "vehicle")),
            ("declared_income", money("declared_income")),
            ("declared_debt_payments", money("debt_payments")),
            ("income_verified", flag("verified")),
            ("employment_status", coded(words.EMPLOYMENT, "employment")),
            ("employment_months", real("employment_months")),
            ("housing", coded(words.HOUSING, "housing")),
            ("repeat_customer", flag("returning")),
            ("device_id", numbered("D", 9, "device")),
            ("ip", _ip),
            ("lat", real("lat")),
            ("lon", real("lon")),
            ("free_text", coded(words.TEXTS, "text")),
            ("decision", coded(words.DECISIONS, "decision")),
            ("randomised", flag("randomised")),
        ),
        "bureau_reports": (
            ("report_id", numbered("B", 9, "report")),
            *CLOCKS,
            CUSTOMER,
            ("score", real("score")),
            ("open_accounts", whole("open_accounts")),
            ("total_balance", money("total_balance")),
            ("overdue_balance", money("overdue_balance")),
            ("delinquencies_24m", whole("delinquencies")),
            ("inquiries_6m", whole("inquiries")),
            ("oldest_account_months", real("oldest_months")),
            ("utilisation", real("utilisation")),
            ("public_records", whole("public_records")),
        ),
        "vehicles": (
            ("vehicle_id", numbered("V", 9, "vehicle")),
            *CLOCKS,
            ("make", coded(MAKES, "model")),
            ("model", coded(MODELS, "model")),
            ("model_year", whole("year")),
            ("condition", coded(words.CONDITIONS, "condition")),
            ("list_price", money("list_price")),
            ("appraised_value", money("value")),
            ("mileage_km", real("mileage_km")),
            ("fuel", coded(words.FUELS, "fuel")),
        ),
        "transactions": (
            ("transaction_id", numbered("T", 10, "transaction")),
            *CLOCKS,
            CUSTOMER,
            ("amount", money("amount")),
            ("direction", coded(words.DIRECTIONS, "direction")),
            ("category", coded(words.CATEGORIES, "category")),
            ("merchant", coded(words.MERCHANTS, "merchant")),
            ("channel", coded(words.TRANSACTION_CHANNELS, "channel")),
        ),
        "links": (
            ("link_id", numbered("K", 10, "link")),
            *CLOCKS,
            CUSTOMER,
            ("kind", coded(words.KINDS, "kind")),
            ("shared_key", _shared_key),
        ),
        "loans": (
            ("loan_id", numbered("L", 9, "loan")),
            *CLOCKS,
            ("application_id", numbered("A", 13, "application")),
            CUSTOMER,
            ("product", coded(words.PRODUCTS, "product")),
            ("principal", money("principal")),
            ("rate", real("rate")),
            ("term_months", whole("term")),
            ("instalment", money("instalment")),
            ("priced_by_lot", flag("by_lot")),
        ),
        "repayments": (
            ("repayment_id", numbered("R", 12, "repayment")),
            *CLOCKS,
            ("loan_id", numbered("L", 9, "loan")),
            ("instalment_no", whole("number")),
            ("due_amount", money("due")),
            ("paid_amount", money("paid")),
            ("balance", money("balance")),
            ("days_past_due", whole("days_past_due")),
        ),
        "recoveries": (
            ("recovery_id", numbered("X", 10, "recovery")),
            *CLOCKS,
            ("loan_id", numbered("L", 9, "loan")),
            ("kind", coded(words.RECOVERY_KINDS, "kind")),
            ("amount", money("amount")),
            ("cost", money("cost")),
        ),
        "contacts": (
            ("contact_id", numbered("O", 9, "contact")),
            *CLOCKS,
            CUSTOMER,
            ("offer", coded(words.OFFERS, "offer")),
            ("channel", coded(words.OUTREACH_CHANNELS, "channel")),
            ("limit_amount", money("limit")),
            ("rate", real("rate")),
            ("randomised", flag("randomised")),
            ("response", flag("response")),
        ),
        "market": (
            ("month", lambda columns: pc.strftime(time("event")(columns), "%Y-%m")),
            *CLOCKS,
            ("used_vehicle_index", real("used_vehicle_index")),
            ("policy_rate", real("policy_rate")),
            ("unemployment", real("unemployment")),
        ),
        "cases": (
            ("case_id", numbered("Q", 9, "case")),
            *CLOCKS,
            ("application_id", numbered("A", 13, "application")),
            CUSTOMER,
            ("kind", coded(words.CASE_KINDS, "kind")),
            ("outcome", coded(words.CASE_OUTCOMES, "outcome")),
        ),
        "limits": (
            ("limit_id", numbered("M", 9, "limit")),
            *CLOCKS,
            CUSTOMER,
            ("limit_amount", money("amount")),
            ("rate", real("rate")),
            ("randomised", flag("randomised")),
        ),
        "statements": (
            ("statement_id", numbered("S", 10, "statement")),
            *CLOCKS,
            ("limit_id", numbered("M", 9, "limit")),
            CUSTOMER,
            ("balance", money("balance")),
            ("days_past_due", whole("days_past_due")),
        ),
    }
)  # fmt: skip

# Columns that are filled in once the outcome is known: a raw file has them, a mapping must not.
LEAKS = MappingProxyType(
    {
        "customers": (("internal_flag", coded(words.FLAGS, "flag")),),
        "applications": (("collections_stage", coded(words.STAGES, "stage")),),
    }
)


def render(table: str, columns: Columns, leaks: bool) -> Any:
    """Write a table's rows as Arrow."""
    fields = RAW[table] + (LEAKS.get(table, ()) if leaks else ())
    return pa.table({name: write(columns) for name, write in fields})
