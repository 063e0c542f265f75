"""Training on a million rows: ours from Arrow, against bare lightgbm.train on the same arrays."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measuring import Row, at_most, beside, cpu, exactly, peak

ROWS, NUMBERS, WORDS = 1_000_000, 54, 6
LEARN = 900_000  # the rest stops
ROUNDS, THREADS, SEED = 200, 2, 7
TAKES = 2


def rows() -> Iterator[Row]:
    """Train both ways in processes of their own, twice, and compare the better takes."""
    with tempfile.TemporaryDirectory() as scratch:
        beside("bench.models_speed", "draw", scratch)
        found = {
            verb: [json.loads(beside("bench.models_speed", verb, scratch)) for _ in range(TAKES)]
            for verb in ("bare", "ours")
        }
    bare, ours = (min(found[verb], key=lambda one: float(one["cpu"])) for verb in ("bare", "ours"))
    said = f"{ours['cpu']:.1f} s of {bare['cpu']:.1f} s"
    what = f"training, {ROWS:,} × {NUMBERS + WORDS}, {ROUNDS} rounds, from Arrow"
    yield at_most(
        "models", f"{what}: CPU against bare lightgbm.train ({said})", ours["cpu"] / bare["cpu"], 1.15
    )
    said = f"{ours['wall']:.1f} s of {bare['wall']:.1f} s"
    yield at_most("models", f"  time ({said})", ours["wall"] / bare["wall"], 1.15)
    yield exactly("models", "  different models of the two", len({ours["model"], bare["model"]}), 1)
    said = f"{ours['gib']:.2f} GiB of {bare['gib']:.2f} GiB"
    yield Row(
        f"  memory, the Arrow table among it ({said})", "models", ours["gib"] / bare["gib"], "told", True
    )


def _draw(scratch: Path) -> None:
    """Draw applicants of whom values are missing, and write what an Arrow reader and what NumPy reads."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import feather

    from loanbook.training import matrix

    chance = np.random.default_rng(SEED)
    columns: dict[str, Any] = {}
    odds = np.full(ROWS, -2.0)
    for number in range(NUMBERS):
        value = chance.normal(size=ROWS)
        odds += value * 0.5 / (1 + number)
        value[chance.random(ROWS) < 0.05] = np.nan
        columns[f"n{number:02}"] = pa.array(value, from_pandas=True)
    for number in range(WORDS):
        code = chance.integers(0, 8, ROWS)
        odds += (code == 3) * 0.3
        columns[f"w{number}"] = pa.DictionaryArray.from_arrays(code, [f"word {n}" for n in range(8)]).cast(
            pa.string()
        )
    bad = chance.random(ROWS) < 1 / (1 + np.exp(-odds))
    table = pa.table(columns)
    feather.write_feather(
        table.append_column("bad", pa.array(bad)), str(scratch / "table.arrow"), "uncompressed"
    )
    plan = matrix.plan(table.slice(0, LEARN), table.column_names, {})
    np.save(scratch / "matrix.npy", matrix.encode(table, plan))
    np.save(scratch / "bad.npy", bad)


def _bare(scratch: Path) -> None:
    """Do what somebody would who has the arrays."""
    import lightgbm
    import numpy as np

    from loanbook.training import fitting

    names = [f"n{number:02}" for number in range(NUMBERS)] + [f"w{number}" for number in range(WORDS)]
    words = tuple(names[NUMBERS:])
    form = fitting.Form(tuple(names), words, {}, SEED, THREADS)
    parameters = fitting._parameters(form, _recipe())
    values, bad = np.load(scratch / "matrix.npy"), np.load(scratch / "bad.npy")
    began, start = cpu(), time.perf_counter()
    train = lightgbm.Dataset(
        values[:LEARN], bad[:LEARN].astype(float), feature_name=names, categorical_feature=list(words)
    )
    booster = lightgbm.train(
        parameters,
        train,
        num_boost_round=ROUNDS,
        valid_sets=[lightgbm.Dataset(values[LEARN:], bad[LEARN:].astype(float), reference=train)],
    )
    _tell(booster.model_to_string(), began, start)


def _ours(scratch: Path) -> None:
    """Go from Arrow to the model's text, as a training does: plan, encode, fit."""
    import numpy as np
    from pyarrow import feather

    from loanbook.training import fitting, matrix

    table = feather.read_table(str(scratch / "table.arrow"))
    import lightgbm  # noqa: F401 - both sides have it loaded when the clock starts

    began, start = cpu(), time.perf_counter()
    bad = np.asarray(table["bad"].to_numpy())
    features = [name for name in table.column_names if name != "bad"]
    plan = matrix.plan(table.slice(0, LEARN), features, {})
    values = matrix.encode(table, plan)
    form = fitting.Form.of(plan, seed=SEED, threads=THREADS)
    learn, stop = (fitting.Sample(values[part], bad[part]) for part in (slice(LEARN), slice(LEARN, None)))
    _tell(fitting.fit(form, learn, stop, _recipe()).model, began, start)


def _recipe() -> Any:
    from loanbook.training.fitting import Recipe

    return Recipe(rounds=ROUNDS, patience=None)


def _tell(model: str, began: float, start: float) -> None:
    import hashlib

    told = {"cpu": cpu() - began, "wall": time.perf_counter() - start, "gib": peak()}
    print(json.dumps(told | {"model": hashlib.sha256(model.encode()).hexdigest()}))


if __name__ == "__main__":
    {"draw": _draw, "bare": _bare, "ours": _ours}[sys.argv[1]](Path(sys.argv[2]))
