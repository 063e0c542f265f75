"""The words: the fourteen canonical tables.

Money is DECIMAL(18,2) in the dataset's currency. Rates are yearly fractions. Times are TIMESTAMP in
UTC, to the microsecond. Every row has two clocks: `event_at`, when it happened, and `available_at`,
when the lender could know it. Whatever a dataset can't fill is null.
"""

from __future__ import annotations

from types import MappingProxyType

from loanbook.schema.columns import Column, Privacy, Purpose, Table

MONEY = "DECIMAL(18,2)"
OPEN, PERSONAL, IDENTIFYING, PROTECTED = Privacy
LENDING = frozenset({Purpose.UNDERWRITING, Purpose.FRAUD, Purpose.SERVICING, Purpose.RESERVING})
ALL = frozenset(Purpose)
LINKING = frozenset({Purpose.FRAUD})
AFTERWARDS = frozenset({Purpose.SERVICING, Purpose.RESERVING, Purpose.VALIDATION})
GIVEN = LENDING | AFTERWARDS  # of earlier loans; this one's isn't known when it is decided
OUTREACH = frozenset({Purpose.MARKETING})
WATCHED = frozenset({Purpose.FAIRNESS})
FOUND = frozenset({Purpose.FRAUD, Purpose.VALIDATION})  # what an investigation found underwrites nothing
GOODS = LENDING | {Purpose.VALUATION}

CLOCKS = (
    Column("event_at", "TIMESTAMP", OPEN, ALL, "when it happened"),
    Column("available_at", "TIMESTAMP", OPEN, ALL, "when the lender could know it"),
)


def _key(name: str, about: str) -> Column:
    return Column(name, "VARCHAR", PERSONAL, ALL, about)


CUSTOMERS = Table(
    "customers",
    "one row per customer",
    "customer_id",
    (
        _key("customer_id", "the customer"),
        *CLOCKS,
        Column("birth_date", "DATE", PROTECTED, WATCHED, "date of birth"),
        Column("region", "VARCHAR", PERSONAL, LENDING, "state or province"),
        Column("name", "VARCHAR", IDENTIFYING, LINKING, "full name", reversible=True),
        Column("id_number", "VARCHAR", IDENTIFYING, LINKING, "national identity number", reversible=True),
        Column("phone", "VARCHAR", IDENTIFYING, LINKING, "phone number", reversible=True),
        Column("address", "VARCHAR", IDENTIFYING, LINKING, "postal address", reversible=True),
        Column(
            "bank_account", "VARCHAR", IDENTIFYING, LINKING, "account that loans are paid to", reversible=True
        ),
        Column("bank_name", "VARCHAR", PERSONAL, LENDING, "bank of that account"),
        Column("bank_account_type", "VARCHAR", PERSONAL, LENDING, "kind of that account"),
        Column("education", "VARCHAR", PERSONAL, LENDING, "highest education"),
        Column("sex", "VARCHAR", PROTECTED, WATCHED, "sex"),
        Column("marital_status", "VARCHAR", PROTECTED, WATCHED, "marital status"),
        Column("ethnicity", "VARCHAR", PROTECTED, WATCHED, "ethnic group"),
        Column("consent_bureau", "BOOLEAN", PERSONAL, ALL, "agreed to bureau pulls"),
        Column("consent_marketing", "BOOLEAN", PERSONAL, ALL, "agreed to offers"),
    ),
)

APPLICATIONS = Table(
    "applications",
    "one row per application",
    "application_id",
    (
        _key("application_id", "the application"),
        *CLOCKS,
        _key("customer_id", "who applies"),
        Column("product", "VARCHAR", OPEN, ALL, "auto or consumer"),
        Column("amount", MONEY, PERSONAL, LENDING, "amount asked for"),
        Column("term_months", "DOUBLE", PERSONAL, LENDING, "term in months, fractions for short loans"),
        Column("purpose", "VARCHAR", PERSONAL, LENDING, "what the money is for"),
        Column("channel", "VARCHAR", OPEN, LENDING, "where the application came in"),
        Column("dealer_id", "VARCHAR", OPEN, LENDING, "dealer who sent it"),
        Column("vehicle_id", "VARCHAR", OPEN, GOODS, "vehicle pledged"),
        Column("declared_income", MONEY, PERSONAL, LENDING, "income a year, as declared"),
        Column("declared_debt_payments", MONEY, PERSONAL, LENDING, "other debts' payments a month"),
        Column("income_verified", "BOOLEAN", PERSONAL, LENDING, "income was verified"),
        Column("employment_status", "VARCHAR", PERSONAL, LENDING, "employment"),
        Column("employment_months", "DOUBLE", PERSONAL, LENDING, "months with this employer"),
        Column("housing", "VARCHAR", PERSONAL, LENDING, "own, mortgage, rent, family …"),
        Column("repeat_customer", "BOOLEAN", PERSONAL, LENDING, "had a loan here before"),
        Column("device_id", "VARCHAR", IDENTIFYING, LINKING, "device it was filed from"),
        Column("ip", "VARCHAR", IDENTIFYING, LINKING, "network address it was filed from"),
        Column("lat", "DOUBLE", PERSONAL, LENDING, "latitude in degrees north"),
        Column("lon", "DOUBLE", PERSONAL, LENDING, "longitude in degrees east"),
        Column("free_text", "VARCHAR", PERSONAL, LENDING, "what the applicant wrote"),
        Column("decision", "VARCHAR", PERSONAL, AFTERWARDS, "approved or declined, then"),
        Column("randomised", "BOOLEAN", PERSONAL, AFTERWARDS, "decided by lot, not by policy"),
    ),
)

BUREAU_REPORTS = Table(
    "bureau_reports",
    "one row per pull",
    "report_id",
    (
        _key("report_id", "the pull"),
        *CLOCKS,
        _key("customer_id", "who was looked up"),
        Column("score", "DOUBLE", PERSONAL, LENDING, "bureau score, higher is safer"),
        Column("open_accounts", "INTEGER", PERSONAL, LENDING, "accounts open"),
        Column("total_balance", MONEY, PERSONAL, LENDING, "owed in all"),
        Column("overdue_balance", MONEY, PERSONAL, LENDING, "owed and overdue"),
        Column("delinquencies_24m", "INTEGER", PERSONAL, LENDING, "accounts late in 24 months"),
        Column("inquiries_6m", "INTEGER", PERSONAL, LENDING, "inquiries in 6 months"),
        Column("oldest_account_months", "DOUBLE", PERSONAL, LENDING, "age of the oldest account"),
        Column("utilisation", "DOUBLE", PERSONAL, LENDING, "revolving balance / limit"),
        Column("public_records", "INTEGER", PERSONAL, LENDING, "bankruptcies, liens, judgments"),
    ),
)

VEHICLES = Table(
    "vehicles",
    "one row per vehicle",
    "vehicle_id",
    (
        Column("vehicle_id", "VARCHAR", OPEN, ALL, "the vehicle"),
        *CLOCKS,
        Column("make", "VARCHAR", OPEN, GOODS, "manufacturer"),
        Column("model", "VARCHAR", OPEN, GOODS, "model"),
        Column("model_year", "INTEGER", OPEN, GOODS, "model year"),
        Column("condition", "VARCHAR", OPEN, GOODS, "new or used"),
        Column("list_price", MONEY, OPEN, GOODS, "price when new, or asked"),
        Column("appraised_value", MONEY, OPEN, GOODS, "wholesale or appraised value"),
        Column("mileage_km", "DOUBLE", OPEN, GOODS, "kilometres driven"),
        Column("fuel", "VARCHAR", OPEN, GOODS, "fuel"),
        Column("transmission", "VARCHAR", OPEN, GOODS, "manual, automatic …"),
        Column("engine_litres", "DOUBLE", OPEN, GOODS, "engine's displacement in litres"),
        Column("litres_100km", "DOUBLE", OPEN, GOODS, "fuel used for 100 km, as the maker states it"),
        Column("yearly_tax", MONEY, OPEN, GOODS, "road tax a year"),
    ),
)

TRANSACTIONS = Table(
    "transactions",
    "one row per transaction",
    "transaction_id",
    (
        _key("transaction_id", "the transaction"),
        *CLOCKS,
        _key("customer_id", "whose account"),
        Column("amount", MONEY, PERSONAL, LENDING, "amount, always positive"),
        Column("direction", "VARCHAR", PERSONAL, LENDING, "in or out"),
        Column("category", "VARCHAR", PERSONAL, LENDING, "salary, rent, cash, gambling …"),
        Column("merchant", "VARCHAR", PERSONAL, LENDING, "counterparty"),
        Column("channel", "VARCHAR", PERSONAL, LENDING, "card, transfer, cash …"),
    ),
)

LINKS = Table(
    "links",
    "one row per sighting",
    "link_id",
    (
        _key("link_id", "the sighting"),
        *CLOCKS,
        _key("customer_id", "who was seen"),
        Column("kind", "VARCHAR", PERSONAL, LINKING, "device, phone, address, bank_account …"),
        Column("shared_key", "VARCHAR", IDENTIFYING, LINKING, "the key that was seen"),
        Column("own_key", "VARCHAR", IDENTIFYING, LINKING, "the key by which others name this customer"),
    ),
)

LOANS = Table(
    "loans",
    "one row per loan",
    "loan_id",
    (
        _key("loan_id", "the loan"),
        *CLOCKS,
        _key("application_id", "the application it came from"),
        _key("customer_id", "who owes"),
        Column("product", "VARCHAR", OPEN, ALL, "auto or consumer"),
        Column("principal", MONEY, PERSONAL, GIVEN, "amount lent"),
        Column("rate", "DOUBLE", PERSONAL, AFTERWARDS, "yearly interest, the lender's own price"),
        Column("term_months", "DOUBLE", PERSONAL, GIVEN, "term in months"),
        Column("instalment", MONEY, PERSONAL, GIVEN, "scheduled payment a period"),
        Column("observed_from", "TIMESTAMP", OPEN, AFTERWARDS, "start of its ledger; null: from the start"),
    ),
)

REPAYMENTS = Table(
    "repayments",
    "one row per due instalment",
    "repayment_id",
    (
        _key("repayment_id", "the instalment"),
        *CLOCKS,
        _key("loan_id", "the loan"),
        Column("instalment_no", "INTEGER", PERSONAL, LENDING, "1 is the first"),
        Column("due_amount", MONEY, PERSONAL, LENDING, "due"),
        Column("paid_amount", MONEY, PERSONAL, LENDING, "paid for it by available_at"),
        Column("balance", MONEY, PERSONAL, LENDING, "principal left after it"),
        Column("days_past_due", "INTEGER", PERSONAL, LENDING, "DPD of the loan at event_at"),
    ),
)

RECOVERIES = Table(
    "recoveries",
    "one row per recovery",
    "recovery_id",
    (
        _key("recovery_id", "the recovery"),
        *CLOCKS,
        _key("loan_id", "the loan"),
        Column("kind", "VARCHAR", PERSONAL, AFTERWARDS, "charge_off, repossession, sale or payment"),
        Column("amount", MONEY, PERSONAL, AFTERWARDS, "received; for a charge_off, written off"),
        Column("cost", MONEY, PERSONAL, AFTERWARDS, "spent on it"),
    ),
)

CONTACTS = Table(
    "contacts",
    "one row per outreach",
    "contact_id",
    (
        _key("contact_id", "the outreach"),
        *CLOCKS,
        _key("customer_id", "who was contacted"),
        Column("offer", "VARCHAR", PERSONAL, OUTREACH, "what was offered; none: the control"),
        Column("channel", "VARCHAR", PERSONAL, OUTREACH, "how"),
        Column("limit_amount", MONEY, PERSONAL, OUTREACH, "limit offered"),
        Column("rate", "DOUBLE", PERSONAL, OUTREACH, "yearly rate offered"),
        Column("randomised", "BOOLEAN", PERSONAL, OUTREACH, "assigned by lot"),
        Column("response", "BOOLEAN", PERSONAL, OUTREACH, "took it up"),
    ),
)

MARKET = Table(
    "market",
    "one row per month",
    "month",
    (
        Column("month", "VARCHAR", OPEN, ALL, "the month, as 2024-07"),
        *CLOCKS,
        Column("used_vehicle_index", "DOUBLE", OPEN, ALL, "used-vehicle prices, 100 at the start"),
        Column("policy_rate", "DOUBLE", OPEN, ALL, "central bank's rate"),
        Column("unemployment", "DOUBLE", OPEN, ALL, "unemployment, a fraction"),
    ),
)

CASES = Table(
    "cases",
    "one row per investigated application, known once the case is closed",
    "case_id",
    (
        # that there is a case at all is told to nobody else
        Column("case_id", "VARCHAR", PERSONAL, FOUND, "the case"),
        *CLOCKS,
        Column("application_id", "VARCHAR", PERSONAL, FOUND, "the application that was investigated"),
        Column("customer_id", "VARCHAR", PERSONAL, FOUND, "who applied"),
        Column("kind", "VARCHAR", PERSONAL, FOUND, "linked_party, identity, dealer or early_default"),
        Column("outcome", "VARCHAR", PERSONAL, FOUND, "confirmed or cleared"),
    ),
)

LIMITS = Table(
    "limits",
    "one row per limit that was set",
    "limit_id",
    (
        _key("limit_id", "the limit, from the day it was set to the next"),
        *CLOCKS,
        _key("customer_id", "who may draw"),
        Column("limit_amount", MONEY, PERSONAL, GIVEN, "most that may be owed"),
        Column("rate", "DOUBLE", PERSONAL, AFTERWARDS, "yearly interest, the lender's own price"),
        Column("randomised", "BOOLEAN", PERSONAL, AFTERWARDS, "amount and rate drawn by lot"),
    ),
)

STATEMENTS = Table(
    "statements",
    "one row per limit and month",
    "statement_id",
    (
        _key("statement_id", "the statement"),
        *CLOCKS,
        _key("limit_id", "the limit"),
        _key("customer_id", "who owes"),
        Column("balance", MONEY, PERSONAL, LENDING, "owed; 0 on the last one of who closed"),
        Column("days_past_due", "INTEGER", PERSONAL, LENDING, "DPD at event_at"),
    ),
)

TABLES = MappingProxyType(
    {
        table.name: table
        for table in (
            CUSTOMERS, APPLICATIONS, BUREAU_REPORTS, VEHICLES, TRANSACTIONS, LINKS,
            LOANS, REPAYMENTS, RECOVERIES, CONTACTS, MARKET, CASES, LIMITS, STATEMENTS,
        )
    }
)  # fmt: skip
