"""The operator's face: the few figures of a review that a line on the screen has room for."""

from __future__ import annotations

from typing import Any


def measured(made: dict[str, Any]) -> dict[str, str]:
    """Tell what a review measured: of a PD, of an amount, or of an uplift."""
    if "qini" in made["metrics"]:
        return _of_an_uplift(made["metrics"])
    return _of_an_amount(made["metrics"]) if "median_ape" in made["metrics"] else _of_a_pd(made)


def _of_a_pd(made: dict[str, Any]) -> dict[str, str]:
    measures, sample = made["metrics"], made["samples"]["report"]
    low, high = measures["auc_interval"]
    return {
        "report sample": f"{measures['rows']:,} loans, {measures['bads']:,} bad, decided "
        f"{sample['from'][:10]} to {sample['to'][:10]}",
        "AUC": f"{measures['auc']:.4f} (95 % interval {low:.4f} to {high:.4f})",
        "KS, Gini": f"{measures['ks']:.4f}, {measures['gini']:.4f}",
        "calibration slope": f"{measures['calibration_slope']:.3f}",
    }


def _of_an_amount(measures: dict[str, Any]) -> dict[str, str]:
    low, high = measures["median_ape_interval"]
    return {
        "report sample": f"{measures['rows']:,} amounts",
        "median error over amount": f"{measures['median_ape']:.4f} (95 % interval {low:.4f} to {high:.4f})",
        "bias": f"{measures['bias']:+.4f}",
        "share within the interval": f"{measures['coverage']:.4f}",
    }


def _of_an_uplift(measures: dict[str, Any]) -> dict[str, str]:
    low, high = measures["qini_interval"]
    least, most = measures["average_effect_interval"]
    return {
        "report sample": f"{measures['offered']:,} offers by lot, {measures['controls']:,} controls",
        "effect of an offer": f"{measures['average_effect']:.4f} (95 % interval {least:.4f} to {most:.4f})",
        "Qini": f"{measures['qini']:.4f} (95 % interval {low:.4f} to {high:.4f})",
        "Qini by response": f"{measures['response_qini']:.4f}",
    }
