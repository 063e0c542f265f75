"""The operator's face: `loanbook …`."""

from __future__ import annotations

import os
import sys
import traceback

from cyclopts import App

from loanbook import errors
from loanbook.settings import QUIET

app = App(
    name="loanbook",
    help="The governed lifecycle of a lender's models: from raw data to a signed champion and back.",
    version_flags=["--version"],
)


def whole() -> App:
    """Give the face with every command, each registered by its module."""
    from loanbook.cli import (  # noqa: F401
        data,
        datasets,
        demo,
        desk,
        duties,
        leaks,
        lineage,
        models,
        private,
        quarantine,
        work,
    )

    return app


def main() -> None:
    """Run one command; end with 0, or with 1 and one clear paragraph."""
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    try:
        whole()()
    except errors.LoanbookError as error:
        _complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. Run the command again: finished work is not repeated.\n")
        sys.exit(130)


def _complain(error: errors.LoanbookError) -> None:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    if "--traceback" in sys.argv:
        told = getattr(error, "__notes__", None) or [traceback.format_exc()]
        sys.stderr.write("\n".join(told) + "\n")
