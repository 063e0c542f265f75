"""candidate → champion: what a policy of an amount must demand, and what each kind of its gates must say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "figure": ("sample", "measure", "bound"),
        "rows": ("sample", "floor"),
        "worst": ("measure", "ceiling"),
        "apart": ("floor",),
        "uncrossed": (),
        "falling": (),
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
OF_BOTH = (
    "score_stability", "inputs", "data_published", "data_held", "maturity", "reproducibility", "monotonicity",
)  # fmt: skip
