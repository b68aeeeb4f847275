"""ksqlDB's REST API: routes and their handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute

from bifrost.engine.engine import KsqlEngine
from bifrost.engine.planner.outcome import LookupKind, PullPlan
from bifrost.engine.planner.properties import check_name
from bifrost.engine.queries.printing import PrintQuery
from bifrost.engine.queries.pull import PullResult
from bifrost.engine.queries.push import PushQuery
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.statements.results import WarningResult
from bifrost.errors import BifrostError
from bifrost.metrics.http_requests import RequestMetrics
from bifrost.server.answers import json_response, not_found, problem_response, wrong_method
from bifrost.server.auth import Credentials, RequireBasicAuth
from bifrost.server.bodies import (
    BadRequest,
    loaded_json,
    parse_body,
    parse_object,
    query_session_of,
    read_body,
    session_of,
    topic_patterns,
)
from bifrost.server.cluster_status import cluster_status
from bifrost.server.entities import command_status, entity
from bifrost.server.inserts import InsertsStream
from bifrost.server.problems import (
    BAD_REQUEST,
    COMMAND_TIMEOUT,
    FORBIDDEN,
    NOT_FOUND,
    SERVER_ERROR,
    ErrorBody,
    generic,
    problem_of,
    query_problem_of,
)
from bifrost.server.quick_requests import QuickCheck
from bifrost.server.streaming import (
    DELIMITED,
    JSON,
    V1,
    ResultForm,
    RowArrays,
    RowLines,
    RowObjects,
    form_for,
    print_chunks,
    pull_body,
    push_chunks,
)
from bifrost.server.websocket import QuerySocket
from bifrost.web.login import AcceptedUsers
from bifrost.web.origin_check import OriginCheck

VERSION = "7.6.0"
"""The version of ksqlDB whose API this is. Clients read it."""

# Statements up to this many characters are parsed and planned in about a millisecond.
_SHORT = 2000
_COMMAND_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """The names of this server: its service id, the Kafka cluster's id, and `host:port`."""

    service_id: str
    cluster_id: str
    host: str


class KsqlApi:
    """The handlers of the REST API over one engine."""

    def __init__(self, engine: KsqlEngine, identity: ServerIdentity) -> None:
        self._engine = engine
        self._identity = identity

    def routes(self) -> list[BaseRoute]:
        """All routes."""
        return [
            Route("/", lambda request: RedirectResponse("/info"), methods=["GET"]),
            Route("/info", self.info, methods=["GET"]),
            Route("/healthcheck", self.healthcheck, methods=["GET"]),
            Route("/chc/live", self.alive, methods=["GET"]),
            Route("/chc/ready", self.alive, methods=["GET"]),
            Route("/clusterStatus", self.cluster_status, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
            Route("/v1/metadata", self.metadata, methods=["GET"]),
            Route("/v1/metadata/id", self.metadata_id, methods=["GET"]),
            Route("/is_valid_property/{name:path}", self.is_valid_property, methods=["GET"]),
            Route("/status", self.statuses, methods=["GET"]),
            Route("/status/{kind}/{entity}/{action}", self.status, methods=["GET"]),
            Route("/ksql", guarded(self.ksql, problem_of), methods=["POST"]),
            Route("/ksql/terminate", guarded(self.terminate, problem_of), methods=["POST"]),
            Route("/query", guarded(self.query, query_problem_of), methods=["POST"]),
            Route("/query-stream", guarded(self.query_stream, query_problem_of), methods=["POST"]),
            Route("/close-query", guarded(self.close_query, problem_of), methods=["POST"]),
            Route("/inserts-stream", InsertsStream(self._engine), methods=["POST"]),
            WebSocketRoute("/ws/query", QuerySocket(self._engine).query),
        ]

    # --- the server

    async def info(self, request: Request) -> Response:
        """GET /info."""
        details = {
            "version": VERSION,
            "kafkaClusterId": self._identity.cluster_id,
            "ksqlServiceId": self._identity.service_id,
            "serverStatus": "RUNNING",
        }
        return json_response({"KsqlServerInfo": details})

    async def healthcheck(self, request: Request) -> Response:
        """GET /healthcheck."""
        healthy = await run_in_threadpool(self._engine.is_connected)
        details = {
            "metastore": {"isHealthy": healthy},
            "kafka": {"isHealthy": healthy},
            "commandRunner": {"isHealthy": healthy},
        }
        body = {"isHealthy": healthy, "details": details, "serverState": "READY"}
        return json_response(body, 200 if healthy else 503)

    async def alive(self, request: Request) -> Response:
        """GET /chc/live and /chc/ready."""
        return json_response({})

    async def cluster_status(self, request: Request) -> Response:
        """GET /clusterStatus: this host and the state that it stores."""
        status = await run_in_threadpool(cluster_status, self._engine.state.queries, self._engine.now_ms())
        return json_response({"clusterStatus": {self._identity.host: status}})

    async def metrics(self, request: Request) -> Response:
        """GET /metrics: the figures of the engine for Prometheus."""
        from bifrost.server.metrics import exposition  # here, so that a start does not wait for the import

        accept = request.headers.get("accept", "")
        body, media_type = await run_in_threadpool(lambda: exposition(self._engine.figures(), accept))
        return Response(body, headers={"content-type": media_type})

    async def metadata(self, request: Request) -> Response:
        """GET /v1/metadata."""
        return json_response({"version": VERSION, "clusterId": self._cluster()})

    async def metadata_id(self, request: Request) -> Response:
        """GET /v1/metadata/id."""
        return json_response(self._cluster())

    def _cluster(self) -> dict[str, Any]:
        clusters = {"kafka-cluster": self._identity.cluster_id, "ksql-cluster": self._identity.service_id}
        return {"scope": {"path": [], "clusters": clusters}, "id": ""}

    async def is_valid_property(self, request: Request) -> Response:
        """GET /is_valid_property/{name}."""
        try:
            check_name(request.path_params["name"])
        except BifrostError as error:
            return problem_response(generic(400, BAD_REQUEST, str(error)))
        return json_response(True)

    # --- statements

    async def ksql(self, request: Request) -> Response:
        """POST /ksql: executes statements and responds with one entity per statement."""
        body = await read_body(request, "ksql")
        if not _takes(request, V1, JSON):
            return Response(status_code=406)
        session = session_of(body, "streamsProperties")
        await self._await_command(body)
        results = await run_in_threadpool(self._engine.execute, body["ksql"], session)
        warnings = session.warnings()
        if warnings and not results:
            # SET has no entity that could hold its warning.
            results = [WarningResult(body["ksql"], " ".join(warnings))]
        return json_response([entity(result, self._identity.host, warnings) for result in results])

    async def terminate(self, request: Request) -> Response:
        """POST /ksql/terminate: terminates all queries, drops all definitions and deletes the named topics."""
        data = await request.body()
        patterns = topic_patterns(parse_object(data)) if data else []
        result = await run_in_threadpool(self._engine.terminate, patterns)
        return json_response([entity(result, self._identity.host)])

    async def statuses(self, request: Request) -> Response:
        """GET /status: all commands."""
        # A command gets its status after it was executed, so no status is ever QUEUED or RUNNING.
        return json_response({"commandStatuses": dict.fromkeys(self._engine.statuses, "SUCCESS")})

    async def status(self, request: Request) -> Response:
        """GET /status/{commandId}."""
        parts = request.path_params
        found = self._engine.statuses.get(f"{parts['kind']}/{parts['entity']}/{parts['action']}")
        if found is None:
            return problem_response(generic(404, NOT_FOUND, "Command not found"))
        return json_response(command_status(found))

    async def _await_command(self, body: Mapping[str, Any]) -> None:
        """Waits until the command that a request names by `commandSequenceNumber` has been carried out.

        Raises:
            BadRequest: it is not a number, or was not carried out within the server's deadline (503).
        """
        number = body.get("commandSequenceNumber")
        if number is None:
            return
        if isinstance(number, bool) or not isinstance(number, int):
            raise BadRequest(
                generic(400, BAD_REQUEST, "Invalid JSON in request: commandSequenceNumber must be a number")
            )
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._engine.command_timeout_ms / 1000
        while self._engine.last_command < number:
            if loop.time() >= deadline:
                message = (
                    f"Timed out while waiting for a previous command to execute. command sequence number: {number}"
                )
                raise BadRequest(generic(503, COMMAND_TIMEOUT, message))
            await asyncio.sleep(_COMMAND_POLL_S)

    # --- queries

    async def query(self, request: Request) -> Response:
        """POST /query: a query in the old form of request; `Accept` may choose a newer form of response."""
        body = await read_body(request, "ksql")
        await self._await_command(body)
        default = RowObjects(for_line_readers=request.headers.get("accept", "*/*") == "*/*")
        return await self._answer(request, body["ksql"], query_session_of(body, "streamsProperties"), default)

    async def query_stream(self, request: Request) -> Response:
        """POST /query-stream: a query in the new form of request."""
        body = await read_body(request, "sql")
        accept = request.headers.get("accept", "")
        default = RowArrays() if JSON in accept and DELIMITED not in accept else RowLines()
        return await self._answer(request, body["sql"], query_session_of(body, "properties"), default)

    async def _answer(self, request: Request, text: str, session: ClientSession, default: ResultForm) -> Response:
        if not _takes(request, V1, JSON, DELIMITED):
            return Response(status_code=406)
        form = form_for(request.headers.get("accept", ""), default)
        match await self._result(text, session):
            case PullResult() as result:
                return Response(pull_body(result, form), media_type=form.media_type)
            case PrintQuery() as result:
                return StreamingResponse(print_chunks(result), media_type=JSON)
            case PushQuery() as result:
                return StreamingResponse(push_chunks(result, form), media_type=form.media_type)

    async def _result(self, text: str, session: ClientSession) -> PushQuery | PullResult | PrintQuery:
        """Runs look-ups by key on the event loop: under load, handing one to a thread takes longer than the look-up."""
        if len(text) > _SHORT:
            return await run_in_threadpool(self._engine.query, text, session)
        planned = self._engine.plan_query(text, session)
        if isinstance(planned, PullPlan) and planned.kind is LookupKind.KEYS and not self._engine.has_workers:
            return self._engine.run(planned, session)
        return await run_in_threadpool(self._engine.run, planned, session)

    async def close_query(self, request: Request) -> Response:
        """POST /close-query."""
        body = await read_body(request, "queryId")
        if not self._engine.close_query(body["queryId"]):
            return problem_response(generic(400, BAD_REQUEST, f"No query with id {body['queryId']}"))
        return Response(status_code=200)


def quick_lookups(engine: KsqlEngine) -> QuickCheck:
    """Recognises the look-ups by key that `KsqlApi` answers without waiting: those whose plan is known."""

    def is_quick(path: str, body: bytes) -> bool:
        required, properties = ("sql", "properties") if path == "/query-stream" else ("ksql", "streamsProperties")
        try:
            parsed = parse_body(body, required)
            session = session_of(parsed, properties)
        except (BadRequest, BifrostError):
            return False
        return parsed.get("commandSequenceNumber") is None and engine.is_quick(parsed[required], session)

    return is_quick


def _takes(request: Request, *media_types: str) -> bool:
    accept = request.headers.get("accept", "*/*")
    return any(name in accept for name in (*media_types, "*/*", "application/*"))


Handler = Callable[[Request], Awaitable[Response]]
ErrorResponse = Callable[[BifrostError, str], ErrorBody]


def guarded(handler: Handler, error_response: ErrorResponse) -> Handler:
    """Turns the errors of a handler into responses in ksqlDB's JSON."""

    async def guard(request: Request) -> Response:
        try:
            return await handler(request)
        except BadRequest as error:
            return problem_response(error.problem)
        except BifrostError as error:
            return problem_response(error_response(error, await _statement_text(request)))

    return guard


async def _statement_text(request: Request) -> str:
    # Starlette keeps the body that the handler has read, so it can be read again.
    try:
        body = loaded_json(await request.body())
    except (ValueError, RecursionError):
        return ""  # such as a request that needs no body
    return str(body.get("ksql") or body.get("sql") or "") if isinstance(body, dict) else ""


def _forbidden(problem: str) -> Response:
    return problem_response(generic(403, FORBIDDEN, problem))


async def _failed(request: Request, error: Exception) -> Response:
    """The response to an unexpected error. Starlette logs it with its traceback."""
    return problem_response(generic(500, SERVER_ERROR, f"{type(error).__name__}: {error}"))


def create_app(
    engine: KsqlEngine,
    identity: ServerIdentity,
    credentials: Credentials | AcceptedUsers | None = None,
    *,
    allowed_hosts: Collection[str] = (),
) -> Starlette:
    """The ASGI application.

    Args:
        credentials: with them, only their owners may use it.
        allowed_hosts: host names beside those of the loopback by which it may be called.
    """
    # The first middleware is the outermost: a request from a foreign web page is refused before its
    # password is looked at.
    middleware = [Middleware(RequestMetrics), Middleware(OriginCheck, refusal=_forbidden, allowed_hosts=allowed_hosts)]
    if credentials is not None:
        middleware.append(Middleware(RequireBasicAuth, credentials=credentials))
    return Starlette(
        routes=KsqlApi(engine, identity).routes(),
        middleware=middleware,
        exception_handlers={404: not_found, 405: wrong_method, Exception: _failed},
    )
