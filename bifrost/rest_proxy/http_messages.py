"""Reads the bodies and parameters of requests, and writes answers."""

from __future__ import annotations

import re
from typing import Any, TypeGuard

from starlette.requests import Request
from starlette.responses import Response

from bifrost.clients import exact_json
from bifrost.clients.consumer_group import Partition
from bifrost.rest_proxy.formats import MediaType, media_of, require_object
from bifrost.rest_proxy.proxy_error import ProxyError

MAX_BODY_BYTES = 16 * 1024 * 1024


async def read_body(request: Request) -> tuple[MediaType, Any]:
    """Return the media type and the JSON of a request.

    Raises:
        ProxyError: the type is not supported (415), the body is too large (413), or it is not JSON (400).
    """
    # An Accept header may be missing; a body's type may not, and an empty text would be accepted.
    media = media_of(request.headers.get("content-type", "none"))
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ProxyError(415, "HTTP 415 Unsupported Media Type: send the body without Content-Encoding")
    if media is None:
        raise ProxyError(415, "HTTP 415 Unsupported Media Type: send for example application/vnd.kafka.json.v2+json")
    data = await _read_limited(request)
    try:
        return media, exact_json.loads(data)
    except ValueError as error:
        raise ProxyError(400, f"Bad Request: {error}") from error


async def read_optional_body(request: Request) -> Any:
    """Return the JSON of a request, `{}` if it has no body."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    return (await read_body(request))[1] if has_body else {}


async def _read_limited(request: Request) -> bytes:
    """Return the body of a request; it stops reading at the size limit."""
    data = bytearray()
    # Counted while it arrives: a chunked body has no Content-Length.
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise ProxyError(413, f"HTTP 413 Request Entity Too Large: over {MAX_BODY_BYTES} bytes; send fewer records")
    return bytes(data)


def accepted_media(request: Request) -> MediaType:
    """Return the media type that a reader of records accepts.

    Raises:
        ProxyError: it is not supported (406).
    """
    media = media_of(request.headers.get("accept", ""))
    if media is None:
        raise ProxyError(406, "HTTP 406 Not Acceptable: accept for example application/vnd.kafka.json.v2+json")
    return media


def number(request: Request, name: str) -> int | None:
    """Return an integer query parameter; `None` if it is missing or, as in Confluent's proxy, negative."""
    value = request.query_params.get(name, "-1")
    if not re.fullmatch(r"-?[0-9]{1,17}", value):
        raise ProxyError(400, f"{name} must be an integer")
    return int(value) if int(value) >= 0 else None


def is_topic_name(name: object) -> TypeGuard[str]:
    """Return whether Kafka allows a topic of this name."""
    return isinstance(name, str) and re.fullmatch(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}", name) is not None


def partitions(body: object) -> list[Partition]:
    """Return the partitions in a request: `{"partitions": [{"topic": "a", "partition": 0}]}`."""
    return [_partition(entry, "partitions") for entry in _entries(body, "partitions")]


def offsets(body: object) -> dict[Partition, int]:
    """Return the offsets in a request: `{"offsets": [{"topic": "a", "partition": 0, "offset": 7}]}`."""
    found = {}
    for entry in _entries(body, "offsets"):
        partition = _partition(entry, "offsets")
        found[partition] = _non_negative(
            require_object(entry, "an entry of offsets").get("offset"), "offset of an entry of offsets"
        )
    return found


def _entries(body: object, name: str) -> list[Any]:
    entries = require_object(body, "the request").get(name)
    if not isinstance(entries, list):
        raise ProxyError(422, f"{name} must be a list")
    return entries


def _partition(entry: object, of: str) -> Partition:
    found = require_object(entry, f"an entry of {of}")
    topic = found.get("topic")
    if not is_topic_name(topic):
        raise ProxyError(422, f"the topic of an entry of {of} must be a topic name")
    # Kafka's protocol holds a partition's number in 32 bits.
    number = _non_negative(found.get("partition"), f"partition of an entry of {of}", below=2**31)
    return Partition(topic, number)


def _non_negative(value: object, field: str, *, below: int = 2**62) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise ProxyError(422, f"{field} must be a non-negative integer")
    return value


def answer(request: Request, content: object, status: int = 200) -> Response:
    """Return JSON in the requested media type."""
    media = media_of(request.headers.get("accept", "")) or MediaType()
    return Response(exact_json.dumps(content), status_code=status, media_type=media.name)
