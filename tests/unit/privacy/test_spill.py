from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loanbook import lake
from loanbook.intake import mapping, parts, raw, snapshots
from loanbook.settings import Settings

CANARY = b"CANARY-OF-THE-SPILL"
ROWS, LINKS = 700_000, 300_000


@contextmanager
def watched(home: Path) -> Iterator[dict[str, int]]:
    """Watch what is spilled meanwhile: the most bytes seen in one file, and how often a canary was in one."""
    told, ended = {"most": 0, "canaries": 0}, threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            for path in (home / "tmp").glob("*"):
                try:
                    held = path.read_bytes()
                except OSError:
                    continue
                told["most"] = max(told["most"], len(held))
                told["canaries"] += CANARY in held

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield told
    finally:
        ended.set()
        watcher.join()


@pytest.mark.parametrize("private", [False, True])
def test_what_a_private_connection_spills_shows_no_plain_value(tmp_path: Path, private: bool) -> None:
    settings = Settings(home=tmp_path, threads=1, memory="120MB")

    with watched(tmp_path) as told, lake.connect(settings, private=private) as connection:
        lake.copy_out(
            connection,
            f"SELECT '{CANARY.decode()}' || hash(i)::VARCHAR || repeat('x', 120) AS v "
            f"FROM range({ROWS}) _(i) ORDER BY hash(i * 7)",
            tmp_path / "out.parquet",
        )

    assert told["most"] > 1_000_000, "nothing was spilled, so nothing is proved"
    assert bool(told["canaries"]) is not private


def of_links(folder: Path, sql: str) -> mapping.Dataset:
    """A dataset of links alone, with some canary in each key, read where it lies."""
    folder.mkdir()
    (folder / "dataset.toml").write_text(
        'name = "tiny"\ntitle = "T"\ncurrency = "EUR"\ncountry = "DE"\nlicence = "made up"\n'
        '[raw.seen]\nfiles = ["seen.parquet"]\nformat = "parquet"\n'
    )
    (folder / "links.sql").write_text(sql)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 'K' || hash(i)::VARCHAR AS link_id, 'C' || i AS customer_id, "
            f"TIMESTAMP '2024-01-01' + to_seconds(i) AS event_at, event_at AS available_at, 'phone' AS kind, "
            f"'{CANARY.decode()}' || hash(i * 3)::VARCHAR AS shared_key FROM range({LINKS}) _(i)) "
            f"TO '{folder / 'seen.parquet'}'"
        )
    return mapping.load(str(folder))


ROW_BY_ROW = "SELECT * FROM raw.seen"
COUNTED = "SELECT DISTINCT * FROM raw.seen"


@pytest.mark.parametrize(("sql", "private"), [(ROW_BY_ROW, False), (COUNTED, True)])
def test_what_an_intake_spills_shows_no_plain_value_in_the_clear_or_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str, private: bool
) -> None:
    settings = Settings(home=tmp_path / "home", threads=1, memory="80MB")
    dataset, sealed = of_links(tmp_path / "tiny", sql), []
    connect, freeze = lake.connect, parts.freeze

    def opened(settings: Settings, *, private: bool = False) -> Any:
        sealed.append(private)
        return connect(settings, private=private)

    def frozen(*given: Any) -> Any:
        sealed.append("frozen")
        return freeze(*given)

    monkeypatch.setattr(lake, "connect", opened)
    monkeypatch.setattr(parts, "freeze", frozen)
    deliveries = raw.survey(dataset, tmp_path / "tiny")
    (tmp_path / "home" / "tmp").mkdir(parents=True, exist_ok=True)

    with watched(tmp_path / "home") as told:
        reading = snapshots.freeze(settings, dataset, deliveries, as_of=None)

    assert reading.snapshot("links").rows == LINKS
    assert sealed[sealed.index("frozen") - 1] is private
    assert told["most"] > 1_000_000, "nothing was spilled, so nothing is proved"
    assert told["canaries"] == 0
