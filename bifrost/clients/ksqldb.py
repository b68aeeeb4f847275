"""ksqlDB's REST API: statements, listings, push and pull queries, and quoting."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from requests.exceptions import RequestException

from bifrost.clients.http import PATIENCE_S, Connection, HttpClient, RestClient, checks_shape, connection_to
from bifrost.errors import NotReady, Refused
from bifrost.settings import Settings

INTERNAL_NAMES = "_confluent-ksql-"
"""How the topics and consumer groups begin that a ksqlDB server has for itself."""
# ksqlDB never answers 409 for "busy".
BUSY = frozenset({503})
COMMAND_PATIENCE_S = 60.0
STATEMENT_TIMEOUT_S = 60.0
# Errors of a server that is stopping: the same statement succeeds after its restart.
_STOPPING = ("Worker executor closed", "RejectedExecutionException", "KsqlEngine is closed")
"""Texts of the 500s that a ksqlDB server answers while it shuts down."""
_UNFINISHED = ("QUEUED", "PARSING", "EXECUTING", "RUNNING")
_V1 = {"Accept": "application/vnd.ksql.v1+json", "Content-Type": "application/vnd.ksql.v1+json"}
_DELIMITED = {"Accept": "application/vnd.ksqlapi.delimited.v1"}
EARLIEST: Mapping[str, str] = {"auto.offset.reset": "earliest"}

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Identity and state of a server."""

    version: str
    service_id: str
    cluster_id: str
    status: str


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One line of LIST STREAMS or LIST TABLES; `type` is `STREAM` or `TABLE`."""

    name: str
    type: str
    topic: str
    key_format: str
    value_format: str


@dataclass(frozen=True, slots=True)
class QuerySummary:
    """One persistent query; `state` is `RUNNING`, `PAUSED`, `ERROR`, ...; `statement` is filled in by the server."""

    id: str
    statement: str
    sinks: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class QueryDetails:
    """One persistent query of SHOW QUERIES EXTENDED; `sources` and `sinks` are names of streams and tables."""

    id: str
    statement: str
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    state: str
    group: str  # its consumer group, empty if the server does not report it
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DescribedSource:
    """DESCRIBE ... EXTENDED; `columns` are (name, type) with keys first, `statement` is filled in by the server.

    `keys` counts the key columns; `window` is `TUMBLING`, `HOPPING` or `SESSION`, empty for keys without a window.
    """

    name: str
    type: str
    topic: str
    partitions: int
    statement: str
    columns: tuple[tuple[str, str], ...]
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    keys: int = 0
    window: str = ""


class QueryRows:
    """The result of a push or pull query: columns, then rows as they arrive. Close it to end a push query."""

    def __init__(self, http: HttpClient, response: requests.Response, sql: str) -> None:
        self._http = http
        self._response = response
        self._request = f"query {sql}"
        self._lines = self._read_lines()
        header = next(self._lines, None)
        if not isinstance(header, dict) or "columnNames" not in header:
            self.close()
            raise self._refused(header)
        self.query_id = str(header.get("queryId") or "")
        self.columns: tuple[str, ...] = tuple(header["columnNames"])
        self.types: tuple[str, ...] = tuple(header["columnTypes"])

    def __iter__(self) -> Iterator[list[Any]]:
        """Yield the rows, each a list in the order of `columns`.

        Raises:
            Refused: the server ended the query with an error.
            Unreachable: the connection broke.
        """
        for line in self._lines:
            if not isinstance(line, list):
                raise self._refused(line)
            yield line

    def close(self) -> None:
        """End the query."""
        self._response.close()

    def interrupt(self) -> None:
        """Wake a thread that waits for the next row: its iteration ends, or raises `Unreachable`."""
        _interrupt(self._response)

    def _read_lines(self) -> Iterator[Any]:
        rest = b""
        try:
            # Chunks as they arrive: a row must not wait until a buffer is full.
            for chunk in self._response.iter_content(chunk_size=None):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield self._parsed(line)
        except RequestException as error:
            raise self._http.unreachable(self._request, error) from error
        if rest.strip():
            yield self._parsed(rest)

    def _parsed(self, line: bytes) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            text = line[:200].decode("utf-8", "replace")
            raise self._http.refused(self._request, 200, f"the answer is not JSON: {text}") from error

    def _refused(self, found: Any) -> Refused:
        body = found.get("message", "") if isinstance(found, dict) else f"unexpected answer {found!r}"
        return self._http.refused(self._request, 200, str(body))


class PrintedLines:
    """The lines of a PRINT statement as they arrive. Close it to end the statement."""

    def __init__(self, http: HttpClient, response: requests.Response, sql: str) -> None:
        self._http = http
        self._response = response
        self._sql = sql

    def __iter__(self) -> Iterator[str]:
        """Yield the lines.

        Raises:
            Unreachable: the connection broke.
        """
        with self._response:
            try:
                for line in self._response.iter_lines(chunk_size=None, decode_unicode=False):
                    if line.strip():
                        yield line.decode("utf-8", "replace")
            except RequestException as error:
                raise self._http.unreachable(self._sql, error) from error

    def close(self) -> None:
        """End the statement."""
        self._response.close()

    def interrupt(self) -> None:
        """Wake a thread that waits for the next line: its iteration ends, or raises `Unreachable`."""
        _interrupt(self._response)


class KsqlClient(RestClient):
    """Sends statements and queries to one ksqlDB server or the embedded engine."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._sequence: int | None = None

    @checks_shape
    def info(self, *, patience_s: float | None = None) -> ServerInfo:
        """Return version and ids of the server."""
        found = self.http.get("/info", patience_s=patience_s)["KsqlServerInfo"]
        return ServerInfo(
            version=found["version"],
            service_id=found.get("ksqlServiceId", ""),
            cluster_id=found.get("kafkaClusterId", ""),
            status=found.get("serverStatus", ""),
        )

    @checks_shape
    def execute(
        self,
        statement: str,
        *,
        properties: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> tuple[Json, ...]:
        """Run one or more statements (not queries) and return ksqlDB's entities once they have been executed.

        Args:
            statement: the text; each statement ends with `;`.
            properties: stream properties, as SET would set them.
            variables: session variables, as DEFINE would.
            repeatable: whether the statements only read, so that they are sent again after a lost answer.

        Raises:
            Refused: the server rejected the statement; the error contains its message.
            Unreachable: no answer; the statement may have been executed.
            NotReady: the command was accepted but did not finish in time.
        """
        body: dict[str, Any] = {"ksql": statement, "streamsProperties": dict(properties or {})}
        if variables:
            body["sessionVariables"] = dict(variables)
        # The server answers after it has executed this command, so that we see the results of our own
        # statements.
        if self._sequence is not None:
            body["commandSequenceNumber"] = self._sequence
        try:
            answer = self.http.call(
                "POST", "/ksql", body=body, headers=_V1, timeout_s=STATEMENT_TIMEOUT_S, repeatable=repeatable
            )
        except Refused as error:
            if error.status == 500 and any(text in error.body for text in _STOPPING):
                raise NotReady(error.system, error.request, f"the server is stopping: {error.body}") from error
            raise
        return tuple(self._finished(entity) for entity in answer or ())

    @checks_shape
    def streams(self) -> tuple[SourceSummary, ...]:
        """Return all streams."""
        return tuple(_source(found, "STREAM") for found in self._list("LIST STREAMS;", "streams"))

    @checks_shape
    def tables(self) -> tuple[SourceSummary, ...]:
        """Return all tables."""
        return tuple(_source(found, "TABLE") for found in self._list("LIST TABLES;", "tables"))

    @checks_shape
    def queries(self) -> tuple[QuerySummary, ...]:
        """Return all persistent queries."""
        found = self._list("LIST QUERIES;", "queries")
        return tuple(_query(entry) for entry in found if entry.get("queryType", "PERSISTENT") == "PERSISTENT")

    @checks_shape
    def query_details(self) -> tuple[QueryDetails, ...]:
        """Return all persistent queries with their sources and errors, newest error last."""
        (entity,) = self._read("SHOW QUERIES EXTENDED;")
        found = (entry for entry in entity["queryDescriptions"] if entry.get("queryType") in (None, "PERSISTENT"))
        return tuple(_details(entry, self.http.clean) for entry in found)

    @checks_shape
    def source_descriptions(self) -> tuple[DescribedSource, ...]:
        """Describe all streams and tables, each kind in one request, so that one dropped meanwhile is no error."""
        found = (*self._read("LIST STREAMS EXTENDED;"), *self._read("LIST TABLES EXTENDED;"))
        return tuple(_description(entry) for entity in found for entry in entity["sourceDescriptions"])

    @checks_shape
    def types(self) -> dict[str, Json]:
        """Return the schema of each custom type, in ksqlDB's JSON form, by name."""
        (entity,) = self._read("LIST TYPES;")
        return dict(entity["types"])

    @checks_shape
    def query_errors(self, query_id: str) -> tuple[str, ...]:
        """Return the errors of a persistent query, newest last."""
        (entity,) = self._read(f"EXPLAIN {query_id};")
        found = entity["queryDescription"].get("queryErrors", ())
        return tuple(self.http.clean(str(error.get("errorMessage", ""))) for error in found)

    @checks_shape
    def describe(self, name: str) -> DescribedSource:
        """Describe a stream or table.

        Raises:
            Refused: it does not exist.
        """
        (entity,) = self._read(f"DESCRIBE {quote_name(name)} EXTENDED;")
        return _description(entity["sourceDescription"])

    def stream(
        self,
        sql: str,
        *,
        properties: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        idle_s: float | None = None,
    ) -> QueryRows:
        """Start a push or pull query; iterate over the result for its rows and close it to end the query.

        Args:
            sql: one SELECT that ends with `;`.
            idle_s: give up after this much silence; `None` waits without limit, as a push query must.

        Raises:
            Refused: the server rejected the query.
            Unreachable: no answer.
        """
        body: dict[str, Any] = {"sql": sql, "properties": dict(properties or {})}
        if variables:
            body["sessionVariables"] = dict(variables)
        response = self.http.stream("/query-stream", body=body, headers=_DELIMITED, idle_s=idle_s)
        return QueryRows(self.http, response, sql)

    def pull(
        self, sql: str, *, properties: Mapping[str, str] | None = None, idle_s: float = 30.0
    ) -> list[dict[str, Any]]:
        """Return the rows of a pull query as dictionaries."""
        with closing(self.stream(sql, properties=properties, idle_s=idle_s)) as rows:
            return [dict(zip(rows.columns, row, strict=True)) for row in rows]

    def print_topic(self, sql: str, *, properties: Mapping[str, str] | None = None) -> PrintedLines:
        """Return the lines of a PRINT statement as they arrive; close the result to end it."""
        body = {"ksql": sql, "streamsProperties": dict(properties or {})}
        return PrintedLines(self.http, self.http.stream("/query", body=body, headers=_V1, idle_s=None), sql)

    def close_query(self, query_id: str) -> None:
        """End a push query by its id; one that has ended is not an error."""
        # The query may have ended by itself.
        with suppress(Refused):
            self.http.call("POST", "/close-query", body={"queryId": query_id})

    def _list(self, statement: str, key: str) -> list[Json]:
        (entity,) = self._read(statement)
        return list(entity[key])

    def _read(self, statement: str) -> tuple[Json, ...]:
        return self.execute(statement, repeatable=True)

    def _finished(self, entity: Json) -> Json:
        if "commandId" not in entity:
            return entity
        status = entity["commandStatus"]
        clock = self.http.connection.clock
        deadline = clock.monotonic() + COMMAND_PATIENCE_S
        path = f"/status/{quote(entity['commandId'], safe='/')}"
        request = f"statement {entity['statementText']}"
        while status["status"] in _UNFINISHED:
            if clock.monotonic() > deadline:
                waited = f"{status['status']} after {COMMAND_PATIENCE_S:.0f} s"
                raise NotReady(self.http.connection.system, request, waited)
            clock.sleep(0.1)
            status = self.http.get(path)
        if status["status"] == "ERROR":
            raise self.http.refused(request, 200, status.get("message", ""))
        self._sequence = entity.get("commandSequenceNumber", self._sequence)
        return {**entity, "commandStatus": status}


def from_settings(settings: Settings, *, patience_s: float = PATIENCE_S) -> KsqlClient:
    """Return the client of the target's ksqlDB (`KSQLDB_USER`, `KSQLDB_PASSWORD` if set)."""
    url = settings.endpoints.ksqldb
    return KsqlClient(connection_to(settings, "ksqlDB", url, "KSQLDB", busy=BUSY, patience_s=patience_s))


def quote_text(text: str) -> str:
    """Return a string literal. REST has no bound parameters, so all text from people must pass through here."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Return an identifier in backquotes, which keeps its case."""
    return "`" + name.replace("`", "``") + "`"


def _interrupt(response: requests.Response) -> None:
    # The response may have ended, and its connection be free for another request.
    with suppress(RuntimeError, ValueError):
        response.raw.shutdown()


def _source(found: Json, kind: str) -> SourceSummary:
    return SourceSummary(found["name"], kind, found["topic"], found.get("keyFormat", ""), found.get("valueFormat", ""))


def _query(found: Json) -> QuerySummary:
    state = effective_state(found.get("state") or "", found.get("statusCount") or {})
    return QuerySummary(found["id"], found["queryString"], tuple(found.get("sinks", ())), state)


def effective_state(state: str, counts: Mapping[str, int]) -> str:
    """The state of a query over all servers that run it.

    Args:
        state: ksqlDB's summary, which is `RUNNING` for a paused query.
        counts: the number of servers by state (`statusCount`).
    """
    present = {name for name, count in counts.items() if count}
    return next((worst for worst in ("ERROR", "UNRESPONSIVE", "PAUSED") if worst in present), state)


def _details(entry: Json, clean: Callable[[str], str]) -> QueryDetails:
    return QueryDetails(
        id=entry["id"],
        statement=entry.get("statementText", ""),
        sources=tuple(entry.get("sources", ())),
        sinks=tuple(entry.get("sinks", ())),
        state=effective_state(entry.get("state") or "", Counter((entry.get("ksqlHostQueryStatus") or {}).values())),
        group=entry.get("consumerGroupId") or "",
        errors=tuple(clean(str(error.get("errorMessage", ""))) for error in entry.get("queryErrors") or ()),
    )


def _description(found: Json) -> DescribedSource:
    fields = sorted(found.get("fields", ()), key=lambda field: field.get("type") != "KEY")
    return DescribedSource(
        name=found["name"],
        type=found["type"],
        topic=found.get("topic", ""),
        partitions=int(found.get("partitions") or 0),
        statement=found.get("statement", ""),
        columns=tuple((field["name"], str(field["schema"]["type"])) for field in fields),
        written_by=tuple(query["id"] for query in found.get("writeQueries", ())),
        read_by=tuple(query["id"] for query in found.get("readQueries", ())),
        keys=sum(field.get("type") == "KEY" for field in fields),
        window=found.get("windowType") or "",
    )
