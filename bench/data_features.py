"""Known at the time, in CPU-seconds: training sets, what is brought online, and one customer's read."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import data_online, data_training
from bench.data_sides import Side, redis_server
from bench.measuring import Row

SIDES: dict[str, Callable[[Path], Side]] = {**data_training.SIDES, **data_online.SIDES}


def rows() -> Iterator[Row]:
    """Measure each in a folder of its own."""
    for customers in (data_training.CUSTOMERS, data_training.DENSE_CUSTOMERS):
        with tempfile.TemporaryDirectory() as scratch:
            yield from data_training.rows(Path(scratch), customers)
    for measure in (data_online.brought_online, data_online.reads):
        with tempfile.TemporaryDirectory() as scratch, redis_server(Path(scratch)) as redis:
            yield from measure(Path(scratch), redis)


if __name__ == "__main__":
    told = SIDES[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(json.dumps(vars(told)) + "\n")
