"""The JSON API of the inbox: `/api/messages` lists what was sent, `/api/faults` injects faults."""

from __future__ import annotations

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bifrost.console.inbox.injected_faults import InjectedFaults, parse_fault
from bifrost.console.inbox.message_store import Inbox, is_timestamp
from bifrost.web.inputs import read_body, whole_number


def routes(inbox: Inbox, faults: InjectedFaults) -> list[Route]:
    """The routes of this API."""
    api = InboxApi(inbox, faults)
    return [
        Route("/api/messages", api.list_messages, methods=["GET"]),
        Route("/api/messages", api.clear_messages, methods=["DELETE"]),
        Route("/api/faults", api.list_faults, methods=["GET"]),
        Route("/api/faults", api.plan_fault, methods=["POST"]),
        Route("/api/faults", api.clear_faults, methods=["DELETE"]),
    ]


class InboxApi:
    """The endpoints of the inbox."""

    def __init__(self, inbox: Inbox, faults: InjectedFaults) -> None:
        self._inbox = inbox
        self._faults = faults

    async def list_messages(self, request: Request) -> Response:
        """`GET /api/messages?limit=N&since=TS`: the messages, newest last."""
        since, limit = request.query_params.get("since", ""), request.query_params.get("limit", "")
        count = whole_number(limit, 0)
        if limit and count is None:
            return _bad_request("limit must be a whole number")
        if not is_timestamp(since):
            return _bad_request("since is the ts of a message, e.g. 1528804500.000001")

        def read() -> bytes:
            found = self._inbox.messages(since=since, limit=count)
            return orjson.dumps([message.as_json() for message in found])

        return Response(await run_in_threadpool(read), media_type="application/json")

    async def clear_messages(self, _request: Request) -> Response:
        """`DELETE /api/messages`: empty the inbox."""
        return JSONResponse({"deleted": self._inbox.clear()})

    async def list_faults(self, _request: Request) -> Response:
        """`GET /api/faults`: the faults that have not happened yet."""
        return JSONResponse([fault.as_json() for fault in self._faults.planned()])

    async def plan_fault(self, request: Request) -> Response:
        """`POST /api/faults`: make the next calls of a method fail."""
        try:
            fault = parse_fault(orjson.loads(await read_body(request)))
        except ValueError as error:
            return _bad_request(str(error))
        self._faults.plan(fault)
        return JSONResponse(fault.as_json(), 201)

    async def clear_faults(self, _request: Request) -> Response:
        """`DELETE /api/faults`: remove all faults."""
        self._faults.clear()
        return JSONResponse({})


def _bad_request(problem: str) -> Response:
    return JSONResponse({"error": problem}, 400)
