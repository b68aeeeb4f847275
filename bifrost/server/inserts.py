"""/inserts-stream: rows in and acknowledgements out over one HTTP/2 stream, at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.engine import KsqlEngine
from bifrost.errors import BifrostError
from bifrost.server.answers import problem_response, refuse
from bifrost.server.bodies import BadRequest, parse_body
from bifrost.server.problems import BAD_REQUEST, BAD_STATEMENT, HTTP2_ONLY, generic
from bifrost.server.streaming import DELIMITED, JSON

# The number is that of no row, so it acknowledges nothing.
# Wakes the acknowledging task: more rows may be ready to acknowledge.
_WAKE_UP = (-1, None)


class InsertsStream:
    """The endpoint as an ASGI application, which can read and write at the same time."""

    def __init__(self, engine: KsqlEngine) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if not scope["http_version"].startswith("2"):
            message = "This endpoint is only available when using HTTP2"
            await refuse(generic(400, HTTP2_ONLY, message), scope, receive, send)
            return
        chunks = _chunks(receive)
        # The first line names the target; rows may follow in the same chunk.
        first, *rows = await anext(chunks, [b""])
        try:
            arguments = parse_body(first, "target")
            target = self._engine.insert_target(arguments["target"])
        except BadRequest as error:
            await problem_response(error.problem)(scope, receive, send)
        except BifrostError as error:
            await problem_response(generic(400, BAD_STATEMENT, str(error)))(scope, receive, send)
        else:
            as_lines = JSON not in Headers(scope=scope).get("accept", "")
            await _RowExchange(self._engine, target, send, as_lines=as_lines).run(rows, chunks)


class _RowExchange:
    """The rows of one request and their acknowledgements."""

    def __init__(self, engine: KsqlEngine, target: DataSource, send: Send, *, as_lines: bool) -> None:
        self._engine = engine
        self._target = target
        self._send = send
        self._as_lines = as_lines
        self._loop = asyncio.get_running_loop()
        self._outcomes: asyncio.Queue[tuple[int, BifrostError | None]] = asyncio.Queue()
        self._sent = 0
        self._cleared = 0
        self._reading = True

    async def run(self, rows: list[bytes], chunks: AsyncIterator[list[bytes]]) -> None:
        """Writes rows and acknowledges them until the request ends or a row is wrong."""
        await self._start()
        reader = asyncio.create_task(self._read(rows, chunks))
        try:
            await self._acknowledge()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        await self._send({"type": "http.response.body", "body": b"" if self._as_lines else b"]"})

    async def _start(self) -> None:
        media_type = DELIMITED if self._as_lines else JSON
        headers = [(b"content-type", media_type.encode())]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        if not self._as_lines:
            await self._write(b"[")

    async def _read(self, rows: list[bytes], chunks: AsyncIterator[list[bytes]]) -> None:
        try:
            await self._insert(rows)
            async for following in chunks:
                await self._insert(following)
        finally:
            self._reading = False
            self._outcomes.put_nowait(_WAKE_UP)

    async def _insert(self, rows: list[bytes]) -> None:
        """Queues rows that arrived together. As ksqlDB, reports a wrong one before acknowledging the others."""
        for row in rows:
            number, self._sent = self._sent, self._sent + 1
            try:
                on_delivery = partial(self._from_writer, number)
                # On a thread: encoding may wait for Schema Registry.
                await asyncio.to_thread(self._engine.insert, self._target, orjson.loads(row), on_delivery)
            except (BifrostError, orjson.JSONDecodeError) as error:
                problem = error if isinstance(error, BifrostError) else BifrostError(f"Invalid JSON: {error}")
                self._outcomes.put_nowait((number, problem))
        self._cleared = self._sent
        self._outcomes.put_nowait(_WAKE_UP)

    def _from_writer(self, number: int, error: BifrostError | None) -> None:
        # The producer calls this on its own thread, where an asyncio queue must not be touched.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._outcomes.put_nowait, (number, error))

    async def _acknowledge(self) -> None:
        """Acknowledges rows in their order. As ksqlDB, an error is sent immediately and ends the exchange."""
        done: set[int] = set()
        following = 0
        while self._reading or following < self._sent:
            number, error = await self._outcomes.get()
            if error is not None:
                await self._write(self._entry(_failure(number, error), first=not following))
                return
            done.add(number)
            entries = []
            # The broker may acknowledge rows of different partitions in another order than that of the request.
            while following in done and following < self._cleared:
                entries.append(self._entry({"seq": following, "status": "ok"}, first=not following))
                following += 1
            if entries:
                await self._write(b"".join(entries))

    def _entry(self, entry: dict[str, object], *, first: bool) -> bytes:
        text = orjson.dumps(entry)
        if self._as_lines:
            return text + b"\n"
        return text if first else b"," + text

    async def _write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})


def _failure(number: int, error: BifrostError) -> dict[str, object]:
    return {
        "@type": "InsertError",
        "status": "error",
        "seq": number,
        "message": str(error),
        "error_code": BAD_REQUEST,
    }


async def _chunks(receive: Receive) -> AsyncIterator[list[bytes]]:
    """The lines of a request's body without empty ones, grouped as they arrive."""
    rest, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        more = message.get("more_body", False)
        *lines, rest = (rest + message.get("body", b"")).split(b"\n")
        found = [line for line in lines if line.strip()]
        if not more and rest.strip():
            found.append(rest)
        if found:
            yield found
