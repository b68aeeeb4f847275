"""A task: one partition of a sub-topology, with its own stores and its own instance of the generated functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Protocol, cast

from bifrost.engine.serde import Decoder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import Store
from bifrost.engine.topology.code.program import Binding, FlushFunction, RecordFunction
from bifrost.engine.topology.lookup import Materialization, MaterializedRow, TableLookup
from bifrost.engine.topology.task_context import InputRecord, TaskContext
from bifrost.errors import StateError


class RecordFunctionCall(Protocol):
    """A compiled record function."""

    def __call__(self, records: Iterable[InputRecord]) -> None: ...


class Task:
    """Processes the records of one partition. Only look-ups may run on other threads."""

    def __init__(
        self,
        functions: Sequence[RecordFunction],
        flushes: Sequence[FlushFunction],
        bindings: Mapping[str, Binding],
        namespace: Mapping[str, object],
        context: TaskContext,
        materialization: Materialization | None,
    ) -> None:
        self._context = context
        self._namespace = {**namespace, "emit": context.emit, "on_row": context.on_row}
        # Only what this task's functions use is created, in the same order in every task.
        names = frozenset[str]().union(*(code.globals for code in functions), *(code.globals for code in flushes))
        for name in sorted(names & bindings.keys()):
            for store in bindings[name].stores:
                context.store(store)
            self._namespace[name] = bindings[name].make(context)
        self._readers: dict[str, object] = {}
        self._functions: dict[str, list[RecordFunctionCall]] = {}
        for function in functions:
            made = cast(RecordFunctionCall, self._made(function.name, function.code))
            self._functions.setdefault(function.topic, []).append(made)
        self._flushes = [cast(Callable[[], None], self._made(flush.name, flush.code)) for flush in flushes]
        self._lookup: TableLookup | None = None
        if materialization is not None and materialization.store in context.stores:
            self._lookup = TableLookup(materialization, context, self._namespace)

    def _made(self, name: str, code: CodeType) -> object:
        exec(code, self._namespace)  # noqa: S102 - code that the topology generated
        return self._namespace[name]

    def process(self, topic: str, records: Iterable[InputRecord]) -> None:
        """Processes records of one topic in order; reports problems with single records to the log.

        Raises:
            RegistryUnavailable: a schema could not be read; the record may be processed again.
        """
        functions = self._functions[topic]
        if len(functions) == 1:
            functions[0](records)
            return
        # Several functions of one topic: each record passes through all of them before the next one, so that both sides
        # of a join over one topic see the records in the same order.
        for record in records:
            for function in functions:
                function((record,))

    def use_reader(self, name: str, read: Decoder | None) -> None:
        """Lets the generated code decode with another function under this name, or (None) with its own again."""
        own = self._readers.setdefault(name, self._namespace[name])
        self._namespace[name] = own if read is None else read

    def flush(self) -> None:
        """Emits the results that are buffered; a run calls it before each commit."""
        for flush in self._flushes:
            flush()

    # --- state

    @property
    def stream_time(self) -> int:
        """The highest event time in its stores (epoch ms), -1 before the first."""
        return max((store.stream_time for store in self._context.stores.values()), default=-1)

    def stores(self) -> Mapping[str, Store]:
        """Returns its stores by name."""
        return dict(self._context.stores)

    def changelogged(self) -> tuple[str, ...]:
        """Returns the names of the stores to be restored before the first record is processed."""
        return tuple(sorted(self._context.stores))

    def restore(self, store: str, key: bytes, value: bytes | None) -> None:
        """Applies a changelog record to a store.

        Raises:
            StateError: the record was not written by this engine.
        """
        try:
            self._context.stores[store].restore(key, value)
        except (TypeError, ValueError, LookupError) as error:
            raise StateError(
                f"the changelog of store {store} has a record that is not this engine's ({error}); "
                "delete the query's internal topics to rebuild its state"
            ) from error

    # --- look-ups

    def lookup(self, key: Key) -> list[MaterializedRow]:
        """Returns the rows of a key: at most one, or one per window by start; none if this task holds no results."""
        return self._lookup.rows_of(key) if self._lookup is not None else []

    def scan(self) -> Iterator[MaterializedRow]:
        """Returns all rows, in any order; none if this task holds no results."""
        return self._lookup.rows() if self._lookup is not None else iter(())
