"""The pages of the schemas: the subjects, and the versions of one with what differs between two of them."""

from __future__ import annotations

import html
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.clients.schema_registry import SubjectVersion
from bifrost.console.operated.endpoints import reading
from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages.page_frame import HEADERS, list_page, thing_page
from bifrost.errors import OperationRefused

MAX_DESCRIBED = 500
"""Subjects of which the newest version is read for the list."""
MAX_VERSIONS = 50


def routes(pool: TargetPool) -> list[BaseRoute]:
    """The pages and their data."""
    listing = list_page("/schemas", "Schemas", nothing="No subject matches.", entered="versions")
    one = thing_page("/schemas", "schemas", "schema")

    async def show(_request: Request) -> Response:
        return HTMLResponse(listing, headers=HEADERS)

    async def show_one(request: Request) -> Response:
        return HTMLResponse(one.substitute(name=html.escape(request.path_params["subject"])), headers=HEADERS)

    return [
        Route("/schemas", show, methods=["GET"]),
        # A subject of Protobuf is the path of a file.
        Route("/schemas/{subject:path}", show_one, methods=["GET"]),
        Route("/api/schemas", reading(pool, _subjects), methods=["GET"]),
        Route("/api/schemas/{subject:path}", reading(pool, _subject), methods=["GET"]),
    ]


def _subjects(target: OperatedTarget, _request: Request) -> Any:
    registry = target.platform.registry
    found = []
    for number, subject in enumerate(registry.subjects()):
        latest = registry.latest(subject) if number < MAX_DESCRIBED else None
        entry: dict[str, Any] = {"subject": subject, "version": None, "id": None, "type": ""}
        if latest is not None:
            entry |= {"version": latest.version, "id": latest.id, "type": latest.type}
        found.append(entry)
    return {"subjects": found}


def _subject(target: OperatedTarget, request: Request) -> Any:
    registry, subject = target.platform.registry, request.path_params["subject"]
    numbers = registry.versions(subject)
    if not numbers:
        raise OperationRefused(f"subject {subject} does not exist")
    versions = [registry.version(subject, number) for number in numbers[-MAX_VERSIONS:]]
    return {
        "subject": subject,
        "rule": registry.rule(subject),
        "count": len(numbers),
        "versions": [_version_json(version) for version in reversed(versions) if version is not None],
    }


def _version_json(version: SubjectVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "id": version.id,
        "type": version.type,
        "schema": version.schema,
        "references": [
            f"{reference.name}: {reference.subject} version {reference.version}" for reference in version.references
        ],
    }
