"""Hypercorn with what ksqlDB's clients need beyond it: early answers, one row per HTTP/2 frame, reason phrases.

Hypercorn 0.18 raises KeyError for a DATA frame of a stream that was answered already, which ends the connection with
every push query on it. It also joins what an application sends into frames of any size, while JavaScript clients parse
a frame as one row, and sends no reason phrase over HTTP/1.1, which some Python clients refuse.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import urlsplit

import h2.events
import h2.exceptions
import h11
import hypercorn.protocol
import hypercorn.protocol.h2
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio import serve
from hypercorn.config import Config as HypercornConfig
from hypercorn.events import Event, RawData
from hypercorn.protocol.h2 import H2Protocol, StreamBuffer
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import H11SendableEvent
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bifrost.server.quick_requests import (
    NoQuickRequest,
    QuickCheck,
    QuickRequest,
    never_quick,
    quick_answer,
    read_request,
)

__all__ = ["Config", "adapted", "serve"]


class Config(HypercornConfig):
    """Hypercorn's configuration, and which requests are answered without its queues and tasks."""

    is_quick: QuickCheck = staticmethod(never_quick)


class LineBuffer(StreamBuffer):
    """What a stream has yet to send; taken line by line, so that a row is a frame."""

    async def pop(self, max_length: int) -> bytes:
        """At most `max_length` bytes, up to the end of the first line."""
        end = self.buffer.find(b"\n", 0, max_length)
        data: bytes = await super().pop(end + 1 if end >= 0 else max_length)
        return data


class Http2(H2Protocol):
    """HTTP/2 that keeps the connection when a request is answered while its body still arrives."""

    async def _handle_events(self, events: list[h2.events.Event]) -> None:
        for event in events:
            if isinstance(event, h2.events.DataReceived) and event.stream_id not in self.streams:
                self._discard(event)
                await self._flush()
            else:
                await super()._handle_events([event])

    def _discard(self, event: h2.events.DataReceived) -> None:
        """Drops the rest of an answered request's body. The connection's flow control window has to be returned."""
        try:
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        except h2.exceptions.ProtocolError:
            # The client has reset the stream or closed the connection in between.
            return


class Http1(H11Protocol):
    """HTTP/1.1 with reason phrases (`HTTP/1.1 200 OK`), and with quick answers to look-ups by key."""

    _held = b""
    """The beginning of a request that may be quick once it is complete."""
    _unhurried_at: float | None = None
    """When Hypercorn last handled a request: its timer of idle connections does not see quick ones."""

    async def handle(self, event: Event) -> None:
        """Handles bytes of the connection, or its end."""
        if isinstance(event, RawData) and self._may_be_quick():
            data, self._held = self._held + event.data, b""
            read = read_request(data)
            if isinstance(read, QuickRequest) and self._is_quick(read):
                await self._answer(read)
                return
            if read is NoQuickRequest.INCOMPLETE:
                self._held = data
                return
            event = RawData(data)
        self._unhurried_at = None
        await super().handle(event)

    def _may_be_quick(self) -> bool:
        """Whether the connection waits for a request."""
        connection, now = self.connection, asyncio.get_running_loop().time()
        self._unhurried_at = self._unhurried_at or now
        return (
            self.stream is None
            and isinstance(connection, h11.Connection)
            and connection.our_state is h11.IDLE
            and connection.their_state is h11.IDLE
            and not connection.trailing_data[0]
            and self.keep_alive_requests < self.config.keep_alive_max_requests
            and now - self._unhurried_at < self.config.keep_alive_timeout / 2
            and not self.context.terminated.is_set()
        )

    def _is_quick(self, request: QuickRequest) -> bool:
        assert isinstance(self.config, Config)
        path = request.target.partition(b"?")[0].decode("ascii", "replace")
        return self.config.is_quick(path, request.body)

    async def _answer(self, request: QuickRequest) -> None:
        assert isinstance(self.app, ASGIWrapper)
        scope = {
            "scheme": "https" if self.ssl else "http",
            "root_path": self.config.root_path,
            "client": self.client,
            "server": self.server,
            "state": self.connection_state.copy(),
        }
        self.keep_alive_requests += 1
        answer, problem = await quick_answer(self.app.app, request, scope, self.config.response_headers("h11"))  # type: ignore[arg-type]
        await self.send(RawData(answer))
        if problem is not None:
            await self.config.log.exception("Error in ASGI Framework", exc_info=problem)

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        if isinstance(event, h11.Response) and not event.reason:
            reason = HTTPStatus(event.status_code).phrase.encode()
            event = h11.Response(status_code=event.status_code, headers=list(event.headers), reason=reason)
        await super()._send_h11_event(event)


def adapted(app: ASGIApp) -> ASGIApp:
    """The application as it is served: for requests of any form, with their bodies read to the end."""
    return DrainedRequests(AbsoluteTargets(app))


class AbsoluteTargets:
    """ASGI middleware: accepts a whole URL as the target of a request, as HTTP demands and some clients send it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; other kinds of connection pass unchanged."""
        if scope["type"] == "http" and scope["path"].startswith(("http://", "https://")):
            path = urlsplit(scope["path"]).path or "/"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


class DrainedRequests:
    """ASGI middleware: reads what an application leaves unread of a request's body, and discards it.

    Hypercorn hands a body over through a queue of ten chunks. An application that answers without reading would leave
    it full, and the connection waiting for room in it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; other kinds of connection pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_read = False
        drain: asyncio.Task[None] | None = None

        async def reading() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or not (message["type"] == "http.request" and message.get("more_body", False))
            return message

        async def sending(message: Message) -> None:
            nonlocal drain
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if is_last and not is_read:
                drain = asyncio.create_task(_discard_body(receive))
                if scope["http_version"].startswith("1"):
                    # Hypercorn closes the connection after an answer that overtakes its request; the client would
                    # lose the answer.
                    await drain
            await send(message)

        await self._app(scope, reading, sending)
        if drain is not None:
            await drain


async def _discard_body(receive: Receive) -> None:
    # Hypercorn sends http.disconnect once the answer is complete, so this ends even if the client stops sending.
    while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
        pass


# Hypercorn looks its protocols up by these names and offers no other way to replace them.
hypercorn.protocol.H2Protocol = Http2  # type: ignore[attr-defined]
hypercorn.protocol.H11Protocol = Http1  # type: ignore[attr-defined]
hypercorn.protocol.h2.StreamBuffer = LineBuffer  # type: ignore[misc]
