"""What is predicted: that an investigation will confirm fraud on an application, of whatever product."""

from __future__ import annotations

from types import MappingProxyType

from loanbook.schema import CaseLabel, Line, Purpose

# More strangers, quicker referrals, dearer vehicles: never a sign of innocence.
SUSPECT = {
    "device_strangers": 1,
    "phone_strangers": 1,
    "account_strangers": 1,
    "identity_others": 1,
    "strangers_30d": 1,
    "sharers_confirmed": 1,
    "referral_chain": 1,
    "referrals_made_quick": 1,
    "vehicle_price_to_value": 1,
    "dealer_price_to_value_90d": 1,
    "dealer_dear_share_90d": 1,
    "dealer_dear_90d": 1,
}
# Counts of what ought not to be: nearly everybody has none, and only more of them is far out. A price or
# a share has two honest tails, and would call a bargain as unusual as an overpriced vehicle.
UNUSUAL = (
    "device_strangers",
    "phone_strangers",
    "account_strangers",
    "identity_others",
    "strangers_30d",
    "referral_chain",
    "referrals_made_quick",
    "dealer_dear_share_90d",
    "dealer_dear_90d",
)

FRAUD = Line(
    name="fraud",
    title="Fraud confirmed within 9 months of an application, at application",
    product=None,
    purpose=Purpose.FRAUD,
    label=CaseLabel(window_months=9, ripening_months=1),
    decision_days=3,
    feature_service="application_fraud",
    monotone=MappingProxyType(SUSPECT),
    unusual=UNUSUAL,
)
