"""`/topics` and `/brokers`: describe topics, and produce records."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bifrost.rest_proxy.formats import Schemas
from bifrost.rest_proxy.http_messages import answer, read_body
from bifrost.rest_proxy.produce_request import produce
from bifrost.rest_proxy.proxy_error import PARTITION_NOT_FOUND, TOPIC_NOT_FOUND, ProxyError
from bifrost.rest_proxy.record_producer import PartitionState, RecordProducer

Json = dict[str, Any]


class TopicRoutes:
    """The request handlers for topics."""

    def __init__(self, producer: RecordProducer, schemas: Schemas) -> None:
        self._producer = producer
        self._schemas = schemas

    def routes(self) -> list[Route]:
        """Return all routes."""
        partition = "/topics/{topic}/partitions/{partition:int}"
        return [
            Route("/", self.root, methods=["GET"]),
            Route("/brokers", self.brokers, methods=["GET"]),
            Route("/topics", self.topics, methods=["GET"]),
            Route("/topics/{topic}", self.topic, methods=["GET"]),
            Route("/topics/{topic}", self.produce, methods=["POST"]),
            Route("/topics/{topic}/partitions", self.partitions, methods=["GET"]),
            Route(partition, self.partition, methods=["GET"]),
            Route(partition, self.produce, methods=["POST"]),
            Route(f"{partition}/offsets", self.bounds, methods=["GET"]),
        ]

    async def root(self, request: Request) -> Response:
        """Answer that the proxy is running."""
        return answer(request, {})

    async def brokers(self, request: Request) -> Response:
        """Return the ids of the brokers."""
        return answer(request, {"brokers": await run_in_threadpool(self._producer.brokers)})

    async def topics(self, request: Request) -> Response:
        """Return the names of all topics except Kafka's internal ones."""
        found = await run_in_threadpool(self._producer.topics)
        return answer(request, [name for name in found if not name.startswith("__")])

    async def topic(self, request: Request) -> Response:
        """Return a topic with its configuration and partitions."""
        name = request.path_params["topic"]
        states = await self._states(name)
        config = await run_in_threadpool(self._producer.config, name)
        return answer(request, {"name": name, "configs": dict(config), "partitions": list(map(_as_json, states))})

    async def partitions(self, request: Request) -> Response:
        """Return the partitions of a topic."""
        return answer(request, list(map(_as_json, await self._states(request.path_params["topic"]))))

    async def partition(self, request: Request) -> Response:
        """Return one partition."""
        number = request.path_params["partition"]
        for state in await self._states(request.path_params["topic"]):
            if state.number == number:
                return answer(request, _as_json(state))
        raise ProxyError(*PARTITION_NOT_FOUND)

    async def bounds(self, request: Request) -> Response:
        """Return the first and the next offset of a partition."""
        topic = request.path_params["topic"]
        await self._states(topic)
        found = await run_in_threadpool(self._producer.bounds, topic, request.path_params["partition"])
        if found is None:
            raise ProxyError(*PARTITION_NOT_FOUND)
        return answer(request, {"beginning_offset": found[0], "end_offset": found[1]})

    async def produce(self, request: Request) -> Response:
        """Produce records to a topic, or to one of its partitions."""
        media, body = await read_body(request)
        topic, partition = request.path_params["topic"], request.path_params.get("partition")
        arguments = (self._producer, self._schemas, topic, media.format or "binary", body)
        return answer(request, await run_in_threadpool(produce, *arguments, partition=partition))

    async def _states(self, topic: str) -> tuple[PartitionState, ...]:
        found = await run_in_threadpool(self._producer.states, topic)
        if not found:
            raise ProxyError(*TOPIC_NOT_FOUND)
        return found


def _as_json(state: PartitionState) -> Json:
    replicas = [
        {"broker": broker, "leader": broker == state.leader, "in_sync": broker in state.in_sync}
        for broker in state.replicas
    ]
    return {"partition": state.number, "leader": state.leader, "replicas": replicas}
