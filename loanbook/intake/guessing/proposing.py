"""raw → validated: look at raw tables that nobody has described, and write a dataset that reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loanbook import lake
from loanbook.errors import DatasetError, RawFileError
from loanbook.intake import raw, relations
from loanbook.intake.guessing import drafts, finding, looking, referring
from loanbook.intake.guessing.drafts import Titles
from loanbook.intake.guessing.finding import Found
from loanbook.intake.guessing.looking import RawLook
from loanbook.intake.guessing.proposals import propose
from loanbook.intake.guessing.proposed import Proposal
from loanbook.intake.keys import NAME
from loanbook.intake.sources import Dataset
from loanbook.settings import Settings


@dataclass(frozen=True)
class Proposed:
    """A dataset as it would be written: its files' texts by name, and what they were made from."""

    files: Mapping[str, str]
    found: Found
    proposal: Proposal


def look_at(
    settings: Settings, origins: Sequence[str], titles: Titles, environment: Mapping[str, str] = os.environ
) -> Proposed:
    """Propose a dataset for what lies at these places; DuckDB spills below the settings' home."""
    if not NAME.fullmatch(titles.name):
        right = "Write it in small letters, digits and _"
        raise DatasetError(f"{titles.name!r} is no name for a dataset", right=right)
    found = finding.find(origins, environment)
    dataset = Dataset(titles.name, "", "", "", "", found.data, None, None, found.sources, {}, {})
    deliveries = raw.survey(dataset, found.data, environment)
    with lake.connect(settings) as connection:
        relations.attach(connection, dataset, deliveries)
        looks = [looking.look(connection, source) for source in found.sources]
        references = referring.references(connection, looks)
    proposal = propose(looks, references)
    if not proposal.tables:
        raise RawFileError(
            f"no raw table can be mapped: {'; '.join(_why_not(proposal, look) for look in looks)}",
            where=str(found.data),
            right="Write the mapping by hand, as docs/guide/own-data.md shows",
        )
    return Proposed(drafts.written(proposal, looks, titles), found, proposal)


def _why_not(proposal: Proposal, look: RawLook) -> str:
    """Say why a raw table fills nothing."""
    name, kind = look.source.name, proposal.taken_for[look.source.name]
    if not kind:
        return f"{name} looks like none of our tables"
    return f"{name} looks like {kind}, and no column of it reads as the time of a row"


def write(proposed: Proposed, folder: Path) -> tuple[Path, ...]:
    """Write the files to a folder that isn't there yet, whole or not at all."""
    if folder.exists():
        raise DatasetError(
            "the folder is there already",
            where=str(folder),
            right="Give another with --into: what stands there may be somebody's work",
        )
    with lake.whole(folder) as draft:
        draft.mkdir()
        for name, text in proposed.files.items():
            (draft / name).write_text(text, encoding="utf-8")
    return tuple(folder / name for name in proposed.files)


def guesses(proposed: Proposed) -> int:
    """Count what waits for somebody who knows the lender."""
    return sum(len(re.findall(r"(?:--|#) guessed:", text)) for text in proposed.files.values())
