"""Pauses, resumes, stops and restarts what runs, and waits until it has happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from bifrost.clients.connect import ConnectorStatus, root_cause
from bifrost.clients.http import Clock
from bifrost.clients.supervisor import ComponentStatus
from bifrost.deployer.apply.await_running import POLL_S, connectors_not_running, failure, query_causes
from bifrost.deployer.live.state import Platform, ServiceControl
from bifrost.deployer.plan.ksql_commands import pause, resume
from bifrost.errors import ComponentError, NotReady, OperationRefused, Refused
from bifrost.operations.live_things import LiveThing, ThingKind

PATIENCE_S = 30.0
"""Time for a connector or query to reach its new state."""
SERVICE_PATIENCE_S = 120.0
"""Time for a process to end or to become ready."""
RESTART_REPORTED_S = 1.0
"""A worker reports the state before a restart for a moment."""


class Change(StrEnum):
    """What a person wants to happen to a thing."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of one thing: its state before and after, and a remark about what that means (empty for none).

    Before it is carried out, `after` is the state that is expected. Both are the same if there is nothing to do.
    """

    thing: LiveThing
    change: Change
    before: str
    after: str
    note: str = ""

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{self.change} {self.thing}: {self.before} -> {self.after}{note}"

    @property
    def is_change(self) -> bool:
        """Whether anything has to be done."""
        return self.before != self.after or self.change is Change.RESTART


def plan_state_changes(change: Change, things: Iterable[LiveThing]) -> tuple[StateChange, ...]:
    """What a change would do to these things.

    Raises:
        OperationRefused: a thing cannot be changed that way; the message says what to do instead.
    """
    return tuple(_planned(change, thing) for thing in things)


def carry_out(platform: Platform, planned: StateChange, clock: Clock) -> StateChange:
    """Carry out one change, and return it with the state that the thing is in now.

    Raises:
        NotReady, ComponentError: the thing did not reach its state; the message has the cause.
        RemoteError: the part that runs it does not answer, or refuses.
    """
    if not planned.is_change:
        return planned
    match planned.thing.kind:
        case ThingKind.CONNECTOR:
            return replace(planned, after=_change_connector(platform, planned, clock))
        case ThingKind.QUERY:
            return replace(planned, after=_change_query(platform, planned, clock))
        case _:
            return replace(planned, after=_change_process(platform, planned, clock))


def _planned(change: Change, thing: LiveThing) -> StateChange:
    match change, thing.kind:
        case Change.PAUSE, ThingKind.CONNECTOR | ThingKind.QUERY:
            note = "continues where it is when it is resumed; `up` resumes it, too"
            return StateChange(thing, change, thing.state, "PAUSED", note)
        case Change.STOP, ThingKind.CONNECTOR:
            note = "its tasks end and its offsets stay; `resume` and `up` start it"
            return StateChange(thing, change, thing.state, "STOPPED", note)
        case Change.STOP, ThingKind.QUERY:
            raise OperationRefused(
                f"{thing} was not changed: ksqlDB has no stopped queries. `pause {thing.name}` keeps it; "
                f'`ksql -e "TERMINATE {thing.name};"` removes it, and `up` creates it again'
            )
        case Change.PAUSE | Change.STOP, ThingKind.SERVICE:
            note = "its program ends, and later continues from its committed offsets; `resume` and `up` start it"
            return StateChange(thing, change, thing.state, "STOPPED", note)
        case Change.PAUSE | Change.STOP, _:
            note = f"a part of the platform: whatever needs it fails until `resume {thing.name}`"
            return StateChange(thing, change, thing.state, "STOPPED", note)
        case Change.RESUME, _ if thing.state in ("FAILED", "ERROR"):
            cause = f": {thing.cause}" if thing.cause else ""
            raise OperationRefused(f"{thing} was not changed: it is {thing.state}{cause}. `restart {thing.name}`")
        case _:
            return StateChange(thing, change, thing.state, "RUNNING")


def _change_connector(platform: Platform, planned: StateChange, clock: Clock) -> str:
    name = planned.thing.name
    match planned.change:
        case Change.PAUSE:
            platform.connect.pause(name)
            return _await_connector_state(platform, name, "PAUSED", clock)
        case Change.STOP:
            platform.connect.stop(name)
            return _await_connector_state(platform, name, "STOPPED", clock)
        case Change.RESTART if planned.before not in ("PAUSED", "STOPPED"):
            platform.connect.restart(name)
            clock.sleep(RESTART_REPORTED_S)
        case _:
            platform.connect.resume(name)
    await_connector(platform, name, clock)
    return "RUNNING"


def _await_connector_state(platform: Platform, name: str, state: str, clock: Clock) -> str:
    """Wait until a connector has a state and none of its tasks still works. Failed tasks stay failed."""

    def problem() -> str:
        status = platform.connect.status(name)
        return _not_yet(status, state)

    _await(problem, "Kafka Connect", f"connector {name}", platform.log_of("connect"), clock)
    return state


def _not_yet(status: ConnectorStatus | None, state: str) -> str:
    if status is None:
        return "has no status"
    if status.state == "FAILED":
        return f"is FAILED: {root_cause(status.trace)}"
    if status.state != state:
        return f"is {status.state}, not {state}"
    working = [task for task in status.tasks if task.state not in (state, "FAILED")]
    return "" if not working else f"task {working[0].id} is {working[0].state}"


def await_connector(platform: Platform, name: str, clock: Clock) -> None:
    """Wait until a connector and all its tasks run.

    Raises:
        NotReady: they do not after `PATIENCE_S`, or a task failed; the message has the cause.
    """
    deadline = clock.monotonic() + PATIENCE_S
    while found := tuple(connectors_not_running(platform, [name])):
        if clock.monotonic() > deadline:
            raise failure(found)
        clock.sleep(POLL_S)


def _change_query(platform: Platform, planned: StateChange, clock: Clock) -> str:
    name = planned.thing.name
    if planned.change is Change.PAUSE:
        platform.ksqldb.execute(pause(name))
    else:
        # ksqlDB has no statement that restarts a query.
        if planned.change is Change.RESTART and planned.before != "PAUSED":
            platform.ksqldb.execute(pause(name))
        platform.ksqldb.execute(resume(name))

    def problem() -> str:
        state = {query.id: query.state for query in platform.ksqldb.queries()}.get(name, "missing")
        if state == planned.after:
            return ""
        causes = query_causes(platform.ksqldb, name) if state == "ERROR" else ()
        return f"is {state}{''.join(f': {cause}' for cause in causes)}"

    _await(problem, "ksqlDB", f"query {name}", platform.log_of("ksqldb"), clock)
    return planned.after


def _change_process(platform: Platform, planned: StateChange, clock: Clock) -> str:
    supervisor, name = platform.services, planned.thing.name
    if supervisor is None:
        raise OperationRefused(f"{planned.thing} was not changed: this target has no supervisor")
    match planned.change:
        case Change.PAUSE | Change.STOP:
            supervisor.stop(name)
        case Change.RESUME:
            supervisor.start(name)
        case Change.RESTART:
            supervisor.restart(name, wait_s=SERVICE_PATIENCE_S)
    _await_process(supervisor, name, clock, should_run=planned.after == "RUNNING")
    return planned.after


def _await_process(supervisor: ServiceControl, name: str, clock: Clock, *, should_run: bool) -> None:
    deadline = clock.monotonic() + SERVICE_PATIENCE_S
    while True:
        status = _component(supervisor, name)
        if status.is_up if should_run else status.state in ("stopped", "failed"):
            return
        if (should_run and status.state in ("failed", "stopped")) or clock.monotonic() > deadline:
            raise ComponentError(name, status.cause or f"is {status.state}", log=Path(status.log))
        clock.sleep(POLL_S)


def _component(supervisor: ServiceControl, name: str) -> ComponentStatus:
    for status in supervisor.status():
        if status.name == name:
            return status
    raise Refused("supervisor", name, status=0, body="the supervisor no longer knows this component")


def _await(problem: Callable[[], str], system: str, thing: str, log: str, clock: Clock) -> None:
    """Return when `problem` is empty."""
    deadline = clock.monotonic() + PATIENCE_S
    while found := problem():
        if clock.monotonic() > deadline:
            raise NotReady(system, thing, f"{found} after {PATIENCE_S:.0f} s (log: {log})")
        clock.sleep(POLL_S)
