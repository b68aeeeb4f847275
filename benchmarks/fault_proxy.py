"""An HTTP proxy in front of a REST API that answers with errors, drops, delays and half answers, by a seeded chance."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Self
from urllib.parse import urlsplit

LONGEST_DELAY_S = 0.5
TIMEOUT_S = 120.0
_BODY = b'{"error_code":%d,"message":"%s"}'
_WORDS = {
    409: b"Cannot complete request momentarily due to a rebalance",
    500: b"Internal Server Error",
    503: b"Service is starting",
}


class HttpFault(Enum):
    """What the proxy does to a request. `LOST_*` carry the request out and lose its answer."""

    CONFLICT = "409"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    DROP = "connection closed"
    DELAY = "answer late"
    HALF_ANSWER = "half an answer"
    LOST_ANSWER = "carried out, connection closed"
    LOST_IN_500 = "carried out, answered with 500"


EVERY_FAULT = tuple(HttpFault)


@dataclass
class FaultProxy:
    """Forwards requests to `url`; each suffers a fault with the probability `rate`, which may be changed meanwhile.

    Every request uses its own connection. `counts` is how often each fault occurred.
    """

    url: str
    seed: int
    rate: float
    faults: Sequence[HttpFault] = EVERY_FAULT
    counts: Counter[HttpFault] = field(default_factory=Counter)
    port: int = 0

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def restart_chance(self) -> None:
        """Begin the sequence of faults again, after a change of `seed`."""
        self._random.seed(self.seed)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        """The URL that clients use in place of `url`."""
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._handle, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(TIMEOUT_S):
                request = await _read_request(reader, writer)
                if request:
                    writer.write(await self._answer(request))
                    await writer.drain()
        writer.close()

    async def _answer(self, request: bytes) -> bytes:
        fault = self._random.choice(self.faults) if self._random.random() < self.rate else None
        if fault is not None:
            self.counts[fault] += 1
        match fault:
            case HttpFault.CONFLICT | HttpFault.SERVER_ERROR | HttpFault.UNAVAILABLE:
                return _error(int(fault.value))
            case HttpFault.DROP:
                return b""
            case HttpFault.DELAY:
                await asyncio.sleep(self._random.uniform(0, LONGEST_DELAY_S))
        answer = await self._forward(request)
        match fault:
            case HttpFault.LOST_ANSWER:
                return b""
            case HttpFault.LOST_IN_500:
                return _error(500)
            case HttpFault.HALF_ANSWER:
                return answer[: len(answer) // 2]
        return answer

    async def _forward(self, request: bytes) -> bytes:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(request)
            await writer.drain()
            # Not every server repeats in its answer that it closes the connection.
            status, end, rest = (await reader.read()).partition(b"\r\n")
            return b"".join((status, end, b"Connection: close\r\n" if end else b"", rest))
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A request that asks its server to close the connection after the answer; empty if the client closed it.

    A client that waits for permission to send the body, as those of S3 do, gets it.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    headers = [line for line in lines if not line.lower().startswith((b"connection:", b"expect:"))]
    if any(line.lower().startswith(b"expect:") for line in lines):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in headers if line.lower().startswith(b"content-length:")), 0)
    body = await reader.readexactly(length)
    return b"\r\n".join((first, *headers, b"Connection: close", b"", body))


def _error(status: int) -> bytes:
    body = _BODY % (status, _WORDS[status])
    head = b"HTTP/1.1 %d x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


@contextmanager
def proxies(urls: dict[str, str], *, seed: int, rate: float) -> Iterator[dict[str, FaultProxy]]:
    """A proxy in front of each of these URLs, by the same names."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(FaultProxy(url, seed + index, rate))
            for index, (name, url) in enumerate(sorted(urls.items()))
        }
