"""The surroundings of a task's code: its stores, and the receivers of its results and problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

from bifrost.engine.state.frozen import Key
from bifrost.engine.state.memory import new_store
from bifrost.engine.state.stores import (
    Encode,
    JoinBuffer,
    KeyValueStore,
    Row,
    SessionStore,
    Store,
    StoreKey,
    StoreSpec,
    WindowStore,
)
from bifrost.engine.topology.record_problems import LogCallback, Reporter

Headers = list[tuple[str, bytes | None]] | None

InputRecord = tuple[bytes | None, bytes | None, int, int, int, Headers]
"""Key, value, timestamp (epoch ms), partition, offset, headers."""

EmitCallback = Callable[[str, bytes | None, bytes | None, int, Headers], None]
"""Receives an output record: topic, key, value, timestamp (epoch ms), headers."""

RowCallback = Callable[[Key | None, Row | None, int, tuple[int, int] | None], None]
"""Receives a result row: key, value columns (None: deleted), timestamp, window start and end (epoch ms)."""

ChangelogCallback = Callable[[str, Encode, StoreKey, Row | None, int], None]
"""Receives a change of a store: the store's name, then the arguments of `Changelog`."""


@dataclass(frozen=True, slots=True)
class TaskOutputs:
    """The receivers of a task's results, problems and changes of state."""

    emit: EmitCallback
    log: LogCallback
    changelog: ChangelogCallback | None = None
    on_row: RowCallback | None = None


class TaskContext:
    """Provides what the bindings of generated code need; creates each store on first use."""

    def __init__(self, specs: Mapping[str, StoreSpec], outputs: TaskOutputs) -> None:
        self._specs = specs
        self._outputs = outputs
        self.stores: dict[str, Store] = {}

    @property
    def emit(self) -> EmitCallback:
        """The receiver of output records."""
        return self._outputs.emit

    def on_row(self, key: Key | None, row: Row | None, timestamp: int, window: tuple[int, int] | None) -> None:
        """Passes a result row on, if the query has a receiver."""
        if self._outputs.on_row is not None:
            self._outputs.on_row(key, row, timestamp, window)

    def reporter(self, topic: str) -> Reporter:
        """Returns the reporter of problems with records of a topic."""
        return Reporter(topic, self._outputs.log)

    def store(self, name: str) -> Store:
        """Returns a store of the task by name."""
        found = self.stores.get(name)
        if found is None:
            spec, write = self._specs[name], self._outputs.changelog
            changelog = partial(write, name) if write is not None and spec.changelog else None
            found = self.stores[name] = new_store(spec, changelog)
        return found

    def key_value_store(self, name: str) -> KeyValueStore:
        """Returns a store declared as key-value store."""
        return cast(KeyValueStore, self.store(name))

    def window_store(self, name: str) -> WindowStore:
        """Returns a store declared as window store."""
        return cast(WindowStore, self.store(name))

    def session_store(self, name: str) -> SessionStore:
        """Returns a store declared as session store."""
        return cast(SessionStore, self.store(name))

    def join_buffer(self, name: str) -> JoinBuffer:
        """Returns a store declared as join buffer."""
        return cast(JoinBuffer, self.store(name))
