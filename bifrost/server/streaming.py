"""Query results on the wire: ksqlDB's three forms, as byte chunks that follow the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from bifrost.engine.queries.pull import PullResult
from bifrost.engine.queries.push import PushQuery
from bifrost.engine.queries.rows import ResultHeader, RowBuffer
from bifrost.server.rows import RowEncoder, row_encoder

V1 = "application/vnd.ksql.v1+json"
JSON = "application/json"
DELIMITED = "application/vnd.ksqlapi.delimited.v1"
_HEARTBEAT_S = 1.0


class ResultForm(Protocol):
    """How header, rows and end of a result are written."""

    media_type: str
    heartbeat: bytes

    def header(self, header: ResultHeader) -> bytes:
        """What stands before the rows."""

    def row(self, row: bytes) -> bytes:
        """One row; `row` is its JSON array."""

    def end(self, message: str | None) -> bytes:
        """What stands behind the rows; `message` says why a push query ended."""


@dataclass(slots=True)
class RowObjects:
    """The old form of /query: an array of objects, one a line."""

    media_type: str = V1
    heartbeat: bytes = b"\n"

    def header(self, header: ResultHeader) -> bytes:
        """`[{"header": ...}`."""
        return b"[" + orjson.dumps({"header": {"queryId": header.query_id, "schema": str(header)}})

    def row(self, row: bytes) -> bytes:
        """`{"row": ...}` on a line of its own."""
        return b',\n{"row":{"columns":' + row + b"}}"

    def end(self, message: str | None) -> bytes:
        """`{"finalMessage": ...}]`."""
        return b"]" if message is None else b",\n" + orjson.dumps({"finalMessage": message}) + b"]"


@dataclass(slots=True)
class RowArrays:
    """A JSON array: the header object, then an array a row."""

    media_type: str = JSON
    heartbeat: bytes = b""

    def header(self, header: ResultHeader) -> bytes:
        """`[` and the header object."""
        return b"[" + _header_object(header)

    def row(self, row: bytes) -> bytes:
        """`,` and the row."""
        return b"," + row

    def end(self, message: str | None) -> bytes:
        """`]`."""
        return b"]"


@dataclass(slots=True)
class RowLines:
    """One JSON value a line: the header object, then an array a row."""

    media_type: str = DELIMITED
    heartbeat: bytes = b""

    def header(self, header: ResultHeader) -> bytes:
        """The header object and a line's end."""
        return _header_object(header) + b"\n"

    def row(self, row: bytes) -> bytes:
        """The row and a line's end."""
        return row + b"\n"

    def end(self, message: str | None) -> bytes:
        """Nothing."""
        return b""


def _header_object(header: ResultHeader) -> bytes:
    names = [column.name for column in header.columns]
    types = [str(column.type) for column in header.columns]
    return orjson.dumps({"queryId": header.query_id, "columnNames": names, "columnTypes": types})


def form_for(accept: str, default: ResultForm) -> ResultForm:
    """The form that an Accept header asks for."""
    if DELIMITED in accept:
        return RowLines()
    if V1 in accept:
        return RowObjects()
    return default


async def pull_chunks(result: PullResult, form: ResultForm) -> AsyncIterator[bytes]:
    """The chunks of a pull query's answer."""
    encode = row_encoder(result.header.columns)
    rows = b"".join(form.row(encode(row)) for row in result.rows)
    yield form.header(result.header) + rows + form.end(None)


async def push_chunks(query: PushQuery, form: ResultForm) -> AsyncIterator[bytes]:
    """The chunks of a push query, as its rows come; ends the query when the reader goes away."""
    encode = row_encoder(query.header.columns)
    ready = _signal(query.rows)
    try:
        yield form.header(query.header)
        while True:
            closed = query.rows.closed
            rows = query.rows.take()
            if rows:
                yield _joined(rows, encode, form)
            elif closed:
                break
            elif not await _came(ready) and form.heartbeat:
                yield form.heartbeat
        yield form.end(query.end_message)
    finally:
        query.finish()


def _joined(rows: Sequence[Sequence[Any]], encode: RowEncoder, form: ResultForm) -> bytes:
    return b"".join(form.row(encode(row)) for row in rows)


def _signal(rows: RowBuffer) -> asyncio.Event:
    """An event of the running loop that the query's thread sets when there is something new."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)

    rows.on_ready = wake
    return event


async def _came(event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(_HEARTBEAT_S):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
