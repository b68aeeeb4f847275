"""Actions: planned, confirmed with the token of the plan, logged; and the page of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.console.operated.actor import actor_of
from bifrost.console.operated.endpoints import InvalidParameter, posted, problem
from bifrost.console.operated.pending_actions import PendingActions, PlannedAction
from bifrost.console.operated.planned_actions import PLANNERS, Planner
from bifrost.console.operated.target_pool import TargetPool
from bifrost.console.pages.page_frame import HEADERS, data_response, page_template
from bifrost.errors import BifrostError
from bifrost.operations.action_log import ActionLog

SHOWN = 500


def routes(pool: TargetPool, log: ActionLog, planners: Mapping[str, Planner] = PLANNERS) -> list[BaseRoute]:
    """The page, the log, and the two steps of every action."""
    page = page_template("actions.html", "/actions").substitute()
    actions = Actions(pool, log, planners)

    async def show(_request: Request) -> Response:
        return HTMLResponse(page, headers=HEADERS)

    return [
        Route("/actions", show, methods=["GET"]),
        Route("/api/actions", actions.list, methods=["GET"]),
        Route("/api/actions/plan", actions.plan, methods=["POST"]),
        Route("/api/actions/carry-out", actions.carry_out, methods=["POST"]),
    ]


class Actions:
    """The endpoints."""

    def __init__(self, pool: TargetPool, log: ActionLog, planners: Mapping[str, Planner]) -> None:
        self._pool = pool
        self._log = log
        self._planners = planners
        self._pending = PendingActions()

    async def list(self, _request: Request) -> Response:
        """`GET /api/actions`: the newest actions."""
        found = await run_in_threadpool(self._log.newest, SHOWN)
        return data_response({"actions": [asdict(entry) for entry in found]})

    async def plan(self, request: Request) -> Response:
        """`POST /api/actions/plan {"action": NAME, ...}`: what it would do, and the token that confirms it."""
        try:
            body = await posted(request)
            planner = self._planners.get(str(body.get("action")))
            if planner is None:
                raise InvalidParameter(f"action must be one of {', '.join(sorted(self._planners))}")
            planned = await run_in_threadpool(self._planned, planner, body)
        except (InvalidParameter, BifrostError) as error:
            return problem(error)
        return data_response(
            {
                "token": self._pending.add(planned) if planned.is_change else "",
                "action": planned.action,
                "thing": planned.thing,
                "lines": planned.lines,
                "loses": planned.loses,
            }
        )

    async def carry_out(self, request: Request) -> Response:
        """`POST /api/actions/carry-out {"token": TOKEN}`: does what was planned; the answer says what was done."""
        try:
            body = await posted(request)
            planned = self._pending.take(str(body.get("token")))
            return data_response({"result": await run_in_threadpool(self._carried_out, planned, actor_of(request))})
        except (InvalidParameter, BifrostError) as error:
            return problem(error)

    def _planned(self, planner: Planner, body: Mapping[str, Any]) -> PlannedAction:
        with self._pool.target() as target:
            return planner(target, body)

    def _carried_out(self, planned: PlannedAction, who: str) -> str:
        with self._log.logged(who, planned.action, planned.thing, planned.lines) as result:
            with self._pool.target() as target:
                result.text = planned.carry_out(target)
        return result.text
