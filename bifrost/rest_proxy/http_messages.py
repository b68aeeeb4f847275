"""What requests carry, and how they are answered."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from bifrost.rest_proxy.formats import Media, mapping, media_of
from bifrost.rest_proxy.proxied_consumer import Partition
from bifrost.rest_proxy.proxy_error import ProxyError

BODY_LIMIT = 16 * 1024 * 1024


async def read_body(request: Request) -> tuple[Media, Any]:
    """The media type and the JSON of a request.

    Raises:
        ProxyError: the type is another one, there is too much of it, or it is not JSON.
    """
    media = media_of(request.headers.get("content-type", "none"))
    if media is None:
        raise ProxyError(415, "HTTP 415 Unsupported Media Type: send application/vnd.kafka.json.v2+json or the like")
    data = await _limited(request)
    try:
        return media, orjson.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProxyError(400, f"Bad Request: not JSON: {error}") from error


async def read_optional_body(request: Request) -> Any:
    """The JSON of a request that may have none (then `{}`)."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    return (await read_body(request))[1] if has_body else {}


async def _limited(request: Request) -> bytes:
    """The bytes of a request, of which no more than the limit is ever held."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_LIMIT:
            raise ProxyError(413, f"HTTP 413 Request Entity Too Large: over {BODY_LIMIT} bytes; send fewer records")
    return bytes(data)


def accepted_media(request: Request) -> Media:
    """What a reader of records wants to get.

    Raises:
        ProxyError: something that there is not.
    """
    media = media_of(request.headers.get("accept", ""))
    if media is None:
        raise ProxyError(406, "HTTP 406 Not Acceptable: ask for application/vnd.kafka.json.v2+json or the like")
    return media


def number(request: Request, name: str) -> int | None:
    """A whole number of the query; `None` where it says nothing, or (as in Confluent's) a number below 0."""
    value = request.query_params.get(name, "-1")
    if not value.removeprefix("-").isdecimal() or len(value) > 18:
        raise ProxyError(400, f"{name} must be a whole number")
    return int(value) if int(value) >= 0 else None


def partitions(body: object) -> list[Partition]:
    """The partitions that a request names: `{"partitions": [{"topic": "a", "partition": 0}]}`."""
    return [_place(entry, "partitions") for entry in _entries(body, "partitions")]


def offsets(body: object) -> dict[Partition, int]:
    """The offsets that a request names: `{"offsets": [{"topic": "a", "partition": 0, "offset": 7}]}`."""
    found = {}
    for entry in _entries(body, "offsets"):
        place = _place(entry, "offsets")
        found[place] = _natural(mapping(entry, "an entry of offsets").get("offset"), "offset of an entry of offsets")
    return found


def _entries(body: object, name: str) -> list[Any]:
    entries = mapping(body, "the request").get(name)
    if not isinstance(entries, list):
        raise ProxyError(422, f"{name} must be a list")
    return entries


def _place(entry: object, of: str) -> Partition:
    found = mapping(entry, f"an entry of {of}")
    topic = found.get("topic")
    if not isinstance(topic, str):
        raise ProxyError(422, f"topic of an entry of {of} must be a name")
    return topic, _natural(found.get("partition"), f"partition of an entry of {of}")


def _natural(value: object, what: str) -> int:
    if type(value) is not int or not 0 <= value < 2**62:
        raise ProxyError(422, f"{what} must be a whole number")
    return value


def answer(request: Request, content: object, status: int = 200) -> Response:
    """JSON in the media type that was asked for."""
    media = media_of(request.headers.get("accept", "")) or Media()
    return Response(orjson.dumps(content), status_code=status, media_type=media.name)
