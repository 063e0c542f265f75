"""How it moves: a step of a flow is a plain function, run as a Prefect task and told to whoever listens."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun

from loanbook import digests, lake, leftovers
from loanbook.errors import FeatureError, SettingsError, StorageError
from loanbook.features import store
from loanbook.features.tables import FeatureSet
from loanbook.governance import provenance
from loanbook.schema import Grain
from loanbook.settings import Settings
from loanbook.training import frame

P = ParamSpec("P")
R = TypeVar("R")

HOURS = 3600
PASSING = (ConnectionError, TimeoutError, sqlite3.OperationalError)


@dataclass(frozen=True)
class Event:
    """What a listener is told: a step began, ended or failed, `seconds` since, how many were Prefect's."""

    step: str
    state: str
    seconds: float
    orchestration: float = 0.0


listener: ContextVar[Callable[[Event], None]] = ContextVar("listener", default=lambda _: None)


def do(name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function as a task of the running flow; what passes by itself is tried again, twice."""
    tell, began, inside = listener.get(), time.monotonic(), 0.0
    tell(Event(name, "began", 0.0))

    @wraps(function)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal inside
        entered = time.monotonic()
        try:
            return function(*args, **kwargs)
        finally:
            inside += time.monotonic() - entered

    state = "failed"
    try:
        result = _as_task(name, timed)(*args, **kwargs)
        state = "ended"
    finally:
        took = time.monotonic() - began
        tell(Event(name, state, took, took - inside))
    return result


def joined(
    place: Settings, features: FeatureSet, service: str, asked: Any, grain: Grain, span: str = ""
) -> Any:
    """Give what was known of each row that is asked for, when it is decided, by one feature service."""
    return do(
        f"join what was known{span}", store.history, place, features, service, frame.entities(asked, grain)
    )


def once(
    place: Settings, name: str, inputs: Mapping[str, Any], make: Callable[[], str], opens: Callable[[str], R]
) -> R:
    """Do a step unless the same inputs were through it already, by this code; give what its result opens.

    The receipt names the result by its content. One whose result is gone or altered counts for nothing.
    """
    key = digests.of_json({"step": name, "code": provenance.code_digest(place), **inputs})
    receipt = place.home / "receipts" / f"{key}.json"
    if receipt.exists():
        with suppress(StorageError, FeatureError):
            kept = opens(str(lake.read_json(receipt)["result"]))
            listener.get()(Event(f"{name}: done before", "ended", 0.0))
            return kept
    result = make()
    lake.write_json(receipt, {"step": name, "result": result})
    return opens(result)


def now() -> datetime:
    """Read the clock, as naive UTC to the second: a flow is a face."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def moment(text: str | None) -> datetime | None:
    """Read a date or time that a person typed."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text} is no date", right="Write it as 2024-07-01") from None


def settings() -> Settings:
    """Read where we run, and clear away what a killed run left there: a flow is a face."""
    place = Settings.read(os.environ)
    leftovers.clear(place)
    return place


def _as_task(name: str, function: Callable[P, R]) -> Task[P, R]:
    return task(
        name=name,
        task_run_name=name,
        retries=2,
        retry_delay_seconds=2,
        retry_condition_fn=_passes,
        timeout_seconds=6 * HOURS,
        cache_policy=NO_CACHE,
        persist_result=False,
    )(function)


def _passes(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Try again what another moment may mend; never what is wrong in itself."""
    return isinstance(state.result(raise_on_failure=False), PASSING)


def quietly(flow: Flow[P, R]) -> Callable[P, R]:
    """Call a flow without the heartbeat thread, which costs each call a second."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return flow(*args, **kwargs)

    return call
