"""The simulated lender's door: a spec in, a folder of raw files and a folder of truth out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from loanbook.errors import SettingsError
from loanbook.world.spec import WorldSpec

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class WorldManifest:
    """What was made: which months, in which files, how many rows a table, how many of them broken."""

    spec: WorldSpec
    raw: Path
    truth: Path
    first_month: int
    last_month: int
    files: tuple[Path, ...]
    rows: Mapping[str, int]
    bad_rows: int


def simulate(
    spec: WorldSpec,
    out: Path,
    *,
    first_month: int = 1,
    last_month: int | None = None,
    pulled: bool = False,
    progress: Progress | None = None,
) -> WorldManifest:
    """Live through a world's months and write some of them below `out`; files of other months stay.

    The world is always lived from its first month, so that a folder filled in two runs has the same bytes
    as one filled at once. The truth is written for all months lived. A month's file holds what the source
    showed at that month's end; `pulled`, every file holds what the source shows at the end of the last, as
    whoever reads it anew would find it. Raises SettingsError.
    """
    last = spec.months if last_month is None else last_month
    if not 1 <= first_month <= last <= spec.months:
        raise SettingsError(
            f"months {first_month} to {last} can't be written",
            where="world",
            right=f"Give months from 1 to {spec.months}, the first not after the last",
        )
    from loanbook.world import lender

    raw, truth = out / "raw", out / "truth"
    export = lender.Export(raw, range(first_month, last + 1), pulled)
    written = lender.live(spec, export, truth, progress)
    return WorldManifest(
        spec=spec,
        raw=raw,
        truth=truth,
        first_month=first_month,
        last_month=last,
        files=tuple(raw / name for name in written.files),
        rows=MappingProxyType(dict(written.rows)),
        bad_rows=written.bad_rows,
    )
