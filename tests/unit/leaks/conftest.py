"""A small lender read on two days, and the detector run on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loanbook import lines
from loanbook.intake import mapping
from loanbook.leaks import detecting
from loanbook.leaks.detecting import Detected
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

DATA = Path(__file__).resolve().parents[3] / "../shared/data"
FILLED, ORDERED, INNOCENT = "filled in after the outcome", "ordered by outcome", "changes innocently"


@dataclass(frozen=True)
class TwoDays:
    """A lender's files as each month was delivered, and as its systems show all of them today."""

    delivered: Path
    pulled: Path
    truth: Path

    def planted(self, *kinds: str) -> set[str]:
        told = json.loads((self.truth / "leaks.json").read_text(encoding="utf-8"))["leaks"]
        return {f"raw.{one['table']}.{one['column']}" for one in told if one["kind"] in kinds}


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Callable[[WorldSpec], TwoDays]:
    made: dict[WorldSpec, TwoDays] = {}

    def make(spec: WorldSpec) -> TwoDays:
        if spec not in made:
            folder = tmp_path_factory.mktemp("lender")
            simulate(spec, folder / "delivered", last_month=48)
            simulate(spec, folder / "pulled", last_month=48, pulled=True)
            truth = folder / "pulled" / "truth"
            made[spec] = TwoDays(folder / "delivered" / "raw", folder / "pulled" / "raw", truth)
        return made[spec]

    return make


@pytest.fixture(scope="session")
def world(two_days: Callable[[WorldSpec], TwoDays]) -> TwoDays:
    return two_days(WorldSpec(applications=12_000))


Detect = Callable[..., Detected]


@pytest.fixture(scope="session")
def detect(tmp_path_factory: pytest.TempPathFactory) -> Detect:
    made: dict[Any, Detected] = {}

    def one(dataset: str | Path, data: Path, then: Path | None = None) -> Detected:
        key = (str(dataset), data, then)
        if key not in made:
            source = mapping.load(dataset)
            judged = [lines.adapted(line, source.lines.get(line.name, {})) for line in lines.of_loans()]
            settings = Settings(home=tmp_path_factory.mktemp("home"), threads=2)
            made[key] = detecting.detect(settings, source, data, judged, then)
        return made[key]

    return one
