"""Changes of connectors that concern their stored offsets. Each step may be the last one before an interruption."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from bifrost.clients.connect import ConnectClient
from bifrost.clients.http import Clock
from bifrost.errors import NotReady, Refused

STOP_PATIENCE_S = 90.0
"""Tasks of a source may need their database's answer to end; the group of a dead sink needs its session timeout."""
POLL_S = 0.2
_NEEDED = (3, 7)
_CONFLUENT_AHEAD = 4
"""Confluent Platform 7.7 contains Kafka 3.7, and 8.0 contains Kafka 4.0; their versions end with -ccs or -ce."""
_STILL_STOPPING = ("haven't stopped completely", "must be in the STOPPED state", "still has active members")
T = TypeVar("T")


def put_without_offsets(client: ConnectClient, clock: Clock, name: str, put: Callable[[], None]) -> None:
    """Replace a configuration so that the connector starts as a new one.

    Args:
        put: writes the configuration.

    Raises:
        NotReady: the workers are older than Kafka 3.7, or the connector does not stop.
    """
    refuse_old_workers(client, name)
    stop_and_wait(client, clock, name)
    once_stopped(clock, name, lambda: client.delete_offsets(name))
    # A connector that was left without offsets is found by the next plan: its configuration still differs.
    put()
    client.resume(name)


def take_over(client: ConnectClient, clock: Clock, name: str, config: Mapping[str, str], former: str) -> None:
    """Create a connector that continues from the offsets of `former`, and delete that one.

    Raises:
        NotReady: the workers are older than Kafka 3.7, or `former` does not stop.
    """
    refuse_old_workers(client, name)
    if client.config(former) is not None:
        stop_and_wait(client, clock, former)
        if client.config(name) is None:
            client.create_stopped(name, config)
        offsets = client.offsets(former)
        if offsets:
            once_stopped(clock, name, lambda: client.set_offsets(name, offsets))
        client.delete(former)
    client.resume(name)


def stop_sink(client: ConnectClient, clock: Clock, name: str) -> None:
    """Stop a sink whose topic is about to be deleted.

    Raises:
        NotReady: the workers are older than Kafka 3.7, or the connector does not stop.
    """
    refuse_old_workers(client, name)
    stop_and_wait(client, clock, name)


def set_topic_offsets(client: ConnectClient, clock: Clock, name: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Set the next offsets that a stopped sink reads from a topic, by partition; those of its other topics stay."""
    found = [
        {"partition": {"kafka_topic": topic, "kafka_partition": number}, "offset": {"kafka_offset": offset}}
        for number, offset in sorted(offsets.items())
    ]
    once_stopped(clock, name, lambda: client.set_offsets(name, found))


def stop_and_wait(client: ConnectClient, clock: Clock, name: str) -> None:
    """Stop a connector and wait until it has no task.

    Raises:
        NotReady: it does not stop within 90 s.
    """
    client.stop(name)
    deadline = clock.monotonic() + STOP_PATIENCE_S
    while True:
        status = client.status(name)
        if status is not None and status.state == "STOPPED" and not status.tasks:
            return
        if clock.monotonic() > deadline:
            raise NotReady("Kafka Connect", f"connector {name}", f"did not stop within {STOP_PATIENCE_S:.0f} s")
        clock.sleep(POLL_S)


def once_stopped(clock: Clock, name: str, change: Callable[[], T]) -> T:
    """Workers learn one after another that a connector stopped: until then the change is refused."""
    deadline = clock.monotonic() + STOP_PATIENCE_S
    while True:
        try:
            return change()
        except Refused as error:
            if not any(text in error.body for text in _STILL_STOPPING) or clock.monotonic() > deadline:
                raise
            clock.sleep(POLL_S)


def refuse_old_workers(client: ConnectClient, name: str) -> None:
    version = client.version()
    if _kafka_version(version) < _NEEDED:
        problem = f"its workers (version {version}) cannot change offsets; Kafka 3.7 and newer can"
        raise NotReady("Kafka Connect", f"connector {name}", problem)


def _kafka_version(version: str) -> tuple[int, int]:
    """The version of Kafka that a worker's version means; (0, 0) if it is no version."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None:
        return (0, 0)
    major, minor = int(found[1]), int(found[2])
    return (major - _CONFLUENT_AHEAD if "-c" in version else major), minor
