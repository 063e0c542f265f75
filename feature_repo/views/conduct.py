"""What a model may know: how a customer has borrowed, paid and answered so far."""

import entities
import sources
from declaring import MONTHLY, YEARS, category, number, view

history = view(
    entities.customer,
    sources.history,
    YEARS,
    "servicing",
    [
        number("history_loans", "repayments.loan_id"),
        number("history_closed", "repayments.balance"),
        number("history_instalments", "repayments.loan_id"),
        number("history_late_share", "repayments.days_past_due"),
        number("history_mean_dpd", "repayments.days_past_due"),
        number("history_worst_dpd", "repayments.days_past_due"),
        number("history_worst_dpd_12m", "repayments.days_past_due"),
        number("history_latest_dpd", "repayments.days_past_due"),
        number("history_paid_share", "repayments.paid_amount", "repayments.due_amount"),
    ],
)

open_loans = view(
    entities.customer,
    sources.open_loans,
    YEARS,
    "servicing",
    [
        number("open_loans", "repayments.balance", "loans.principal"),
        number("open_balance", "repayments.balance", "loans.principal"),
        number("open_used", "repayments.balance", "loans.principal"),
        number("open_instalments", "repayments.balance", "loans.instalment"),
        number("overdue_amount", "repayments.due_amount", "repayments.paid_amount"),
        number("overdue_loans", "repayments.days_past_due"),
        number("loans_lent", "loans.loan_id"),
        number("loans_lent_12m", "loans.loan_id", "loans.available_at"),
    ],
)

closed_loans = view(
    entities.customer,
    sources.closed_loans,
    YEARS,
    "servicing",
    [
        number("closed_loans", "repayments.balance"),
        number("closed_late_share", "repayments.days_past_due"),
        number("closed_mean_dpd", "repayments.days_past_due"),
        number("closed_worst_dpd", "repayments.days_past_due"),
        number("closed_last_dpd", "repayments.days_past_due"),
        number("closed_last3_dpd", "repayments.days_past_due"),
        number("closed_mean_days_against_end", "repayments.event_at", "loans.term_months"),
        number("closed_last_days_against_end", "repayments.event_at", "loans.term_months"),
        number("closed_last3_days_against_end", "repayments.event_at", "loans.term_months"),
        number("closed_largest_principal", "loans.principal"),
        number("closed_tenure_days", "loans.event_at", "repayments.available_at"),
    ],
)

TOLD = ("repayments.available_at", "repayments.event_at")
LATE = ("repayments.days_past_due", "repayments.available_at")
PAID = ("repayments.paid_amount", "repayments.due_amount", "repayments.available_at")
LEFT = ("repayments.balance", "loans.principal")

behaviour = view(
    entities.loan,
    sources.behaviour,
    MONTHLY,
    "servicing",
    [
        number("loan_age_months", "loans.event_at"),
        number("loan_months_left", "loans.event_at", "loans.term_months"),
        number("loan_rate", "loans.rate"),
        number("loan_instalment", "loans.instalment"),
        number("loan_instalments_told", *TOLD),
        number("loan_balance", "repayments.balance"),
        number("loan_balance_share", *LEFT),
        number("loan_balance_to_plan", *LEFT, "loans.rate", "loans.term_months", "loans.event_at"),
        number("loan_dpd", *LATE),
        number("loan_worst_dpd_3m", *LATE),
        number("loan_worst_dpd_6m", *LATE),
        number("loan_worst_dpd_12m", *LATE),
        number("loan_worst_dpd", *LATE),
        number("loan_mean_dpd_6m", *LATE),
        number("loan_late_share_6m", *LATE),
        number("loan_late_share", *LATE),
        number("loan_dpd_change_3m", *LATE),
        number("loan_cures", *LATE),
        number("loan_misses_in_a_row", *PAID),
        number("loan_misses_12m", *PAID),
        number("loan_instalments_since_miss", *PAID),
        number("loan_last_paid_share", *PAID),
        number("loan_paid_share_3m", *PAID),
        number("loan_paid_share_6m", *PAID),
        number("loan_paid_share", *PAID),
        number("loan_paid_change_3m", *PAID),
        number("loan_arrears", *PAID, "loans.instalment"),
        number("loan_partial_share_6m", *PAID),
        number("loan_over_share_6m", *PAID),
        number("loan_days_since_payment", "repayments.paid_amount", *TOLD),
        number("loan_days_since_told", *TOLD),
    ],
    purpose="servicing",
)

ASKED = ("applications.customer_id", "applications.available_at")
LENT = ("loans.loan_id", "loans.available_at")

outreach = view(
    entities.customer,
    sources.outreach,
    YEARS,
    "customer relations",
    [
        number("outreach_contacts", "contacts.contact_id", "contacts.available_at"),
        number("outreach_answer_share", "contacts.response"),
        category("outreach_last_offer", "contacts.offer", "contacts.randomised"),
        number("outreach_last_limit", "contacts.limit_amount", "contacts.randomised"),
        number("outreach_last_rate", "contacts.rate", "contacts.randomised"),
        number("outreach_applications", *ASKED),
        number("outreach_auto_share", *ASKED, "applications.product"),
        number("outreach_loans", *LENT),
        number("outreach_lent_share", *LENT, *ASKED),
    ],
    purpose="marketing",
)
