"""Copies an index to one with another mapping, with its sinks stopped meanwhile. An interrupted copy starts again."""

from __future__ import annotations

from bifrost.clients.connect import ConnectClient
from bifrost.clients.http import Clock
from bifrost.clients.search_indices import SearchIndices
from bifrost.deployer.apply.connector_offsets import stop_and_wait
from bifrost.deployer.plan.actions import CopyIndex


def copy_index(indices: SearchIndices, connect: ConnectClient, clock: Clock, step: CopyIndex) -> None:
    """Carry out one copy; whatever happens, the sinks run again afterwards.

    Raises:
        Refused: a document does not fit the new mapping; the index is as it was.
        NotReady: a sink does not stop.
    """
    running = [name for name in step.sinks if connect.config(name) is not None]
    try:
        # A stopped sink has written what it read, or reads it again: both versions of a record have the same id.
        for name in running:
            stop_and_wait(connect, clock, name)
        indices.copy(step.source, step.target, step.template, clock)
        indices.swap(step.source, step.target, step.public_name)
    finally:
        for name in running:
            connect.resume(name)
