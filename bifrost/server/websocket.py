"""/ws/query: queries over a WebSocket, for old clients."""

from __future__ import annotations

import asyncio

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from bifrost.engine.engine import KsqlEngine
from bifrost.engine.queries.printing import PrintQuery
from bifrost.engine.queries.pull import PullResult
from bifrost.engine.queries.push import PushQuery
from bifrost.engine.queries.rows import ResultHeader
from bifrost.errors import BifrostError
from bifrost.server.bodies import BadRequest, parse_body, query_session_of
from bifrost.server.descriptions import type_info
from bifrost.server.problems import query_problem_of
from bifrost.server.rows import row_encoder
from bifrost.server.streaming import RowObjects, print_chunks, push_chunks

# Close codes of RFC 6455: normal closure, and data that cannot be accepted.
_NORMAL, _REFUSED = 1000, 1003


class QuerySocket:
    """Runs one query per connection: sends the columns, then a message per row."""

    def __init__(self, engine: KsqlEngine) -> None:
        self._engine = engine

    async def query(self, socket: WebSocket) -> None:
        """Handles one connection; the query is in its `request` parameter."""
        await socket.accept()
        text = socket.query_params.get("request", "")
        try:
            body = parse_body(text.encode(), "ksql")
            session = query_session_of(body, "streamsProperties")
            result = await run_in_threadpool(self._engine.query, body["ksql"], session)
        except BadRequest as error:
            await socket.close(_REFUSED, str(error)[:120])
        except BifrostError as error:
            await socket.send_text(orjson.dumps(query_problem_of(error, text).body).decode())
            await socket.close(_REFUSED, str(error)[:120])
        else:
            await self._answer(socket, result)

    async def _answer(self, socket: WebSocket, result: PushQuery | PullResult | PrintQuery) -> None:
        sending = asyncio.create_task(_send(socket, result))
        # Only a pending read notices that the client has closed the connection.
        closing = asyncio.create_task(_closed(socket))
        try:
            await asyncio.wait({sending, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, closing):
                task.cancel()
            await asyncio.gather(sending, closing, return_exceptions=True)


async def _send(socket: WebSocket, result: PushQuery | PullResult | PrintQuery) -> None:
    match result:
        case PrintQuery():
            async for chunk in print_chunks(result):
                await socket.send_text(chunk.decode())
        case PullResult():
            await socket.send_text(_columns(result.header))
            encode = row_encoder(result.header.columns)
            for row in result.rows:
                await socket.send_text('{"row":{"columns":' + encode(row).decode() + "}}")
        case PushQuery():
            form = RowObjects()
            async for chunk in push_chunks(result, form):
                for line in chunk.decode().splitlines():
                    # Over a WebSocket the header has another form, and there is no final message.
                    if line.startswith('{"row"'):
                        await socket.send_text(line.rstrip(","))
                    elif line.startswith("["):
                        await socket.send_text(_columns(result.header))
    await socket.close(_NORMAL, "done")


def _columns(header: ResultHeader) -> str:
    return orjson.dumps([{"name": column.name, "schema": type_info(column.type)} for column in header.columns]).decode()


async def _closed(socket: WebSocket) -> None:
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        return
