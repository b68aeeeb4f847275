"""The pages of the dead letters: the queues with rejected files, and the letters of one queue."""

from __future__ import annotations

import html
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.console.operated.endpoints import InvalidParameter, reading
from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages.page_frame import HEADERS, page_template, thing_page
from bifrost.operations.dead_letter_queues import DeadLetterQueue, LetterSelection
from bifrost.operations.dead_letter_text import letter_json
from bifrost.operations.record_text import RecordText
from bifrost.redaction import redact_text
from bifrost.web.inputs import whole_number

MAX_LETTERS = 500
_REDACTED = ("reason", "exception")
_MAX_TEXT = 16_000
_KEYS = "<kbd>j</kbd> <kbd>k</kbd> next, previous letter <kbd>Enter</kbd> details <kbd>r</kbd> replay"


def routes(pool: TargetPool) -> list[BaseRoute]:
    """The pages and their data."""
    listing = page_template("dead_letters.html", "/dead-letters").substitute()
    one = thing_page("/dead-letters", "dead letters", "dead_letter_queue", _KEYS)

    async def show(_request: Request) -> Response:
        return HTMLResponse(listing, headers=HEADERS)

    async def show_one(request: Request) -> Response:
        return HTMLResponse(one.substitute(name=html.escape(request.path_params["topic"])), headers=HEADERS)

    return [
        Route("/dead-letters", show, methods=["GET"]),
        Route("/dead-letters/{topic}", show_one, methods=["GET"]),
        Route("/api/dead-letters", reading(pool, _queues), methods=["GET"]),
        Route("/api/dead-letters/{topic}", reading(pool, _letters), methods=["GET"]),
    ]


def _queues(target: OperatedTarget, _request: Request) -> Any:
    files = target.rejected_files()
    return {
        "queues": [_queue_json(queue) for queue in target.dead_letters().queues()],
        "files": [{"file": str(file.folder / file.name), "cause": file.cause} for file in files],
        "source": str(files[0].folder.parent / "source") if files else "",
    }


def _letters(target: OperatedTarget, request: Request) -> Any:
    """`GET /api/dead-letters/NAME?limit=N`: the newest letters of a queue, newest first."""
    limit = whole_number(request.query_params.get("limit", "50"), 1, MAX_LETTERS)
    if limit is None:
        raise InvalidParameter(f"limit must be a whole number from 1 to {MAX_LETTERS}")
    queues = target.dead_letters()
    queue = queues.find(request.path_params["topic"])
    reader = RecordText(target.platform.registry)
    letters = queues.letters(queue, LetterSelection(limit=limit))
    entries = [letter_json(letter, queues.replayed_to(letter), reader) for letter in reversed(letters)]
    for entry, letter in zip(entries, reversed(letters), strict=True):
        entry |= {name: redact_text(entry[name], target.secrets) for name in _REDACTED}
        entry |= {"place": f"{letter.record.partition}@{letter.record.offset}", "time_ms": letter.record.timestamp_ms}
        entry["headers"] = {
            name: {**value, "text": redact_text(value["text"][:_MAX_TEXT], target.secrets)}
            for name, value in entry["headers"].items()
        }
        entry["value"]["is_cut"] = len(entry["value"]["text"]) > _MAX_TEXT
        entry["value"]["text"] = entry["value"]["text"][:_MAX_TEXT]
    return {"queue": _queue_json(queue), "letters": entries}


def _queue_json(queue: DeadLetterQueue) -> dict[str, Any]:
    return {
        "topic": queue.topic,
        "owner": str(queue.owner),
        "letters": queue.letters,
        "replayed": queue.replayed,
        "newest_ms": queue.newest_ms,
    }
