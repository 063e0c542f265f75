"""What is private stays so: planted people are found in the vault alone, and once erased nowhere."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.measuring import Row, at_least, exactly
from loanbook.cli.face import Progress
from loanbook.cli.launch import Runner
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

APPLICATIONS = 10_000


def rows() -> Iterator[Row]:
    """Go the whole way with planted people aboard, look for them, erase one, and look again."""
    from loanbook import standing
    from loanbook.privacy import erasure, vault

    with tempfile.TemporaryDirectory() as scratch:
        place = replace(Settings.read({}), home=Path(scratch) / "home")
        made = simulate(WorldSpec(applications=APPLICATIONS), Path(scratch) / "world", last_month=48)
        planted = json.loads((made.truth / "canaries.json").read_text(encoding="utf-8"))["canaries"]
        secrets = [one[name] for one in planted for name in one if name != "customer_id"]
        with Runner(place, Progress(silent=True)) as runner:
            runner.run("lifecycle", {"dataset": "world", "data": made.raw, "line": "underwriting/consumer"})
            yield exactly(
                "data",
                f"planted names, numbers and phones ({len(secrets)}) found in any file but the vault",
                len(found(place.home, secrets)),
                0,
            )
            one = planted[0]
            plain = vault.plain(place, "world", one["customer_id"])
            yield at_least("data", "  values of one of them that the vault gives back", len(plain), 3)
            asked = erasure.ask(place, "world", one["customer_id"], because="asked for it")
            proof: dict[str, Any] = runner.run(
                "erase", {"dataset": "world", "customer": getattr(asked, "token", "")}
            )
            yield exactly(
                "data",
                f"files that still speak of an erased customer (proof in ledger entry {proof['entry']})",
                len(found(place.home, [one["customer_id"]])),
                0,
            )
        standing.stop(place)


def found(home: Path, words: list[str]) -> list[str]:
    """Name the files that hold one of the words, plainly or in a Parquet column."""
    import duckdb

    told = []
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.parent.name == "vault":
            continue
        content = path.read_bytes()
        hit = any(word.encode() in content for word in words)
        if path.suffix == ".parquet" and not hit:
            relation = f"read_parquet('{path}')"
            columns = duckdb.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
            texts = [f'"{name}"' for name, kind, *_ in columns if kind == "VARCHAR"]
            wanted = ", ".join(f"'{word}'" for word in words)
            tests = " OR ".join(f"{text} IN ({wanted})" for text in texts) or "false"
            hit = bool(duckdb.execute(f"SELECT 1 FROM {relation} WHERE {tests} LIMIT 1").fetchall())
        if hit:
            told.append(path.relative_to(home).as_posix())
    return told
