"""The proxy's routes, and how it is served."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bifrost.clients import schema_registry
from bifrost.clients.proxied import ProxiedConsumer, RecordPlacer
from bifrost.errors import RemoteError
from bifrost.rest_proxy.consuming import MAX_BYTES, TIMEOUT_S, Instances
from bifrost.rest_proxy.formats import Media, Schemas, mapping, media_of
from bifrost.rest_proxy.problems import RETRIABLE, TOPIC_NOT_FOUND, ProxyError
from bifrost.rest_proxy.producing import produce
from bifrost.settings import Settings

LOOK_EVERY_S = 10.0
BODY_LIMIT = 16 * 1024 * 1024


class Proxy:
    """The requests, over Kafka and the registry."""

    def __init__(self, placer: RecordPlacer, schemas: Schemas, instances: Instances) -> None:
        self._placer = placer
        self._schemas = schemas
        self.instances = instances

    def routes(self) -> list[Route]:
        """All routes."""
        instance = "/consumers/{group}/instances/{name}"
        return [
            Route("/", self.root, methods=["GET"]),
            Route("/topics", self.topics, methods=["GET"]),
            Route("/topics/{topic}", self.topic, methods=["GET"]),
            Route("/topics/{topic}", self.produce, methods=["POST"]),
            Route("/topics/{topic}/partitions", self.partitions, methods=["GET"]),
            Route("/topics/{topic}/partitions/{partition:int}", self.produce, methods=["POST"]),
            Route("/consumers/{group}", self.create, methods=["POST"]),
            Route(instance, self.delete, methods=["DELETE"]),
            Route(f"{instance}/subscription", self.subscribe, methods=["POST"]),
            Route(f"{instance}/subscription", self.subscription, methods=["GET"]),
            Route(f"{instance}/subscription", self.unsubscribe, methods=["DELETE"]),
            Route(f"{instance}/records", self.records, methods=["GET"]),
            Route(f"{instance}/topics/{{topic}}", self.records, methods=["GET"]),
            Route(f"{instance}/offsets", self.commit, methods=["POST"]),
            Route(f"{instance}/offsets", self.committed, methods=["GET"]),
        ]

    async def root(self, request: Request) -> Response:
        """It is there."""
        return _answer(request, {})

    async def topics(self, request: Request) -> Response:
        """The names of all topics."""
        found = await run_in_threadpool(self._placer.topics)
        return _answer(request, sorted(name for name in found if not name.startswith("__")))

    async def topic(self, request: Request) -> Response:
        """A topic with its partitions."""
        name = request.path_params["topic"]
        return _answer(request, {"name": name, "configs": {}, "partitions": await self._partitions(name)})

    async def partitions(self, request: Request) -> Response:
        """A topic's partitions."""
        return _answer(request, await self._partitions(request.path_params["topic"]))

    async def produce(self, request: Request) -> Response:
        """Records to a topic, or to a partition of it."""
        media, body = await _body(request)
        topic, partition = request.path_params["topic"], request.path_params.get("partition")
        work = (self._placer, self._schemas, topic, media.format or "binary", body)
        return _answer(request, await run_in_threadpool(produce, *work, partition=partition))

    async def create(self, request: Request) -> Response:
        """A consumer instance."""
        _, body = await _body(request)
        group = request.path_params["group"]
        name = await run_in_threadpool(self.instances.create, group, body)
        base = f"{request.url.scheme}://{request.url.netloc}/consumers/{group}/instances/{name}"
        return _answer(request, {"instance_id": name, "base_uri": base})

    async def delete(self, request: Request) -> Response:
        """An instance's end."""
        await run_in_threadpool(self.instances.delete, *_instance(request))
        return Response(status_code=204)

    async def subscribe(self, request: Request) -> Response:
        """What an instance reads, anew."""
        _, body = await _body(request)
        topics = mapping(body, "the request").get("topics")
        if not isinstance(topics, list) or not topics or not all(isinstance(name, str) and name for name in topics):
            raise ProxyError(422, "topics must be a list of names")
        await run_in_threadpool(self.instances.subscribe, *_instance(request), topics)
        return Response(status_code=204)

    async def subscription(self, request: Request) -> Response:
        """What an instance reads."""
        return _answer(request, {"topics": await run_in_threadpool(self.instances.topics, *_instance(request))})

    async def unsubscribe(self, request: Request) -> Response:
        """Let an instance read nothing."""
        await run_in_threadpool(self.instances.subscribe, *_instance(request), ())
        return Response(status_code=204)

    async def records(self, request: Request) -> Response:
        """The next records."""
        media = _accepted(request)
        topic = request.path_params.get("topic", "")
        found = await run_in_threadpool(
            self.instances.read,
            *_instance(request),
            media.format,
            timeout_s=_number(request, "timeout", int(TIMEOUT_S * 1000)) / 1000,
            max_bytes=_number(request, "max_bytes", MAX_BYTES),
            topic=topic,
        )
        if topic:  # v1 leaves it out
            found = [{name: part for name, part in record.items() if name != "topic"} for record in found]
        return _answer(request, found)

    async def commit(self, request: Request) -> Response:
        """The group's new position."""
        has_body = bool(await request.body())
        _, body = await _body(request) if has_body else (None, {})
        entries = mapping(body, "the request").get("offsets")
        # A commit names the last record that was dealt with; the group stands behind it.
        places = None if entries is None else {place: offset + 1 for place, offset in _places(entries).items()}
        await run_in_threadpool(self.instances.commit, *_instance(request), places)
        return Response(status_code=200)

    async def committed(self, request: Request) -> Response:
        """The group's position."""
        _, body = await _body(request)
        asked = list(_places(mapping(body, "the request").get("partitions"), with_offset=False))
        found = await run_in_threadpool(self.instances.committed, *_instance(request), asked)
        offsets = [
            {"topic": topic, "partition": number, "offset": offset, "metadata": ""}
            for (topic, number), offset in found.items()
        ]
        return _answer(request, {"offsets": offsets})

    async def _partitions(self, topic: str) -> list[dict[str, Any]]:
        count = await run_in_threadpool(self._placer.partitions, topic)
        if count is None:
            raise ProxyError(*TOPIC_NOT_FOUND)
        return [{"partition": number} for number in range(count)]


def create_app(placer: RecordPlacer, schemas: Schemas, instances: Instances) -> Starlette:
    """The proxy as an application; it closes its consumers at its end."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(_close_idle(instances))
        try:
            yield
        finally:
            looking.cancel()
            await run_in_threadpool(instances.close)
            await run_in_threadpool(placer.close)

    handlers: Mapping[Any, Any] = {ProxyError: _refused, RemoteError: _failed, HTTPException: _no_route}
    return Starlette(routes=Proxy(placer, schemas, instances).routes(), exception_handlers=handlers, lifespan=lifespan)


def app_of(settings: Settings) -> Starlette:
    """The proxy of a target.

    Raises:
        SettingError: the settings make no client.
    """
    client = settings.kafka_client()

    def open_reader(group: str, reset: str, commits_itself: bool) -> ProxiedConsumer:
        return ProxiedConsumer(client, group, reset=reset, commits_itself=commits_itself)

    schemas = Schemas(schema_registry.from_settings(settings, patience_s=5))
    return create_app(RecordPlacer(client), schemas, Instances(open_reader, schemas, clock=time.monotonic))


async def _close_idle(instances: Instances) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        await run_in_threadpool(instances.close_idle)


async def _body(request: Request) -> tuple[Media, Any]:
    media = media_of(request.headers.get("content-type", ""))
    if media is None:
        raise ProxyError(415, "HTTP 415 Unsupported Media Type")
    data = await request.body()
    if len(data) > BODY_LIMIT:
        raise ProxyError(413, "HTTP 413 Request Entity Too Large")
    try:
        return media, json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProxyError(400, f"Bad Request: {error}") from error


def _accepted(request: Request) -> Media:
    media = media_of(request.headers.get("accept", ""))
    if media is None:
        raise ProxyError(406, "HTTP 406 Not Acceptable")
    return media


def _places(entries: object, *, with_offset: bool = True) -> dict[tuple[str, int], int]:
    if not isinstance(entries, list):
        raise ProxyError(422, "offsets must be a list")
    places = {}
    for entry in entries:
        found = mapping(entry, "an offset")
        topic, number, offset = found.get("topic"), found.get("partition"), found.get("offset", 0)
        if not isinstance(topic, str) or type(number) is not int or type(offset) is not int:
            raise ProxyError(422, "an offset has a topic, a partition" + (" and an offset" if with_offset else ""))
        places[topic, number] = offset
    return places


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isdigit():
        raise ProxyError(400, f"{name} must be a whole number")
    return int(value)


def _instance(request: Request) -> tuple[str, str]:
    return request.path_params["group"], request.path_params["name"]


def _answer(request: Request, content: object, status: int = 200) -> Response:
    media = media_of(request.headers.get("accept", "")) or Media()
    return Response(json.dumps(content, ensure_ascii=False), status_code=status, media_type=media.name)


def _refused(request: Request, error: ProxyError) -> Response:
    return _answer(request, {"error_code": error.code, "message": error.message}, error.status)


def _failed(request: Request, error: RemoteError) -> Response:
    return _answer(request, {"error_code": RETRIABLE, "message": str(error)}, 500)


def _no_route(request: Request, error: HTTPException) -> Response:
    content = {"error_code": error.status_code, "message": f"HTTP {error.status_code} {error.detail}"}
    return _answer(request, content, error.status_code)
