"""A task: one partition of a sub-topology, with its own stores and its own copy of the generated functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Protocol, cast

from bifrost.engine.state.frozen import Key, freeze_key, thaw_key
from bifrost.engine.state.memory import new_store
from bifrost.engine.state.stores import (
    Encode,
    Entry,
    JoinBuffer,
    KeyValueStore,
    Place,
    Row,
    SessionStore,
    Store,
    StoreKind,
    StoreSpec,
    WindowStore,
)
from bifrost.engine.topology.materialization import Materialization, MaterializedRow
from bifrost.engine.topology.problems import LogCallback, Reporter
from bifrost.engine.topology.program import Binding, RecordFunction

Headers = list[tuple[str, bytes | None]] | None

Record = tuple[bytes | None, bytes | None, int, int, int, Headers]
"""Key, value, timestamp (epoch ms), partition, offset, headers."""

EmitCallback = Callable[[str, bytes | None, bytes | None, int, Headers], None]
"""Takes an output record: topic, key, value, timestamp, headers."""

RowCallback = Callable[[Key | None, Row | None, int, tuple[int, int] | None], None]
"""Takes a result row: key, value columns (None: deleted), timestamp, window start and end."""

ChangelogCallback = Callable[[str, Encode, Place, Row | None, int], None]
"""Takes a change of a store: the store's name, then what a `Changelog` takes."""


class RecordFunctionCall(Protocol):
    """A compiled record function."""

    def __call__(self, records: Iterable[Record]) -> None: ...


@dataclass(frozen=True, slots=True)
class TaskOutputs:
    """Where a task's results, problems and changes of state go."""

    emit: EmitCallback
    log: LogCallback
    changelog: ChangelogCallback | None = None
    on_row: RowCallback | None = None


class TaskContext:
    """What the bindings of generated code are made from; stores are made when they are first asked for."""

    def __init__(self, specs: Mapping[str, StoreSpec], outputs: TaskOutputs) -> None:
        self._specs = specs
        self._outputs = outputs
        self.stores: dict[str, Store] = {}

    @property
    def emit(self) -> EmitCallback:
        """Where output records go."""
        return self._outputs.emit

    def on_row(self, key: Key | None, row: Row | None, timestamp: int, window: tuple[int, int] | None) -> None:
        """Hands on a result row, if anybody wants it."""
        if self._outputs.on_row is not None:
            self._outputs.on_row(key, row, timestamp, window)

    def reporter(self, topic: str) -> Reporter:
        """What tells of problems with records of a topic."""
        return Reporter(topic, self._outputs.log)

    def store(self, name: str) -> Store:
        """The task's store of that name."""
        found = self.stores.get(name)
        if found is None:
            spec, write = self._specs[name], self._outputs.changelog
            changelog = partial(write, name) if write is not None and spec.changelog else None
            found = self.stores[name] = new_store(spec, changelog)
        return found

    def key_value_store(self, name: str) -> KeyValueStore:
        """A store declared as key-value store."""
        return cast(KeyValueStore, self.store(name))

    def window_store(self, name: str) -> WindowStore:
        """A store declared as window store."""
        return cast(WindowStore, self.store(name))

    def session_store(self, name: str) -> SessionStore:
        """A store declared as session store."""
        return cast(SessionStore, self.store(name))

    def join_buffer(self, name: str) -> JoinBuffer:
        """A store declared as buffer."""
        return cast(JoinBuffer, self.store(name))


class Task:
    """Processes the records of one partition. Not thread-safe, but for look-ups, which may come from other threads."""

    def __init__(
        self,
        functions: Sequence[RecordFunction],
        bindings: Mapping[str, Binding],
        namespace: Mapping[str, object],
        context: TaskContext,
        materialization: Materialization | None,
    ) -> None:
        self._context = context
        self._namespace = {**namespace, "emit": context.emit, "on_row": context.on_row}
        names = {name for function in functions for name in function.globals}
        for name in sorted(names & bindings.keys()):
            for store in bindings[name].stores:
                context.store(store)
            self._namespace[name] = bindings[name].make(context)
        self._functions: dict[str, list[RecordFunctionCall]] = {}
        for function in functions:
            self._functions.setdefault(function.topic, []).append(self._made(function.name, function.code))
        self._materialization = materialization if self._holds(materialization) else None

    def _made(self, name: str, code: CodeType) -> RecordFunctionCall:
        exec(code, self._namespace)  # noqa: S102 - code that the topology generated
        return cast(RecordFunctionCall, self._namespace[name])

    def _holds(self, materialization: Materialization | None) -> bool:
        return materialization is not None and materialization.store in self._context.stores

    def process(self, topic: str, records: Iterable[Record]) -> None:
        """Processes records of one topic in order; problems with single records go to the log.

        Raises:
            RegistryUnavailable: a schema could not be had; the records may be given again.
        """
        functions = self._functions[topic]
        if len(functions) == 1:
            functions[0](records)
            return
        for record in records:
            for function in functions:
                function((record,))

    # --- state

    @property
    def stream_time(self) -> int:
        """The highest event time in its stores (epoch ms), -1 before the first."""
        return max((store.stream_time for store in self._context.stores.values()), default=-1)

    def stores(self) -> Mapping[str, Store]:
        """Its stores by name."""
        return dict(self._context.stores)

    def changelogged(self) -> tuple[str, ...]:
        """Names of the stores that are to be restored before the first record is processed."""
        return tuple(sorted(self._context.stores))

    def restore(self, store: str, key: bytes, value: bytes | None, timestamp: int) -> None:
        """Takes a changelog record back into a store; `timestamp` is the record's, which the value has too.

        Raises:
            StateError: the record is not one of this engine's.
        """
        del timestamp
        self._context.stores[store].restore(key, value)

    # --- look-ups

    def lookup(self, key: Key) -> list[MaterializedRow]:
        """The rows of a key: at most one, or one per window by start. Empty where this task holds no results."""
        found = self._materialization
        if found is None:
            return []
        identity = freeze_key(key) or ()
        if found.keyed_by_window:
            return [row for row in self.scan() if row.key == key]
        return list(self._shown(found, self._entries_of(found, identity)))

    def scan(self) -> Iterator[MaterializedRow]:
        """All rows, oldest key first. Empty where this task holds no results."""
        if self._materialization is not None:
            yield from self._shown(self._materialization, self._all_entries(self._materialization))

    def _entries_of(self, found: Materialization, identity: Key) -> Iterator[tuple[Key, tuple[int, int] | None, Entry]]:
        match found.kind:
            case StoreKind.WINDOW:
                size = found.window_size_ms or 0
                for start, entry in self._context.window_store(found.store).windows(identity):
                    yield identity, (start, start + size), entry
            case StoreKind.SESSION:
                sessions = self._context.session_store(found.store).find(identity, -1, 1 << 63)
                yield from ((identity, (start, end), entry) for start, end, entry in sessions)
            case _:
                entry_found = self._context.key_value_store(found.store).get(identity)
                if entry_found is not None:
                    yield identity, None, entry_found

    def _all_entries(self, found: Materialization) -> Iterator[tuple[Key, tuple[int, int] | None, Entry]]:
        match found.kind:
            case StoreKind.WINDOW:
                size = found.window_size_ms or 0
                for start, key, entry in self._context.window_store(found.store).between(-1, 1 << 63):
                    yield key, (start, start + size), entry
            case StoreKind.SESSION:
                for start, end, key, entry in self._context.session_store(found.store).sessions():
                    yield key, (start, end), entry
            case _:
                for key, entry in self._context.key_value_store(found.store).entries():
                    yield (key[:-2], (key[-2], key[-1]), entry) if found.keyed_by_window else (key, None, entry)

    def _shown(
        self, found: Materialization, entries: Iterator[tuple[Key, tuple[int, int] | None, Entry]]
    ) -> Iterator[MaterializedRow]:
        steps = [cast(Callable[[Key, Row], Row | None], self._namespace[name]) for name in found.steps]
        for identity, window, (stored, timestamp) in entries:
            key = thaw_key(identity)
            row: Row | None = stored if found.result is None else found.result(stored)
            if found.result is not None and window is not None and row is not None:
                row = (*row, *window)
            for step in steps:
                row = step(key, row) if row is not None else None
            if row is not None:
                yield MaterializedRow(key, row, timestamp, window)
