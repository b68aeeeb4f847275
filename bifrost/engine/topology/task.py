"""A task: one partition of a sub-topology, with its own stores and its own copy of the generated functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Protocol, cast

from bifrost.engine.state.frozen import Key, freeze_key, thaw_key
from bifrost.engine.state.stores import (
    Entry,
    Row,
    Store,
    StoreKind,
)
from bifrost.engine.topology.code.program import Binding, RecordFunction
from bifrost.engine.topology.materialization import Materialization, MaterializedRow
from bifrost.engine.topology.task_context import (
    Record,
    TaskContext,
)


class RecordFunctionCall(Protocol):
    """A compiled record function."""

    def __call__(self, records: Iterable[Record]) -> None: ...


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
