"""The pages of the consumer groups: who they are and how far they are behind, and one with members and partitions."""

from __future__ import annotations

import html
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.clients.group_members import DescribedGroup
from bifrost.console.operated.endpoints import reading
from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages.page_frame import HEADERS, list_page, thing_page
from bifrost.errors import OperationRefused
from bifrost.operations.group_lag import GroupLag, group_lags, with_ages

_UNKNOWN = DescribedGroup("UNKNOWN", ())


def routes(pool: TargetPool) -> list[BaseRoute]:
    """The pages and their data."""
    listing = list_page(
        "/groups", "Consumer groups", nothing="No group matches.", entered="details", by="Filter by name or topic"
    )
    one = thing_page("/groups", "groups", "group")

    async def show(_request: Request) -> Response:
        return HTMLResponse(listing, headers=HEADERS)

    async def show_one(request: Request) -> Response:
        return HTMLResponse(one.substitute(name=html.escape(request.path_params["group"])), headers=HEADERS)

    return [
        Route("/groups", show, methods=["GET"]),
        # A group may have any name, also one with a slash.
        Route("/groups/{group:path}", show_one, methods=["GET"]),
        Route("/api/groups", reading(pool, _groups), methods=["GET"]),
        Route("/api/groups/{group:path}", reading(pool, _group), methods=["GET"]),
    ]


def _groups(target: OperatedTarget, _request: Request) -> Any:
    owners, problems = target.known_owners()
    lags = with_ages(group_lags(target.platform.kafka, owners), target.records, target.now_ms())
    described = target.platform.kafka.describe_groups([item.group for item in lags])
    return {"groups": [_summary(item, described.get(item.group, _UNKNOWN)) for item in lags], "problems": problems}


def _group(target: OperatedTarget, request: Request) -> Any:
    name = request.path_params["group"]
    kafka = target.platform.kafka
    owners, problems = target.known_owners()
    lags = group_lags(kafka, owners, wanted=lambda _owner, group: group == name)
    if not lags:
        raise OperationRefused(f"group {name} does not exist, or has not committed any offset")
    lag = with_ages(lags, target.records, target.now_ms())[0]
    described = kafka.describe_groups([name]).get(name, _UNKNOWN)
    return _summary(lag, described) | {
        "problems": problems,
        "partitions": [
            {
                "topic": part.topic,
                "partition": part.partition,
                "committed": part.committed,
                "end": part.end,
                "lag": part.lag,
                "behind_s": part.behind_s,
            }
            for part in lag.partitions
        ],
        "member_list": [
            {
                "client_id": member.client_id,
                "host": member.host.lstrip("/"),
                "partitions": [
                    f"{topic}-{number}" for topic, numbers in member.partitions.items() for number in numbers
                ],
            }
            for member in described.members
        ],
    }


def _summary(lag: GroupLag, described: DescribedGroup) -> dict[str, Any]:
    return {
        "group": lag.group,
        "owner": str(lag.owner),
        "kind": lag.owner.kind,
        "state": described.state,
        "members": len(described.members),
        "topics": sorted({part.topic for part in lag.partitions}),
        "lag": lag.lag,
        "behind_s": lag.behind_s,
    }
