"""`/consumers`: instances, what they read, where they stand, and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bifrost.rest_proxy.consumer_instances import MAX_BYTES, MAX_INSTANCES, ConsumerInstances, Reader
from bifrost.rest_proxy.formats import mapping
from bifrost.rest_proxy.http_messages import (
    accepted_media,
    answer,
    number,
    offsets,
    partitions,
    read_body,
    read_optional_body,
)
from bifrost.rest_proxy.proxied_consumer import Partition
from bifrost.rest_proxy.proxy_error import EXCLUSIVE, ILLEGAL_STATE, ProxyError

T = TypeVar("T")


class ConsumerRoutes:
    """The requests about consumer instances."""

    def __init__(self, instances: ConsumerInstances) -> None:
        self._instances = instances
        # Reads wait for records: they must not take the threads of those that do not.
        self._readers = CapacityLimiter(MAX_INSTANCES)

    def routes(self) -> list[Route]:
        """All routes."""
        instance = "/consumers/{group}/instances/{name}"
        return [
            Route("/consumers/{group}", self.create, methods=["POST"]),
            Route(instance, self.delete, methods=["DELETE"]),
            Route(f"{instance}/subscription", self.subscribe, methods=["POST"]),
            Route(f"{instance}/subscription", self.subscription, methods=["GET"]),
            Route(f"{instance}/subscription", self.unsubscribe, methods=["DELETE"]),
            Route(f"{instance}/assignments", self.assign, methods=["POST"]),
            Route(f"{instance}/assignments", self.assignments, methods=["GET"]),
            Route(f"{instance}/positions", self.seek, methods=["POST"]),
            Route(f"{instance}/positions/beginning", self.seek_to_beginning, methods=["POST"]),
            Route(f"{instance}/positions/end", self.seek_to_end, methods=["POST"]),
            Route(f"{instance}/records", self.records, methods=["GET"]),
            Route(f"{instance}/topics/{{topic}}", self.records, methods=["GET"]),
            Route(f"{instance}/offsets", self.commit, methods=["POST"]),
            Route(f"{instance}/offsets", self.committed, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """A consumer instance."""
        body = await read_optional_body(request)
        group = request.path_params["group"]
        name = await run_in_threadpool(self._instances.create, group, body)
        base = f"{request.url.scheme}://{request.url.netloc}/consumers/{group}/instances/{name}"
        return answer(request, {"instance_id": name, "base_uri": base})

    async def delete(self, request: Request) -> Response:
        """An instance's end."""
        await run_in_threadpool(self._instances.delete, *_instance(request))
        return Response(status_code=204)

    async def subscribe(self, request: Request) -> Response:
        """What an instance reads, anew: topics, or a pattern of their names."""
        body = mapping((await read_body(request))[1], "the request")
        topics, pattern = body.get("topics"), body.get("topic_pattern")
        if topics is not None and pattern is not None:
            raise ProxyError(*EXCLUSIVE)
        is_list = isinstance(topics, list) and all(isinstance(name, str) and name for name in topics)
        if not is_list and not (isinstance(pattern, str) and pattern):
            raise ProxyError(422, "topics must be a list of names, or topic_pattern a regular expression")

        def work(reader: Reader) -> None:
            if reader.is_manually_assigned or (reader.pattern if topics else reader.topics):
                raise ProxyError(*EXCLUSIVE)
            if is_list:
                reader.subscribe(topics or ())
            else:
                reader.subscribe_pattern(str(pattern))

        await self._with_reader(request, work)
        return Response(status_code=204)

    async def subscription(self, request: Request) -> Response:
        """What an instance reads; of a pattern the topics that it got."""

        def work(reader: Reader) -> list[str]:
            return sorted({topic for topic, _ in reader.assignment()}) if reader.pattern else list(reader.topics)

        return answer(request, {"topics": await self._with_reader(request, work)})

    async def unsubscribe(self, request: Request) -> Response:
        """Let an instance read nothing."""
        await self._with_reader(request, lambda reader: reader.unsubscribe())
        return Response(status_code=204)

    async def assign(self, request: Request) -> Response:
        """Partitions for an instance to read, whoever else of its group does."""
        places = partitions((await read_body(request))[1])

        def work(reader: Reader) -> None:
            if reader.topics or reader.pattern:
                raise ProxyError(*EXCLUSIVE)
            reader.assign(places)

        await self._with_reader(request, work)
        return Response(status_code=204)

    async def assignments(self, request: Request) -> Response:
        """The partitions that an instance reads now."""
        found = await self._with_reader(request, lambda reader: reader.assignment())
        return answer(request, {"partitions": [{"topic": topic, "partition": number} for topic, number in found]})

    async def seek(self, request: Request) -> Response:
        """Where an instance goes on."""
        places = offsets((await read_body(request))[1])

        def work(reader: Reader) -> None:
            _refuse_unread(reader, places)
            reader.seek(places)

        await self._with_reader(request, work)
        return Response(status_code=204)

    async def seek_to_beginning(self, request: Request) -> Response:
        """Let an instance go on at the first records of partitions."""
        return await self._seek_to_bound(request, 0)

    async def seek_to_end(self, request: Request) -> Response:
        """Let an instance go on behind the last records of partitions."""
        return await self._seek_to_bound(request, 1)

    async def _seek_to_bound(self, request: Request, side: int) -> Response:
        places = partitions((await read_body(request))[1])

        def work(reader: Reader) -> None:
            _refuse_unread(reader, places)
            reader.seek({place: bounds[side] for place, bounds in reader.bounds(places).items()})

        await self._with_reader(request, work)
        return Response(status_code=204)

    async def records(self, request: Request) -> Response:
        """The next records."""
        media, place = accepted_media(request), _instance(request)
        topic = request.path_params.get("topic", "")
        timeout_ms = number(request, "timeout")
        timeout_s = None if timeout_ms is None else timeout_ms / 1000
        max_bytes = number(request, "max_bytes") or MAX_BYTES
        read = partial(
            self._instances.read, *place, media.format, timeout_s=timeout_s, max_bytes=max_bytes, topic=topic
        )
        found = await run_sync(read, limiter=self._readers)
        if topic:  # v1 leaves it out
            found = [{name: part for name, part in record.items() if name != "topic"} for record in found]
        return answer(request, found)

    async def commit(self, request: Request) -> Response:
        """The group's new position: behind the records that are named, or behind all that were read."""
        body = await read_optional_body(request)
        # A commit names the last record that was dealt with; the group stands behind it.
        places = {place: offset + 1 for place, offset in offsets(body).items()} if body else None
        await self._with_reader(request, lambda reader: reader.commit(places))
        return answer(request, [])

    async def committed(self, request: Request) -> Response:
        """The group's position."""
        asked = partitions((await read_body(request))[1])
        found = await self._with_reader(request, lambda reader: reader.committed(asked))
        places = [
            {"topic": topic, "partition": number, "offset": offset, "metadata": ""}
            for (topic, number), offset in found.items()
        ]
        return answer(request, {"offsets": places})

    async def _with_reader(self, request: Request, work: Callable[[Reader], T]) -> T:
        place = _instance(request)

        def with_reader() -> T:
            with self._instances.reader(*place) as reader:
                return work(reader)

        # It may have to wait for a read of the same instance.
        return await run_sync(with_reader, limiter=self._readers)


def _refuse_unread(reader: Reader, places: Iterable[Partition]) -> None:
    held = set(reader.assignment())
    for topic, partition in places:
        if (topic, partition) not in held:
            raise ProxyError(ILLEGAL_STATE, f"Illegal state: No current assignment for partition {topic}-{partition}")


def _instance(request: Request) -> tuple[str, str]:
    return request.path_params["group"], request.path_params["name"]
