"""Carries out changes of positions: suspends the reader, changes its offsets, and restores its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bifrost.clients.http import Clock
from bifrost.deployer.apply.connector_offsets import once_stopped, refuse_old_workers, stop_and_wait
from bifrost.deployer.live.state import Platform
from bifrost.errors import OperationRefused, Refused
from bifrost.operations.live_things import LiveThing, ThingKind
from bifrost.operations.offset_plans import PlannedOffsets, PlannedSourceOffsets, PositionOwner
from bifrost.operations.state_changes import Change, StateChange, carry_out

MEMBERS_PATIENCE_S = 45.0
"""Longer than the session timeout after which the members of a killed process leave their group."""
_POLL_S = 0.5
_HAS_MEMBERS = (25, 68)  # UNKNOWN_MEMBER_ID, NON_EMPTY_GROUP

OnStep = Callable[[str], None]


def change_group(
    platform: Platform, planned: PlannedOffsets, clock: Clock, on_step: OnStep = lambda _text: None
) -> None:
    """Move a group. Its connector or service is stopped meanwhile, and ends in the state that it was in.

    Raises:
        OperationRefused: the group still has members that Bifrost did not start.
        RemoteError: a part refuses or does not answer; the reader is in its state before, and may be moved in part.
    """
    position = planned.position
    if position.owner.kind == "connector":
        with _stopped_connector(platform, position, clock, on_step):
            entries = [
                {
                    "partition": {"kafka_topic": move.topic, "kafka_partition": move.partition},
                    "offset": {"kafka_offset": move.after},
                }
                for move in planned.changes
            ]
            once_stopped(clock, position.owner.name, lambda: platform.connect.set_offsets(position.owner.name, entries))
        return
    with _stopped_process(platform, position, clock, on_step):
        for topic in dict.fromkeys(move.topic for move in planned.changes):
            offsets = {move.partition: move.after for move in planned.changes if move.topic == topic}
            _move(platform, position, topic, offsets, clock)


def change_source(
    platform: Platform, planned: PlannedSourceOffsets, clock: Clock, on_step: OnStep = lambda _text: None
) -> None:
    """Change or delete the offsets of a source connector, which is stopped meanwhile.

    Raises:
        NotReady: the workers are older than Kafka 3.7, or the connector does not stop.
        RemoteError: Connect refuses the offsets; the connector is in its state before.
    """
    name = planned.position.owner.name
    with _stopped_connector(platform, planned.position, clock, on_step):
        if planned.after is None:
            once_stopped(clock, name, lambda: platform.connect.delete_offsets(name))
        else:
            after = planned.after
            once_stopped(clock, name, lambda: platform.connect.set_offsets(name, after))


@contextmanager
def _stopped_connector(platform: Platform, position: PositionOwner, clock: Clock, on_step: OnStep) -> Iterator[None]:
    name, before = position.owner.name, position.state
    refuse_old_workers(platform.connect, name)
    on_step(f"stopping {position}")
    stop_and_wait(platform.connect, clock, name)
    try:
        yield
    finally:
        if before != "STOPPED":
            change = Change.PAUSE if before == "PAUSED" else Change.RESUME
            after = "PAUSED" if before == "PAUSED" else "RUNNING"
            on_step(f"{change} {position}")
            thing = LiveThing(ThingKind.CONNECTOR, name, "STOPPED")
            carry_out(platform, StateChange(thing, change, "STOPPED", after), clock)


@contextmanager
def _stopped_process(platform: Platform, position: PositionOwner, clock: Clock, on_step: OnStep) -> Iterator[None]:
    supervisor = platform.services
    names = {status.name: status for status in supervisor.status()} if supervisor is not None else {}
    status = names.get(position.process)
    if status is None or not status.is_up:
        yield
        return
    thing = LiveThing(ThingKind.SERVICE, position.process, "RUNNING")
    on_step(f"stopping {thing}")
    carry_out(platform, StateChange(thing, Change.STOP, "RUNNING", "STOPPED"), clock)
    try:
        yield
    finally:
        on_step(f"starting {thing}")
        carry_out(platform, StateChange(thing, Change.RESUME, "STOPPED", "RUNNING"), clock)


def _move(platform: Platform, position: PositionOwner, topic: str, offsets: dict[int, int], clock: Clock) -> None:
    deadline = clock.monotonic() + (MEMBERS_PATIENCE_S if position.process else 0)
    while True:
        try:
            platform.kafka.move_group(position.group, topic, offsets)
            return
        except Refused as error:
            if error.status not in _HAS_MEMBERS:
                raise
            if clock.monotonic() >= deadline:
                raise OperationRefused(
                    f"{position} was not changed: group {position.group} has members. Stop what reads as this group, "
                    "and repeat the command"
                ) from error
            clock.sleep(_POLL_S)
