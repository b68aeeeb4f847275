"""Query results on the wire: ksqlDB's three forms, as chunks of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from bifrost.engine.queries.printing import PrintQuery
from bifrost.engine.queries.pull import PullResult
from bifrost.engine.queries.push import PushQuery
from bifrost.engine.queries.rows import ResultHeader, ResultRow, RowBuffer, Tombstone
from bifrost.server.rows import RowEncoder, row_encoder

V1 = "application/vnd.ksql.v1+json"
JSON = "application/json"
DELIMITED = "application/vnd.ksqlapi.delimited.v1"

# A write is the only way to notice that the client of PRINT has disconnected.
_PRINT_HEARTBEAT_S = 0.5
_HEARTBEAT_S = 1.0
"""As ksqlDB, an idle push query of /query sends an empty line, so that no client waits longer than this for a byte."""


class ResultForm(Protocol):
    """The form of a result: whole, or as header, rows and end."""

    media_type: str
    heartbeat_s: float | None
    """Seconds without a row after which an empty line is sent; None: the form has no place for one."""

    def whole(self, header: ResultHeader, rows: Sequence[bytes]) -> bytes:
        """A whole result; each of `rows` is its JSON array."""

    def header(self, header: ResultHeader) -> bytes:
        """The bytes before the rows."""

    def row(self, row: bytes, *, is_tombstone: bool) -> bytes:
        """One row; `row` is its JSON array."""

    def end(self, message: str) -> bytes:
        """The bytes after the rows; `message` says why the query ended."""

    def failure(self, message: str) -> bytes:
        """An error after the header was sent."""


@dataclass(slots=True)
class RowObjects:
    """The old form of /query: an array of objects, one per line."""

    media_type: str = V1
    heartbeat_s: float | None = _HEARTBEAT_S
    for_line_readers: bool = False
    """Whether a pull query's result ends with a line break: old clients, which send no Accept, read line by line."""

    def whole(self, header: ResultHeader, rows: Sequence[bytes]) -> bytes:
        """See `ResultForm`."""
        entries = [_header_entry(header), *(b'{"row":{"columns":' + row + b"}}" for row in rows)]
        return b"[" + b",\n".join(entries) + (b"]\n" if self.for_line_readers else b"]")

    def header(self, header: ResultHeader) -> bytes:
        """`[{"header": ...},`."""
        return b"[" + _header_entry(header) + b",\n"

    def row(self, row: bytes, *, is_tombstone: bool) -> bytes:
        """`{"row": ...},`."""
        return b'{"row":{"columns":' + row + (b',"tombstone":true}},\n' if is_tombstone else b"}},\n")

    def end(self, message: str) -> bytes:
        """`{"finalMessage": ...}]` and a line break, which clients that read line by line wait for."""
        return orjson.dumps({"finalMessage": message}) + b"]\n"

    def failure(self, message: str) -> bytes:
        """`{"errorMessage": ...}]`."""
        return b'{"errorMessage":' + _error_object(message) + b"}]\n"


@dataclass(slots=True)
class RowArrays:
    """A JSON array: the header object, then an array per row."""

    media_type: str = JSON
    heartbeat_s: float | None = None

    def whole(self, header: ResultHeader, rows: Sequence[bytes]) -> bytes:
        """See `ResultForm`."""
        return b"[" + b",".join([_header_object(header), *rows]) + b"]"

    def header(self, header: ResultHeader) -> bytes:
        """`[` and the header object."""
        return b"[" + _header_object(header)

    def row(self, row: bytes, *, is_tombstone: bool) -> bytes:
        """`,` and the row."""
        return b"," + row

    def end(self, message: str) -> bytes:
        """`]`."""
        return b"]"

    def failure(self, message: str) -> bytes:
        """An error object and `]`."""
        return b"," + _error_object(message) + b"]"


@dataclass(slots=True)
class RowLines:
    """One JSON value per line: the header object, then an array per row."""

    media_type: str = DELIMITED
    heartbeat_s: float | None = None

    def whole(self, header: ResultHeader, rows: Sequence[bytes]) -> bytes:
        """See `ResultForm`."""
        return b"\n".join([_header_object(header), *rows, b""])

    def header(self, header: ResultHeader) -> bytes:
        """The header object and a line break."""
        return _header_object(header) + b"\n"

    def row(self, row: bytes, *, is_tombstone: bool) -> bytes:
        """The row and a line break."""
        return row + b"\n"

    def end(self, message: str) -> bytes:
        """Nothing."""
        return b""

    def failure(self, message: str) -> bytes:
        """An error object on a line."""
        return _error_object(message) + b"\n"


def _header_entry(header: ResultHeader) -> bytes:
    return orjson.dumps({"header": {"queryId": header.query_id, "schema": str(header)}})


def _header_object(header: ResultHeader) -> bytes:
    names = [column.name for column in header.columns]
    types = [str(column.type) for column in header.columns]
    return orjson.dumps({"queryId": header.query_id, "columnNames": names, "columnTypes": types})


def _error_object(message: str) -> bytes:
    return orjson.dumps({"@type": "generic_error", "error_code": 50000, "message": message})


def form_for(accept: str, default: ResultForm) -> ResultForm:
    """The form that an Accept header names, else the default."""
    if DELIMITED in accept:
        return RowLines()
    if V1 in accept:
        return RowObjects()
    return default


def pull_body(result: PullResult, form: ResultForm) -> bytes:
    """The response body of a pull query."""
    encode = row_encoder(result.header.columns)
    return form.whole(result.header, [encode(row) for row in result.rows])


async def push_chunks(query: PushQuery, form: ResultForm) -> AsyncIterator[bytes]:
    """The chunks of a push query; stops the query when the client disconnects."""
    encode = row_encoder(query.header.columns)
    ready = _signal(query.rows)
    try:
        yield form.header(query.header)
        while True:
            # Read this before taking rows: rows that arrive between the two lines would be lost at the end
            # otherwise.
            closed = query.rows.closed
            rows = query.rows.take()
            if rows:
                yield _joined(rows, encode, form)
            elif closed:
                break
            elif not await _is_ready(ready, form.heartbeat_s):
                yield b"\n"
        yield form.end(query.end_message) if query.failure is None else form.failure(query.failure)
    finally:
        query.finish()


def _joined(rows: Sequence[ResultRow], encode: RowEncoder, form: ResultForm) -> bytes:
    return b"".join([form.row(encode(tuple(row)), is_tombstone=isinstance(row, Tombstone)) for row in rows])


async def print_chunks(query: PrintQuery) -> AsyncIterator[bytes]:
    """The chunks of PRINT: lines of text, and an empty line while there is none."""
    ready = _signal(query.rows)
    query.start()
    try:
        while True:
            # Before taking rows, as in `push_chunks`.
            closed = query.rows.closed
            rows = query.rows.take()
            if rows:
                yield "".join(line for (line,) in rows).encode()
            elif closed:
                break
            elif not await _is_ready(ready, _PRINT_HEARTBEAT_S):
                yield b"\n"
    finally:
        query.finish()


def _signal(rows: RowBuffer) -> asyncio.Event:
    """An event of the running loop that the query's thread sets when rows are ready or the query has ended."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # The query's thread may outlive the loop when the server stops.
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)

    rows.on_ready = wake
    # Rows may have arrived before the callback was set.
    event.set()
    return event


async def _is_ready(event: asyncio.Event, timeout_s: float | None) -> bool:
    """Waits for the event and clears it; False after `timeout_s` without it (None: no limit)."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
