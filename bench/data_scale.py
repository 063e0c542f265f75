"""How ingest, validate and featurize grow with the lender: CPU and memory at ten and a hundred times."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.measuring import Row, at_most, beside, cpu, peak

SIZES = (100_000, 1_000_000, 10_000_000)
MEMORY = "6GB"  # DuckDB's own limit; what stands beside it is measured with it
LIMIT_GIB = 12.0


def rows() -> Iterator[Row]:
    """Simulate each lender, then bring it from raw files to feature tables in a process of its own."""
    sizes = [size for size in SIZES if size <= int(os.environ.get("BENCH_LARGEST", SIZES[-1]))]
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            found[size] = measured(size, Path(scratch))
    for small, large in pairwise(sizes):
        ratio = found[large]["cpu"] / found[small]["cpu"] / (large / small)
        said = f"{found[large]['cpu']:.0f} s of CPU against {found[small]['cpu']:.0f} s"
        yield at_most("data", f"raw to features, {small:,} to {large:,} applications ({said})", ratio, 1.1)
    largest = sizes[-1]
    name = f"raw to features, {largest:,} applications: peak memory, GiB"
    yield at_most("data", name, found[largest]["gib"], LIMIT_GIB)


def measured(size: int, scratch: Path) -> dict[str, Any]:
    """Run one size and give CPU-seconds, peak memory in GiB and the seconds of each step."""
    for verb in ("simulate", "bring"):
        told = beside("bench.data_scale", verb, str(size), str(scratch))
    result: dict[str, Any] = json.loads(told)
    sys.stderr.write(f"{size:,}: {json.dumps(result)}\n")
    return result


def _simulate(size: int, scratch: Path) -> None:
    from loanbook.world import WorldSpec, simulate

    simulate(WorldSpec(applications=size), scratch / "world", last_month=60)


def _bring(size: int, scratch: Path) -> None:
    """Go from raw files to feature tables, and print what each step took."""
    from loanbook.features import tables
    from loanbook.intake import mapping, publishing, raw, snapshots
    from loanbook.intake.judging import quality
    from loanbook.settings import Settings

    place = replace(Settings.read({}), home=scratch / "home", memory=MEMORY, threads=2)
    suites = quality.load_suites(place.repo / "expectations")
    began, steps = cpu(), {}
    dataset = mapping.load("world")
    deliveries = raw.survey(dataset, scratch / "world" / "raw")
    steps["survey"] = cpu() - began
    reading = snapshots.freeze(place, dataset, deliveries, as_of=None)
    steps["freeze"] = cpu() - began
    verdicts = []
    for one in reading.snapshots:
        verdicts.append(quality.judge(place, dataset, reading, suites[one.table]))
        steps[f"judge {one.table}"] = cpu() - began
    made = publishing.publish(place, dataset, reading, suites, verdicts)
    steps["publish"] = cpu() - began
    tables.compute(place, "world", made.id, made.paths)
    steps["featurize"] = cpu() - began
    print(json.dumps({"size": size, "cpu": cpu() - began, "gib": peak(), "steps": steps}))


if __name__ == "__main__":
    {"simulate": _simulate, "bring": _bring}[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
