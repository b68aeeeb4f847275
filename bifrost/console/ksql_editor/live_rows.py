"""The rows of a query, or the lines of PRINT, for one page: read by a thread, sent as JSON, ended with the page."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, Protocol

from bifrost.clients.ksqldb_errors import message_of
from bifrost.console.closing_response import ClosingResponse
from bifrost.console.page_json import page_json
from bifrost.errors import BifrostError

_log = logging.getLogger("console")

PACE_S = 0.1
"""The minimum time between two lines: a flood of rows must not become a flood of redraws."""
KEEP_ALIVE_S = 5.0
"""How often a silent query sends an empty line, which finds out whether the page is still open."""
WAITING_ROWS = 2000
"""How many rows may wait for the page; then the query waits, too."""

EXACT_IN_BROWSER = 2**53 - 1


class EndlessRows(Protocol):
    """The part of `QueryRows` and `PrintedLines` that is needed here."""

    def __iter__(self) -> Any:
        """Yield rows or lines."""
        ...

    def interrupt(self) -> None:
        """Wake the thread that reads."""
        ...

    def close(self) -> None:
        """End the query."""
        ...


class RowReader:
    """Reads rows in a thread, until they end, `limit` rows were read or `stop` is called."""

    def __init__(self, rows: EndlessRows, *, limit: int = 0) -> None:
        """`limit` 0 is no limit."""
        self._rows = rows
        self._limit = limit
        self._waiting: queue.Queue[Any] = queue.Queue(WAITING_ROWS)
        self._is_stopped = threading.Event()
        self.error = ""
        self.is_truncated = False
        self._thread = threading.Thread(target=self._read, name="ksql-rows", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the query; the thread ends soon after."""
        self._is_stopped.set()
        self._rows.interrupt()

    @property
    def is_reading(self) -> bool:
        """Whether rows may still arrive."""
        return self._thread.is_alive()

    def take(self) -> list[Any]:
        """The rows that arrived since the last call."""
        found: list[Any] = []
        with suppress(queue.Empty):
            while len(found) < WAITING_ROWS:
                found.append(self._waiting.get_nowait())
        return found

    def _read(self) -> None:
        try:
            self._pass_on(self._rows)
        except BifrostError as error:
            if not self._is_stopped.is_set():
                self.error = message_of(error)
        except Exception:  # noqa: BLE001 - the top of a thread: the page would take the rows for complete
            if not self._is_stopped.is_set():
                _log.exception("a query ended because its rows could not be read")
                self.error = "The rows could not be read: the log of the console has the reason."
        finally:
            self._rows.close()

    def _pass_on(self, rows: Iterable[Any]) -> None:
        for number, row in enumerate(rows):
            if self._limit and number >= self._limit:
                self.is_truncated = True
                return
            while not self._is_stopped.is_set():
                with suppress(queue.Full):
                    self._waiting.put(exact_in_browser(row), timeout=PACE_S)
                    break
            if self._is_stopped.is_set():
                return


def exact_in_browser(value: Any) -> Any:
    """A value whose whole numbers a browser shows to the last digit: those beyond 53 bits as texts."""
    match value:
        case bool():
            return value
        case int() if abs(value) > EXACT_IN_BROWSER:
            return str(value)
        case list():
            return [exact_in_browser(item) for item in value]
        case dict():
            return {key: exact_in_browser(item) for key, item in value.items()}
        case _:
            return value


class RowsResponse(ClosingResponse):
    """Sends `head`, then `{"rows": [...]}` as rows arrive, then `{"end": ...}` or `{"error": ...}`, a line each.

    Ends the query when the page has closed the connection.
    """

    def __init__(self, head: dict[str, Any], reader: RowReader) -> None:
        # The second header keeps nginx from buffering the rows.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(_lines(head, reader), reader.stop, headers, "application/x-ndjson")


async def _lines(head: dict[str, Any], reader: RowReader) -> AsyncIterator[bytes]:
    yield _line(head)
    silent_s = 0.0
    while True:
        # Before the look at the rows: one that arrives in between must not be lost.
        is_reading = reader.is_reading
        rows = reader.take()
        if rows:
            silent_s = 0.0
            yield _line({"rows": rows})
        elif not is_reading:
            break
        elif silent_s >= KEEP_ALIVE_S:
            silent_s = 0.0
            yield b"\n"
        if is_reading:
            await asyncio.sleep(PACE_S)
            silent_s += PACE_S
    yield _line({"error": reader.error} if reader.error else {"end": True, "truncated": reader.is_truncated})


def _line(content: dict[str, Any]) -> bytes:
    return page_json(content) + b"\n"
