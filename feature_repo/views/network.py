"""What a model may know: with whom a customer shares a key, and whose customers a dealer brings."""

import entities
import sources
from declaring import YEARS, number, view

SEEN = ("links.kind", "links.shared_key")
WENT_BAD = (*SEEN, "repayments.days_past_due")

links = view(
    entities.customer,
    sources.links,
    YEARS,
    "fraud desk",
    [
        number("component_size", *SEEN),
        number("component_bad_share", *WENT_BAD),
        number("keys_shared", *SEEN),
        number("device_others", *SEEN),
        number("phone_others", *SEEN),
        number("address_others", *SEEN),
        number("bank_account_others", *SEEN),
        number("employer_others", *SEEN),
        number("guarantor_others", *SEEN),
        number("referrer_others", *SEEN),
        number("neighbour_bad_share", *WENT_BAD),
        number("referred_bad_share", *WENT_BAD),
        number("key_new_7d", *SEEN),
        number("key_new_30d", *SEEN),
    ],
    purpose="fraud",
)

MET = (*SEEN, "applications.available_at")
FOUND = (*MET, "cases.outcome", "cases.available_at")

strangers = view(
    entities.customer,
    sources.strangers,
    YEARS,
    "fraud desk",
    [
        number("device_strangers", *MET),
        number("phone_strangers", *MET),
        number("account_strangers", *MET),
        number("identity_others", "customers.id_number", "applications.available_at"),
        number("device_acquainted", *MET),
        number("phone_household", *MET),
        number("strangers_30d", *MET),
        number("sharers_confirmed", *FOUND),
    ],
    purpose="fraud",
)

SENT = (*MET, "links.own_key")

referrals = view(
    entities.customer,
    sources.referrals,
    YEARS,
    "fraud desk",
    [
        number("referred", *SENT),
        number("referrer_days", *SENT),
        number("referral_chain", *SENT),
        number("referrals_made", *SENT),
        number("referrals_made_quick", *SENT),
    ],
    purpose="fraud",
)

dealer = view(
    entities.application,
    sources.dealer,
    YEARS,
    "dealer desk",
    [
        number("dealer_applications_90d", "applications.dealer_id"),
        number("dealer_share_90d", "applications.dealer_id"),
        number("dealer_growth_30d", "applications.dealer_id"),
        number(
            "dealer_price_to_value_90d",
            "applications.dealer_id",
            "vehicles.list_price",
            "vehicles.appraised_value",
        ),
        number("dealer_bad_share", "applications.dealer_id", "repayments.days_past_due"),
    ],
)

PRICED = ("applications.dealer_id", "vehicles.list_price", "vehicles.appraised_value")

dealer_conduct = view(
    entities.application,
    sources.dealer_conduct,
    YEARS,
    "dealer desk",
    [
        number("dealer_known_days", "applications.dealer_id", "applications.available_at"),
        number("dealer_newcomer_share_90d", "applications.dealer_id", "applications.customer_id"),
        number("dealer_dear_share_90d", *PRICED),
        number("dealer_dear_90d", *PRICED),
    ],
    purpose="fraud",
)
