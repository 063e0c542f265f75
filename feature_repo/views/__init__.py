"""What a model may know: every feature, its type, source columns, freshness, purpose and owner."""

from views.applicants import application, bureau, customer, geography, text, transactions
from views.collateral import vehicle, vehicle_kind, vehicle_market
from views.conduct import behaviour, closed_loans, history, open_loans, outreach
from views.network import dealer, dealer_conduct, links, referrals, strangers

__all__ = [
    "application",
    "behaviour",
    "bureau",
    "closed_loans",
    "customer",
    "dealer",
    "dealer_conduct",
    "geography",
    "history",
    "links",
    "open_loans",
    "outreach",
    "referrals",
    "strangers",
    "text",
    "transactions",
    "vehicle",
    "vehicle_kind",
    "vehicle_market",
]
