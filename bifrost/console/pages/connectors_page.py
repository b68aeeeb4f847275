"""The pages of the connectors: their states, and one with its tasks, configuration, offsets and topics."""

from __future__ import annotations

import html
import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.clients.connect import ConnectorStatus, root_cause
from bifrost.console.operated.config_actions import config_in
from bifrost.console.operated.endpoints import InvalidParameter, posted, problem, reading
from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages.page_frame import HEADERS, data_response, list_page, thing_page
from bifrost.errors import BifrostError, OperationRefused, RemoteError
from bifrost.operations.connector_configs import check_config, edited_config
from bifrost.redaction import redact_config, redact_text

_BROKEN = "FAILED"
_MAX_CAUSE = 1_000


def routes(pool: TargetPool) -> list[BaseRoute]:
    """The pages and their data."""
    listing = list_page("/connectors", "Connectors", nothing="No connector matches.", entered="details")
    one = thing_page("/connectors", "connectors", "connector")

    async def show(_request: Request) -> Response:
        return HTMLResponse(listing, headers=HEADERS)

    async def show_one(request: Request) -> Response:
        return HTMLResponse(one.substitute(name=html.escape(request.path_params["name"])), headers=HEADERS)

    async def validate(request: Request) -> Response:
        """`POST /api/connectors/NAME/validate {"config": {...}}`: what Connect finds wrong; nothing is changed."""
        try:
            config = config_in(await posted(request))
            found = await run_in_threadpool(_problems, pool, request.path_params["name"], config)
        except (InvalidParameter, BifrostError) as error:
            return problem(error)
        return data_response({"problems": found})

    return [
        Route("/connectors", show, methods=["GET"]),
        # A connector may have any name, also one with a slash.
        Route("/connectors/{name:path}", show_one, methods=["GET"]),
        Route("/api/connectors", reading(pool, _connectors), methods=["GET"]),
        Route("/api/connectors/{name:path}", reading(pool, _connector), methods=["GET"]),
        Route("/api/connectors/{name:path}/validate", validate, methods=["POST"]),
    ]


def _problems(pool: TargetPool, name: str, config: dict[str, str]) -> list[dict[str, Any]]:
    with pool.target() as target:
        connect = target.platform.connect
        found = check_config(connect, name, edited_config(connect, name, config))
        return [{"key": item.key, "text": item.text, "is_error": item.is_error} for item in found]


def _connectors(target: OperatedTarget, _request: Request) -> Any:
    connect = target.platform.connect
    configs = connect.configs()
    return {
        "connectors": [
            _status_json(status, target.secrets, with_traces=False)
            | {"class": configs.get(name, {}).get("connector.class", "").rpartition(".")[2]}
            for name, status in sorted(connect.statuses().items())
        ]
    }


def _connector(target: OperatedTarget, request: Request) -> Any:
    connect, name = target.platform.connect, request.path_params["name"]
    status, config = connect.status(name), connect.config(name)
    if config is None:
        raise OperationRefused(f"connector {name} does not exist")
    found = (
        {"name": name, "state": "", "type": "", "tasks": []} if status is None else _status_json(status, target.secrets)
    )
    problems = []
    try:
        offsets = connect.offsets(name)
    except RemoteError as error:  # workers older than Kafka 3.5 have none
        offsets = []
        problems.append(str(error))
    return found | {
        "config": dict(sorted(redact_config({k: v for k, v in config.items() if k != "name"}).items())),
        "topics": list(connect.topics(name)),
        "offsets": offsets,
        # Browsers would round numbers beyond 53 bits in what they parse, and a person sends this text back.
        "offsets_text": ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in offsets),
        "problems": problems,
    }


def _status_json(status: ConnectorStatus, secrets: tuple[str, ...], *, with_traces: bool = True) -> dict[str, Any]:
    """The state in JSON; the list needs no traces, which are long."""

    def shown(trace: str) -> str:
        return redact_text(trace, secrets) if with_traces else ""

    failed = [task for task in status.tasks if task.state == _BROKEN]
    trace = next((trace for trace in (status.trace, *(task.trace for task in failed)) if trace), "")
    return {
        "name": status.name,
        "type": status.type,
        "state": _BROKEN if failed else status.state,
        "worker": status.worker,
        "cause": redact_text(root_cause(trace), secrets)[:_MAX_CAUSE],
        "trace": shown(status.trace),
        "tasks": [
            {"id": task.id, "state": task.state, "worker": task.worker, "trace": shown(task.trace)}
            for task in status.tasks
        ],
    }
