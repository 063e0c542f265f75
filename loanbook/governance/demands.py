"""candidate → champion: what a policy of no PD must demand, and what each kind of its gates must say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROBABILITY, AMOUNT, UPLIFT, RESPONSE = "probability", "amount", "uplift", "response"

# What a policy must or may say beside its gates, by what it is of.
SAYS = MappingProxyType(
    {
        PROBABILITY: ("strategy", "watching", "economics", "fairness"),
        AMOUNT: (),
        UPLIFT: ("targeting",),
        RESPONSE: ("choosing",),
    }
)

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "figure": ("sample", "measure", "bound"),
        "rows": ("sample", "floor"),
        "worst": ("measure", "ceiling"),
        "apart": ("floor",),
        "uncrossed": (),
        "falling": (),
        "effect": ("sample", "measure", "bound"),
        "arms": ("sample", "measure", "floor"),
        "balanced": ("ceiling",),
        "arm_share": ("bound",),
        "parted": ("floor",),
        "answer": ("sample", "measure", "bound"),
        "departs": ("measure", "ceiling"),
        "diminishes": ("floor",),
        "defaults": ("sample", "floor"),
        "each_dose": ("sample", "floor"),
        "dealt": ("floor",),
    }
)

# No policy of an amount is complete without these, and those that a PD's has too.
OF_AN_AMOUNT: dict[str, tuple[str, str | None]] = {
    "error": ("figure", "median_ape"),
    "error_interval": ("figure", "median_ape_interval"),
    "bias": ("figure", "bias"),
    "coverage": ("figure", "coverage"),
    "worst_segment": ("worst", "median_ape"),
    "rows": ("rows", None),
    "samples": ("apart", None),
    "crossing": ("uncrossed", None),
    "months_ahead": ("falling", None),
}
# Nor is one of an uplift: that it ranks, no worse than by response, tells no more than was seen, and that a
# lot was a lot.
OF_AN_UPLIFT: dict[str, tuple[str, str | None]] = {
    "qini_interval": ("effect", "qini_interval"),
    "over_response": ("effect", "over_response"),
    "calibration_slope": ("effect", "calibration_slope"),
    "calibration_gap": ("effect", "calibration_gap"),
    "effect_interval": ("effect", "average_effect_interval"),
    "rows": ("arms", "arms"),
    "answers": ("arms", "arms_answered"),
    "lot": ("balanced", None),
    "controls": ("arm_share", None),
    "samples": ("parted", None),
}
# Nor is one of a response: that doses move both outcomes, by no more than was seen, less and less, and whose
# most; and that a lot was a lot.
OF_A_RESPONSE: dict[str, tuple[str, str | None]] = {
    "balance_slope": ("answer", "balance_slope_interval"),
    "pd_slope": ("answer", "pd_slope_interval"),
    "balance_ranking": ("answer", "balance_ranking_interval"),
    "balance_steepness": ("answer", "balance_steepness"),
    "pd_steepness": ("answer", "pd_steepness"),
    "balance_calibration": ("answer", "balance_calibration"),
    "pd_calibration": ("answer", "pd_calibration"),
    "balance_gap": ("answer", "balance_gap"),
    "pd_gap": ("answer", "pd_gap"),
    "balance_by_dose": ("departs", "balance"),
    "pd_by_dose": ("departs", "pd"),
    "diminishing": ("diminishes", None),
    "defaults": ("defaults", None),
    "rows": ("each_dose", None),
    "lot": ("balanced", None),
    "doses": ("dealt", None),
    "samples": ("parted", None),
}
OF_EVERY = (
    "score_stability", "inputs", "data_published", "data_held", "maturity", "reproducibility", "monotonicity",
)  # fmt: skip


def of_kind(
    required: Mapping[str, tuple[str, str | None]],
) -> Mapping[str, Mapping[str, tuple[str, str | None]]]:
    """Give what a policy of each kind must demand; `required` is what one of a PD does."""
    shared = {name: required[name] for name in OF_EVERY}
    return MappingProxyType(
        {
            PROBABILITY: required,
            AMOUNT: OF_AN_AMOUNT | shared,
            UPLIFT: OF_AN_UPLIFT | shared,
            RESPONSE: OF_A_RESPONSE | shared,
        }
    )
