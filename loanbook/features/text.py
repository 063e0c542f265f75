"""validated → features: what an applicant's text is about, in Chinese or English, as a few numbers.

Runs of one to three characters are hashed into buckets, weighted by how rare they are (TF-IDF) and turned
into topics (SVD). The weights come with the package, in text_model.npz; text_fitting.py made them from word
lists and phrases of the simulated lender. Each text is counted by itself: its batch can't be seen in it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import duckdb

MODEL = Path(__file__).with_name("text_model.npz")
BUCKETS, TOPICS, LONGEST_RUN = 4096, 8, 3
READ = 2_000  # characters of a text that are read
BATCH = 2_048
_NAMES = tuple(f"topic_{number}" for number in range(1, TOPICS + 1))
DECIMALS = 6  # beyond them, another processor's last bit would show
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_TIMES = np.array([1 + math.log(times) for times in range(1, READ + 3)])

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """Which buckets each text falls into, and the weight of each: sorted by text, then bucket."""

    text: Ints
    bucket: Ints
    times: Floats


@dataclass(frozen=True)
class Model:
    """How rare each bucket is, and what each says of each topic."""

    rarity: Floats
    topics: Floats


@cache
def model() -> Model:
    """Read the weights that come with the package."""
    with np.load(MODEL, allow_pickle=False) as kept:
        return Model(kept["rarity"].astype(np.float64), kept["topics"].astype(np.float64))


def topics(texts: Sequence[str], by: Model | None = None) -> Floats:
    """Give texts × topics, each between -1 and 1."""
    by = by or model()
    counted = count(texts)
    weight = counted.times * by.rarity[counted.bucket]
    length = np.sqrt(np.bincount(counted.text, weight * weight, len(texts)))
    # bincount adds in order, text by text: a matrix product would add as its threads please
    parts = [
        np.bincount(counted.text, weight * by.topics[counted.bucket, topic], len(texts))
        for topic in range(by.topics.shape[1])
    ]
    whole = np.column_stack(parts) / np.where(length > 0, length, 1)[:, None]
    return np.round(whole, DECIMALS) + 0.0


def count(texts: Sequence[str]) -> Counted:
    """Hash each text's runs of one to three characters, and count them, damped by a logarithm."""
    joined = "\0".join(f" {_plain(text)} " for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    text = np.cumsum(codes == 0)
    whole, hashed, found = codes != 0, np.zeros(len(codes), dtype=np.uint64), []
    for run in range(LONGEST_RUN):
        end = len(codes) - run
        whole = whole[:end] & (codes[run:] != 0)
        hashed = (hashed[:end] + codes[run:] + np.uint64(run + 1)) * _ODD[run]
        hashed ^= hashed >> np.uint64(31)
        bucket = (hashed * _ODD[0]) >> np.uint64(52)
        found.append(text[:end][whole] * BUCKETS + bucket[whole].astype(np.int64))
    place, times = np.unique(np.concatenate(found), return_counts=True)
    return Counted(place // BUCKETS, place % BUCKETS, _TIMES[times - 1])


def _plain(text: str) -> str:
    """Fold case and width: ＡＢＣ is abc; a text's own NUL would be taken for its end."""
    return unicodedata.normalize("NFKC", text[:READ]).lower().replace("\0", " ")[:READ]


def relate(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `text_topics`: every text that the view `applications` shows, and its topics."""
    columns = ", ".join(f"{name} DOUBLE" for name in _NAMES)
    connection.execute(f"CREATE OR REPLACE TABLE text_topics (free_text VARCHAR, {columns})")
    query = "SELECT DISTINCT free_text FROM applications WHERE free_text IS NOT NULL"
    with connection.cursor() as beside:  # a connection can't write while it reads
        for batch in connection.sql(query).to_arrow_reader(BATCH):
            beside.register("told", _told(batch))
            beside.execute("INSERT INTO text_topics SELECT * FROM told")
            beside.unregister("told")


def _told(batch: Any) -> Any:
    import pyarrow as pa

    texts = batch.column(0)
    return pa.table({"free_text": texts, **dict(zip(_NAMES, topics(texts.to_pylist()).T, strict=True))})
