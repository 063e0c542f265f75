"""The operator's face: the few figures of a review that a line on the screen has room for."""

from __future__ import annotations

from typing import Any


def measured(made: dict[str, Any]) -> dict[str, str]:
    """Tell what a review measured: of a PD, an amount, an uplift or a response."""
    if "qini" in made["metrics"]:
        return _of_an_uplift(made["metrics"])
    if "balance_steepness" in made["metrics"]:
        return _of_a_response(made["metrics"])
    return _of_an_amount(made["metrics"]) if "median_ape" in made["metrics"] else _of_a_pd(made)


def _of_a_pd(made: dict[str, Any]) -> dict[str, str]:
    measures, sample = made["metrics"], made["samples"]["report"]
    return {
        "report sample": f"{measures['rows']:,} loans, {measures['bads']:,} bad, decided "
        f"{sample['from'][:10]} to {sample['to'][:10]}",
        "AUC": _bounded(measures, "auc"),
        "KS, Gini": f"{measures['ks']:.4f}, {measures['gini']:.4f}",
        "calibration slope": f"{measures['calibration_slope']:.3f}",
    }


def _of_an_amount(measures: dict[str, Any]) -> dict[str, str]:
    return {
        "report sample": f"{measures['rows']:,} amounts",
        "median error over amount": _bounded(measures, "median_ape"),
        "bias": f"{measures['bias']:+.4f}",
        "share within the interval": f"{measures['coverage']:.4f}",
    }


def _of_an_uplift(measures: dict[str, Any]) -> dict[str, str]:
    return {
        "report sample": f"{measures['offered']:,} offers by lot, {measures['controls']:,} controls",
        "effect of an offer": _bounded(measures, "average_effect"),
        "Qini": _bounded(measures, "qini"),
        "Qini by response": f"{measures['response_qini']:.4f}",
    }


def _bounded(measures: dict[str, Any], name: str) -> str:
    low, high = measures[f"{name}_interval"]
    return f"{measures[name]:.4f} (95 % interval {low:.4f} to {high:.4f})"


def _of_a_response(measures: dict[str, Any]) -> dict[str, str]:
    told = {
        "report sample": f"{measures['rows']:,} limits by lot, {measures['defaults']:,} of them defaulted"
    }
    for outcome in ("balance", "pd"):
        low, high = measures[f"{outcome}_slope_interval"]
        told[f"{outcome} by the limit's logarithm"] = (
            f"{measures[f'{outcome}_slope']:,.4g} (95 % interval {low:,.4g} to {high:,.4g}); told "
            f"{measures[f'{outcome}_steepness']:.3f} times as steep"
        )
    return told
