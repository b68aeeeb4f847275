"""Decodes each key and value of a batch once for all queries of the scan that read it.

The generated code of each query calls a reader by name. While two queries or more read a topic with the same format and
columns, that reader is a look-up in a dictionary of decoded rows, with the columns that any of them needs. A query
alone keeps its own reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.serde import Decoder, RegistryUnavailable, SerdeError
from bifrost.engine.state.frozen import is_plain
from bifrost.engine.topology.compiled import InputRecord, PartReader


class _Rows(dict[bytes | None, object]):
    """Decoded rows by their bytes."""

    def __init__(self, read: Decoder) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, data: bytes | None) -> object:
        return self.read(data)


class _SharedPart:
    """The keys or values of a topic, and the queries that read them alike."""

    def __init__(self, reader: PartReader) -> None:
        self._reader = reader
        self._users: dict[QueryRun, dict[str, frozenset[str] | None]] = {}
        self._rows: _Rows | None = None
        self._is_shared = False

    def add(self, run: QueryRun, name: str, needed: frozenset[str] | None) -> None:
        self._users.setdefault(run, {})[name] = needed
        self._renew()

    def remove(self, run: QueryRun) -> bool:
        """Gives a query its own reader back; returns whether no query is left."""
        if run in self._users:
            self._switch({run: self._users.pop(run)}, None)
            self._renew()
        return not self._users

    def _renew(self) -> None:
        # Other columns may be needed now.
        self._share(None)
        self._rows = None

    def _share(self, rows: _Rows | None) -> None:
        if (rows is not None) is not self._is_shared:
            self._is_shared = rows is not None
            self._switch(self._users, None if rows is None else rows.__getitem__)

    @staticmethod
    def _switch(users: Mapping[QueryRun, Iterable[str]], read: object) -> None:
        for run, names in users.items():
            for name in names:
                run.use_reader(name, read)  # type: ignore[arg-type]  # rows are what a decoder returns

    def decode(self, records: Iterable[InputRecord]) -> None:
        """Decodes the records of a batch; unless all can be decoded, each query decodes them for itself."""
        if len(self._users) < 2:
            return
        if self._rows is None:
            needs = [needed for names in self._users.values() for needed in names.values()]
            union = None if None in needs else frozenset[str]().union(*(needed or () for needed in needs))
            self._rows = _Rows(self._reader.serdes.decoder(self._reader.part, union))
        rows, index = self._rows, 0 if self._reader.part.is_key else 1
        try:
            for record in records:
                data: bytes | None = record[index]  # type: ignore[assignment]  # the index is that of bytes
                if data not in rows:
                    rows[data] = rows.read(data)
        except (SerdeError, RegistryUnavailable):
            # A query may not need the column that is to blame.
            self._share(None)
        else:
            self._share(rows)

    def forget(self) -> None:
        """Drops the rows of a batch."""
        if self._rows is not None:
            self._rows.clear()


class SharedDecode:
    """The decoding of one scan; its thread alone uses it."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[str, _SharedPart]] = {}

    def add(self, run: QueryRun) -> None:
        """Adds a query that has joined the scan."""
        for name, reader in run.readers.items():
            # Other values could be changed by one query under the eyes of another.
            if all(is_plain(column.type) for column in reader.part.columns):
                parts = self._parts.setdefault(reader.part.topic, {})
                kind = repr(reader.part)
                if kind not in parts:
                    parts[kind] = _SharedPart(reader)
                parts[kind].add(run, name, reader.needed)

    def remove(self, run: QueryRun) -> None:
        """Removes a query that leaves the scan."""
        for topic in {reader.part.topic for reader in run.readers.values()}:
            parts = self._parts.get(topic, {})
            for kind in [kind for kind, part in parts.items() if part.remove(run)]:
                del parts[kind]

    def decode(self, records: Mapping[PartitionId, Iterable[InputRecord]]) -> None:
        """Decodes the records of a batch that several queries read alike."""
        by_topic: dict[str, list[InputRecord]] = {}
        for (topic, _), some in records.items():
            if topic in self._parts:
                by_topic.setdefault(topic, []).extend(some)
        for topic, found in by_topic.items():
            for part in self._parts[topic].values():
                part.decode(found)

    def forget(self) -> None:
        """Drops the rows of the last batch."""
        for parts in self._parts.values():
            for part in parts.values():
                part.forget()
