"""ksqlDB's REST API: routes, content types, sessions from requests, and results to answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from bifrost.engine.engine import KsqlEngine
from bifrost.engine.queries.pull import PullResult
from bifrost.engine.sessions import Session, check_property
from bifrost.errors import BifrostError
from bifrost.server.entities import command_status, entity
from bifrost.server.problems import BAD_REQUEST, NOT_FOUND, Problem, generic, problem_of
from bifrost.server.streaming import (
    DELIMITED,
    JSON,
    ResultForm,
    RowArrays,
    RowLines,
    RowObjects,
    form_for,
    pull_chunks,
    push_chunks,
)

VERSION = "7.6.0"
"""The version of ksqlDB whose API this is; clients ask for it."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """How this server is called: its service id, the Kafka cluster's id, and `host:port`."""

    service_id: str
    cluster_id: str
    host: str


class BadRequest(Exception):
    """A request that is no request; carries its answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.body.get("message"))
        self.problem = problem


class KsqlApi:
    """The handlers of the REST API over one engine."""

    def __init__(self, engine: KsqlEngine, identity: ServerIdentity) -> None:
        self._engine = engine
        self._identity = identity

    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("/", lambda request: RedirectResponse("/info"), methods=["GET"]),
            Route("/info", self.info, methods=["GET"]),
            Route("/healthcheck", self.healthcheck, methods=["GET"]),
            Route("/chc/live", self.alive, methods=["GET"]),
            Route("/chc/ready", self.alive, methods=["GET"]),
            Route("/clusterStatus", self.cluster_status, methods=["GET"]),
            Route("/v1/metadata", self.metadata, methods=["GET"]),
            Route("/v1/metadata/id", self.metadata_id, methods=["GET"]),
            Route("/is_valid_property/{name:path}", self.is_valid_property, methods=["GET"]),
            Route("/status", self.statuses, methods=["GET"]),
            Route("/status/{kind}/{entity}/{action}", self.status, methods=["GET"]),
            Route("/ksql", guarded(self.ksql), methods=["POST"]),
            Route("/query", guarded(self.query), methods=["POST"]),
            Route("/query-stream", guarded(self.query_stream), methods=["POST"]),
            Route("/close-query", guarded(self.close_query), methods=["POST"]),
        ]

    # --- what the server is

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
        """GET /clusterStatus: this one host."""
        status = {"hostAlive": True, "lastStatusUpdateMs": self._engine.now_ms(), "activeStandbyPerQuery": {}}
        return json_response({"clusterStatus": {self._identity.host: status}})

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
            check_property(request.path_params["name"])
        except BifrostError as error:
            return problem_response(generic(400, BAD_REQUEST, str(error)))
        return json_response(True)

    # --- statements

    async def ksql(self, request: Request) -> Response:
        """POST /ksql: statements that are carried out or answered at once."""
        body = await read_body(request, "ksql")
        session = session_of(body, "streamsProperties")
        results = await run_in_threadpool(self._engine.execute, body["ksql"], session)
        return json_response([entity(result, self._identity.host) for result in results])

    async def statuses(self, request: Request) -> Response:
        """GET /status: all commands."""
        return json_response({"commandStatuses": dict.fromkeys(self._engine.statuses, "SUCCESS")})

    async def status(self, request: Request) -> Response:
        """GET /status/{commandId}."""
        parts = request.path_params
        found = self._engine.statuses.get(f"{parts['kind']}/{parts['entity']}/{parts['action']}")
        if found is None:
            return problem_response(generic(404, NOT_FOUND, "Command not found"))
        return json_response(command_status(found))

    # --- queries

    async def query(self, request: Request) -> Response:
        """POST /query: a query in the old form of request; the answer's form is the old one unless asked otherwise."""
        body = await read_body(request, "ksql")
        return await self._answer(request, body["ksql"], session_of(body, "streamsProperties"), RowObjects())

    async def query_stream(self, request: Request) -> Response:
        """POST /query-stream: a query in the new form of request."""
        body = await read_body(request, "sql")
        accept = request.headers.get("accept", "")
        default = RowLines() if JSON not in accept or DELIMITED in accept else RowArrays()
        return await self._answer(request, body["sql"], session_of(body, "properties"), default)

    async def _answer(self, request: Request, text: str, session: Session, default: ResultForm) -> Response:
        form = form_for(request.headers.get("accept", ""), default)
        result = await run_in_threadpool(self._engine.query, text, session)
        if isinstance(result, PullResult):
            return StreamingResponse(pull_chunks(result, form), media_type=form.media_type)
        return StreamingResponse(push_chunks(result, form), media_type=form.media_type)

    async def close_query(self, request: Request) -> Response:
        """POST /close-query."""
        body = await read_body(request, "queryId")
        if not self._engine.close_query(body["queryId"]):
            return problem_response(generic(400, BAD_REQUEST, f"No query with id {body['queryId']}"))
        return Response(status_code=200)


Handler = Callable[[Request], Awaitable[Response]]


def guarded(handler: Handler) -> Handler:
    """Answers what a handler refuses, in ksqlDB's JSON."""

    async def guard(request: Request) -> Response:
        try:
            return await handler(request)
        except BadRequest as error:
            return problem_response(error.problem)
        except BifrostError as error:
            return problem_response(problem_of(error, await _statement_text(request)))

    return guard


async def _statement_text(request: Request) -> str:
    body = json.loads(await request.body())
    return str(body.get("ksql") or body.get("sql") or "")


async def read_body(request: Request, required: str) -> Mapping[str, Any]:
    """The JSON object of a request, which must have the member `required`.

    Raises:
        BadRequest: it is not JSON, not an object, or lacks the member.
    """
    data = await request.body()
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest(generic(400, BAD_REQUEST, f"Invalid JSON in request: {error}")) from error
    if not isinstance(body, dict) or not isinstance(body.get(required), str):
        problem = f"Invalid JSON in request: Missing required creator property '{required}'"
        raise BadRequest(generic(400, BAD_REQUEST, problem))
    return body


def session_of(body: Mapping[str, Any], properties: str) -> Session:
    """The session that a request brings along."""
    given = body.get(properties) or {}
    variables = body.get("sessionVariables") or {}
    if not isinstance(given, dict) or not isinstance(variables, dict):
        raise BadRequest(generic(400, BAD_REQUEST, f"Invalid JSON in request: {properties} must be an object"))
    return Session.of(given, variables)


def json_response(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def problem_response(problem: Problem) -> Response:
    """An error's answer."""
    return json_response(problem.body, problem.status)


async def _not_found(request: Request, error: Exception) -> Response:
    return HTMLResponse("<html><body><h1>Resource not found</h1></body></html>", 404)


def create_app(engine: KsqlEngine, identity: ServerIdentity) -> Starlette:
    """The ASGI application."""
    return Starlette(routes=KsqlApi(engine, identity).routes(), exception_handlers={404: _not_found})
