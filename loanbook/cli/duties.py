"""The operator's face: what a validation team asks for, and how the law's demands stand."""

from __future__ import annotations

import os
from datetime import date
from typing import Annotated

from cyclopts import Parameter

from loanbook.cli import app
from loanbook.cli.face import Common, Told, tell
from loanbook.cli.models import now
from loanbook.cli.work import NO_COMMON, Version, split
from loanbook.settings import Settings

On = Annotated[str | None, Parameter(help="The day, as 2026-11-23; by default today.")]


@app.command
def artefacts(version: Version, /, *, common: Common = NO_COMMON) -> None:
    """Hold a version's artefacts to the hashes of its last review. Exit code 1, naming what was altered."""
    from loanbook.governance.artefacts import filing

    model, number = split(version)
    filed = filing.verify(Settings.read(os.environ), model, number)
    title = f"{len(filed.files)} files of {version} are as they were filed"
    tell(Told(title, filed.files, {"artefacts": filed.index}), as_json=common.json)


@app.command
def obligations(version: Version, /, *, on: On = None, common: Common = NO_COMMON) -> None:
    """Say how each obligation stands for a reviewed version on a day: by its evidence, and by the ledger."""
    from loanbook.governance.artefacts import asking

    model, number = split(version)
    day = _day(on) if on else now().date()
    duties = asking.stand(Settings.read(os.environ), model, number, day)
    told = {one.obligation.name: f"{one.answer.value.replace('_', ' ')}: {one.why}" for one in duties}
    doubts = [one.obligation.name for one in duties if not one.obligation.certain]
    told["citations not certain"] = ", ".join(doubts) or "none"
    tell(Told(f"Obligations of {version} on {day}", told), as_json=common.json)


def _day(text: str) -> date:
    from loanbook.errors import SettingsError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text} is no day", right="Write it as 2026-11-23") from None
