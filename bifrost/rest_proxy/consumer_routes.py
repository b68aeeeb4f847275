"""`/consumers`: instances, their subscriptions, assignments, positions, offsets and records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bifrost.clients.consumer_group import Partition
from bifrost.rest_proxy.consumer_instances import MAX_BYTES, MAX_INSTANCES, ConsumerInstances
from bifrost.rest_proxy.formats import require_object
from bifrost.rest_proxy.http_messages import (
    accepted_media,
    answer,
    is_topic_name,
    number,
    offsets,
    partitions,
    read_body,
    read_optional_body,
)
from bifrost.rest_proxy.proxied_consumer import ProxiedConsumer
from bifrost.rest_proxy.proxy_error import EXCLUSIVE, ILLEGAL_STATE, ProxyError

T = TypeVar("T")


class ConsumerRoutes:
    """The request handlers for consumer instances."""

    def __init__(self, instances: ConsumerInstances) -> None:
        self._instances = instances
        # Reads wait for records; with their own threads they do not block other requests.
        self._read_limiter = CapacityLimiter(MAX_INSTANCES)

    def routes(self) -> list[Route]:
        """Return all routes."""
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
        """Create a consumer instance."""
        body = await read_optional_body(request)
        group = request.path_params["group"]
        name = await run_in_threadpool(self._instances.create, group, body)
        path = f"/consumers/{quote(group, safe='')}/instances/{quote(name, safe='')}"
        base = f"{request.url.scheme}://{request.url.netloc}{path}"
        return answer(request, {"instance_id": name, "base_uri": base})

    async def delete(self, request: Request) -> Response:
        """Delete an instance."""
        await run_in_threadpool(self._instances.delete, *_instance(request))
        return Response(status_code=204)

    async def subscribe(self, request: Request) -> Response:
        """Replace the subscription of an instance: topics, or a pattern of their names."""
        body = require_object((await read_body(request))[1], "the request")
        topics, pattern = body.get("topics"), body.get("topic_pattern")
        if topics is not None and pattern is not None:
            raise ProxyError(*EXCLUSIVE)
        is_list = isinstance(topics, list) and topics and all(map(is_topic_name, topics))
        if not is_list and not (isinstance(pattern, str) and pattern):
            raise ProxyError(422, "topics must be a list of topic names, or topic_pattern a regular expression")

        def work(consumer: ProxiedConsumer) -> None:
            if consumer.is_manually_assigned or (consumer.pattern if topics else consumer.topics):
                raise ProxyError(*EXCLUSIVE)
            if is_list:
                consumer.subscribe(topics or ())
            else:
                consumer.subscribe_pattern(str(pattern))

        await self._with_consumer(request, work)
        return Response(status_code=204)

    async def subscription(self, request: Request) -> Response:
        """Return the subscribed topics; for a pattern, the topics assigned so far."""

        def work(consumer: ProxiedConsumer) -> list[str]:
            return sorted({topic for topic, _ in consumer.assignment()}) if consumer.pattern else list(consumer.topics)

        return answer(request, {"topics": await self._with_consumer(request, work)})

    async def unsubscribe(self, request: Request) -> Response:
        """Remove the subscription or assignment of an instance."""
        await self._with_consumer(request, lambda consumer: consumer.unsubscribe())
        return Response(status_code=204)

    async def assign(self, request: Request) -> Response:
        """Assign partitions to an instance manually, regardless of its group."""
        assigned = partitions((await read_body(request))[1])

        def work(consumer: ProxiedConsumer) -> None:
            if consumer.topics or consumer.pattern:
                raise ProxyError(*EXCLUSIVE)
            consumer.assign(assigned)

        await self._with_consumer(request, work)
        return Response(status_code=204)

    async def assignments(self, request: Request) -> Response:
        """Return the assigned partitions."""
        found = await self._with_consumer(request, lambda consumer: consumer.assignment())
        return answer(request, {"partitions": [{"topic": topic, "partition": number} for topic, number in found]})

    async def seek(self, request: Request) -> Response:
        """Set the positions of an instance."""
        positions = offsets((await read_body(request))[1])

        def work(consumer: ProxiedConsumer) -> None:
            _require_assigned(consumer, positions)
            consumer.seek(positions)

        await self._with_consumer(request, work)
        return Response(status_code=204)

    async def seek_to_beginning(self, request: Request) -> Response:
        """Set the positions to the first records of partitions."""
        return await self._seek_to_bound(request, 0)

    async def seek_to_end(self, request: Request) -> Response:
        """Set the positions behind the last records of partitions."""
        return await self._seek_to_bound(request, 1)

    async def _seek_to_bound(self, request: Request, side: int) -> Response:
        wanted = partitions((await read_body(request))[1])

        def work(consumer: ProxiedConsumer) -> None:
            _require_assigned(consumer, wanted)
            consumer.seek({partition: bounds[side] for partition, bounds in consumer.bounds(wanted).items()})

        await self._with_consumer(request, work)
        return Response(status_code=204)

    async def records(self, request: Request) -> Response:
        """Return the next records."""
        media, instance = accepted_media(request), _instance(request)
        topic = request.path_params.get("topic", "")
        timeout_ms = number(request, "timeout")
        timeout_s = None if timeout_ms is None else timeout_ms / 1000
        max_bytes = number(request, "max_bytes") or MAX_BYTES
        read = partial(
            self._instances.read, *instance, media.format, timeout_s=timeout_s, max_bytes=max_bytes, topic=topic
        )
        found = await run_sync(read, limiter=self._read_limiter)
        if topic:  # v1 omits the topic
            found = [{name: part for name, part in record.items() if name != "topic"} for record in found]
        return answer(request, found)

    async def commit(self, request: Request) -> Response:
        """Commit the given offsets, or those of all records returned so far."""
        body = await read_optional_body(request)
        # A request names the last processed record; Kafka stores the offset of the next one.
        positions = {partition: offset + 1 for partition, offset in offsets(body).items()} if body else None
        await self._with_consumer(request, lambda consumer: consumer.commit(positions))
        return answer(request, [])

    async def committed(self, request: Request) -> Response:
        """Return the committed offsets."""
        wanted = partitions((await read_body(request))[1])
        found = await self._with_consumer(request, lambda consumer: consumer.committed(wanted))
        committed = [
            {"topic": topic, "partition": number, "offset": offset, "metadata": ""}
            for (topic, number), offset in found.items()
        ]
        return answer(request, {"offsets": committed})

    async def _with_consumer(self, request: Request, work: Callable[[ProxiedConsumer], T]) -> T:
        instance = _instance(request)

        def with_consumer() -> T:
            with self._instances.consumer(*instance) as consumer:
                return work(consumer)

        # The thread may wait for a read of the same instance.
        return await run_sync(with_consumer, limiter=self._read_limiter)


def _require_assigned(consumer: ProxiedConsumer, partitions_: Iterable[Partition]) -> None:
    assigned = set(consumer.assignment())
    for topic, partition in partitions_:
        if (topic, partition) not in assigned:
            raise ProxyError(ILLEGAL_STATE, f"Illegal state: No current assignment for partition {topic}-{partition}")


def _instance(request: Request) -> tuple[str, str]:
    return request.path_params["group"], request.path_params["name"]
