"""The page of the ksqlDB editor and what it calls: statements, queries, names and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.clients.ksqldb import Json, KsqlClient
from bifrost.clients.ksqldb_errors import message_of, place_in
from bifrost.clients.ksqldb_names import live_names
from bifrost.console.ksql_editor.answer_blocks import blocks_of
from bifrost.console.ksql_editor.live_rows import RowReader, RowsResponse
from bifrost.console.ksql_editor.script_steps import StepKind, loss_of, steps_of
from bifrost.console.operated.actor import actor_of
from bifrost.console.pages.page_frame import HEADERS, data_response, page_template
from bifrost.errors import BifrostError, RemoteError, StatementError
from bifrost.operations.action_log import ActionLog
from bifrost.operations.changing_statements import logged_statement
from bifrost.sql.keywords import COMPLETIONS, write_name
from bifrost.sql.parser import parse_statement
from bifrost.sql.tree import ParsedStatement, PrintTopic, Query
from bifrost.web.inputs import read_body

ADDRESS = "/ksqldb"
MAX_PULL_ROWS = 10_000
"""How many rows of a pull query the page gets; it says so when there are more."""

Body = dict[str, Any]


def routes(client: KsqlClient, log: ActionLog) -> list[BaseRoute]:
    """The page and its data. Statements that change something are logged, done or refused."""
    editor = KsqlEditor(client, log)
    return [
        Route(ADDRESS, editor.show, methods=["GET"]),
        Route("/api/ksqldb/names", editor.names, methods=["GET"]),
        Route("/api/ksqldb/queries", editor.queries, methods=["GET"]),
        Route("/api/ksqldb/steps", editor.steps, methods=["POST"]),
        Route("/api/ksqldb/statements", editor.run, methods=["POST"]),
        Route("/api/ksqldb/rows", editor.rows, methods=["POST"]),
    ]


class KsqlEditor:
    """The endpoints of the editor. The answer to a failure has `error`, and `line` and `column` if they are known."""

    def __init__(self, client: KsqlClient, log: ActionLog) -> None:
        self._client = client
        self._log = log
        self._page = page_template("ksql_editor.html", ADDRESS).substitute()

    async def show(self, _request: Request) -> Response:
        """`GET /ksqldb`: the page."""
        return HTMLResponse(self._page, headers=HEADERS)

    async def names(self, _request: Request) -> Response:
        """`GET /api/ksqldb/names`: what can be completed, as statements write it."""
        keywords = [{"text": word, "kind": "keyword"} for word in COMPLETIONS]
        try:
            found = await run_in_threadpool(lambda: list(live_names(self._client)))
        except BifrostError as error:
            # Keywords complete without a server.
            return data_response({"names": keywords, "error": message_of(error)})
        live = [
            {"text": write_name(name.name), "kind": str(name.kind), "of": name.of, "type": name.type} for name in found
        ]
        return data_response({"names": live + keywords})

    async def queries(self, _request: Request) -> Response:
        """`GET /api/ksqldb/queries`: the persistent queries with their states."""
        try:
            found = await run_in_threadpool(self._client.query_details)
        except BifrostError as error:
            return _problem(error)
        return data_response({"queries": [asdict(query) for query in found]})

    async def steps(self, request: Request) -> Response:
        """`POST /api/ksqldb/steps` with `text` and `variables`: its statements, how each runs and what it loses."""
        body = await _body(request)
        try:
            found = steps_of(_text(body, "text"), _texts(body, "variables"))
        except StatementError as error:
            return _problem(error)
        return data_response({"steps": [asdict(step) for step in found]})

    async def run(self, request: Request) -> Response:
        """`POST /api/ksqldb/statements` with `statement`, `properties`, and `confirmed` if it loses something."""
        body = await _body(request)
        text = _text(body, "statement")
        try:
            parsed = parse_statement(text)
        except StatementError as error:
            return _problem(error)
        (step,) = steps_of(text, {})
        loss = loss_of(parsed.tree)
        if loss and body.get("confirmed") is not True:
            return data_response({"error": f"{loss} Nothing was changed: it was not confirmed.", "loses": loss}, 409)
        properties = _texts(body, "properties")
        try:
            if step.kind is StepKind.CHANGE:
                answers = await run_in_threadpool(self._change, parsed, properties, actor_of(request))
            else:
                answers = await run_in_threadpool(self._client.execute, text, properties=properties)
        except BifrostError as error:
            return _problem(error)
        return data_response({"blocks": [block for entity in answers for block in blocks_of(entity)]})

    def _change(self, parsed: ParsedStatement, properties: Mapping[str, str], who: str) -> tuple[Json, ...]:
        with logged_statement(self._log, who, parsed):
            return self._client.execute(parsed.text, properties=properties)

    async def rows(self, request: Request) -> Response:
        """`POST /api/ksqldb/rows` with `statement` and `properties`: columns, then rows as they arrive.

        A push query and PRINT end when the page closes the connection.
        """
        body = await _body(request)
        text = _text(body, "statement")
        try:
            tree = parse_statement(text).tree
            head, reader = await run_in_threadpool(self._open, text, tree, _texts(body, "properties"))
        except BifrostError as error:
            return _problem(error)
        return RowsResponse(head, reader)

    def _open(self, text: str, tree: object, properties: Mapping[str, str]) -> tuple[Body, RowReader]:
        if isinstance(tree, PrintTopic):
            lines = self._client.print_topic(text, properties=properties)
            return {"lines": True}, RowReader(lines)
        if not isinstance(tree, Query):
            raise StatementError("Only SELECT and PRINT have rows.", text)
        rows = self._client.stream(text, properties=properties)
        head = {"columns": rows.columns, "types": rows.types}
        return head, RowReader(rows, limit=0 if tree.emit is not None else MAX_PULL_ROWS)


async def _body(request: Request) -> Body:
    try:
        found = orjson.loads(await read_body(request))
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {}


def _text(body: Body, name: str) -> str:
    found = body.get(name)
    return found if isinstance(found, str) else ""


def _texts(body: Body, name: str) -> dict[str, str]:
    found = body.get(name)
    entries = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in entries if isinstance(value, str)}


def _problem(error: BifrostError) -> Response:
    place = place_in(error)
    where = {"line": place[0], "column": place[1]} if place else {}
    # No answer is no fault of the statement.
    status = 503 if isinstance(error, RemoteError) and not getattr(error, "body", "") else 400
    return data_response({"error": message_of(error), **where}, status)
