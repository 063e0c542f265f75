"""candidate → judged by group: the fairness job, which alone sees protected attributes."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import flow

from flows import review, steps
from flows.steps import do
from loanbook.governance import fairly, firewall, recomputing, shelf
from loanbook.governance.firewall import Record
from loanbook.governance.registry import Registry
from loanbook.settings import Settings
from loanbook.training import candidates


@flow(name="fairness")
def fairness(model: str, version: int) -> dict[str, Any]:
    """Judge a version by protected group, scan for proxies, search for a fairer one as its policy says."""
    done = fairness_of(steps.settings(), model, version)
    found = done.facts["fairness"]
    return {
        "model": model,
        "version": version,
        "record": str(done.path),
        "page": str(done.page),
        "digest": done.digest,
        "ratios": found["ratios"],
        "proxy_auc": {name: one["proxy_auc"] for name, one in found["proxies"].items()},
        "alternatives": found["alternatives"],
    }


def fairness_of(place: Settings, model: str, version: int) -> Record:
    """Give the record of a version, from the bytes that the registry holds now."""
    registry = Registry(place)
    tags = registry.version(model, version).tags
    made = candidates.read(place, tags["loanbook.dataset"], tags["loanbook.candidate"])
    policy = shelf.policy(place, str(made.record["line"]))
    search = fairly.asked(policy)
    with tempfile.TemporaryDirectory(dir=review.scratch(place)) as taken:
        folder = do("fetch the bundle", registry.fetch_bundle, model, version, Path(taken) / "bundle")
        stored = do(
            "fetch the predictions", registry.fetch_predictions, model, version, Path(taken) / "stored"
        )
        lying = replace(review.stored_of(place, made, folder, stored, policy), search=search)
        found = do("judge groups, scan, search", recomputing.fairness, place, lying)
    named = {name: str(made.record[name]) for name in ("dataset", "bundle", "predictions")}
    named |= {"publication": str(made.record["data"]["publication"])}
    subject = {"model": model, "version": version, **named}
    return do("write the record", firewall.write, place, subject, found, policy, steps.now())
