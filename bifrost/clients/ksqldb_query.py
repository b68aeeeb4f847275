"""ksqlDB's `POST /query`: rows of pull and push queries in the form of every ksqlDB version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import requests
from requests.exceptions import RequestException

from bifrost.clients.http import RestClient, connection_to, is_success
from bifrost.errors import Refused
from bifrost.settings import Settings

SYSTEM = "ksqlDB"
PULL_TIMEOUT_S = 10.0
HEADERS: Mapping[str, str] = {
    "Content-Type": "application/vnd.ksql.v1+json; charset=utf-8",
    "Accept": "application/vnd.ksql.v1+json",
}
_SEPARATORS = " \t\r\n,[]"
_decoder = json.JSONDecoder()


class QueryFailed(Refused):
    """ksqlDB answered a query with an error; `reason` is the status phrase, `body` the answer without secrets."""

    def __init__(self, query: str, *, status: int, body: str) -> None:
        super().__init__(SYSTEM, f"query {query}", status=status, body=body)
        self.reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


class QueryClient(RestClient):
    """Sends queries to one ksqlDB server. Thread-safe."""

    def pull(self, query: str) -> list[list[Any]]:
        """Return the rows of a pull query, each a list of its columns.

        Raises:
            QueryFailed: the server rejected the query.
            Unreachable: no answer.
        """
        with self._send(query, {"ksql": query}, PULL_TIMEOUT_S) as response:
            try:
                found = response.json()
            except (RequestException, RecursionError) as error:
                raise QueryFailed(query, status=response.status_code, body="the answer is not JSON") from error
        if not isinstance(found, list):
            raise QueryFailed(query, status=response.status_code, body="the answer is not a list of rows")
        return [row for entry in found for row in self._rows(query, entry)]

    def push(self, query: str, *, idle_s: float | None = None) -> Iterator[list[Any]]:
        """Yield the new rows of a push query until the server ends it.

        Args:
            idle_s: longest silence of the server, `None` for no limit.

        Raises:
            QueryFailed: the server rejected the query, or ended it with an error.
            Unreachable: no answer, or the connection broke.
        """
        body = {"ksql": query, "streamsProperties": {"ksql.streams.auto.offset.reset": "latest"}}
        with self._send(query, body, idle_s) as response:
            try:
                # Rows as they arrive, not when a buffer is full.
                for line in response.iter_lines(chunk_size=None):
                    for entry in _entries(line.decode("utf-8", "replace")):
                        yield from self._rows(query, entry)
            except RequestException as error:
                raise self.http.unreachable(f"query {query}", error) from error
            except (json.JSONDecodeError, RecursionError) as error:
                raise QueryFailed(
                    query, status=response.status_code, body=f"the answer is not JSON: {error}"
                ) from error

    def _send(self, query: str, body: Mapping[str, Any], idle_s: float | None) -> requests.Response:
        response = self.http.stream_any("/query", body=body, headers=HEADERS, idle_s=idle_s)
        if is_success(response):
            return response
        with response:
            raise QueryFailed(query, status=response.status_code, body=self.http.clean(response.text))

    def _rows(self, query: str, entry: Any) -> Iterator[list[Any]]:
        match entry:
            case {"row": {"columns": list(columns)}}:
                yield columns
            case {"errorMessage": {"message": str(message)}}:
                raise QueryFailed(query, status=200, body=self.http.clean(message))
            case _:  # the header, the final message, or an entry of a newer version
                return


def query_client(settings: Settings) -> QueryClient:
    """Return the client of the target's ksqlDB (settings `KSQLDB_*`)."""
    return QueryClient(connection_to(settings, SYSTEM, settings.endpoints.ksqldb, "KSQLDB"))


def _entries(line: str) -> Iterator[Any]:
    """Yield the objects in a line of a push query's answer, one long array; an empty line is a keep-alive."""
    place = 0
    while True:
        while place < len(line) and line[place] in _SEPARATORS:
            place += 1
        if place == len(line):
            return
        entry, place = _decoder.raw_decode(line, place)
        yield entry
