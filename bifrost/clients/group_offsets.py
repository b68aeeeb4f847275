"""Offsets of consumer groups without members: many groups, few clients."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConsumerGroupDescription

# librdkafka aborts the process when a request to a group's coordinator times out (use after free in
# `rd_kafka_admin_coord_request`). So no request times out by itself: this is far longer than any caller waits.
_NEVER_S = 300.0
# A client remembers the coordinators of so many groups. With more, it asks for the coordinator before every request,
# which costs a broker more than the commit itself. But each client takes several threads.
_GROUPS_PER_CLIENT, _MOST_CLIENTS = 10, 3
_log = logging.getLogger(__name__)


def coordinators(client: AdminClient, groups: Iterable[str]) -> dict[str, Callable[[float], None]]:
    """Returns a function by group that waits (s) until the group's coordinator answers.

    Call it before `list_consumer_group_offsets`. That crashes the process if a broker refuses it with NOT_COORDINATOR
    or COORDINATOR_NOT_AVAILABLE, as brokers do that start (`rd_kafka_cgrp_op` without a group, which only consumers
    have). To describe a group is refused in the same cases, but safe. The function raises KafkaException or
    concurrent.futures.TimeoutError.
    """
    names = list(groups)
    found = client.describe_consumer_groups(names, request_timeout=_NEVER_S) if names else {}
    return {group: partial(_await_coordinator, future) for group, future in found.items()}


def _await_coordinator(description: Future[ConsumerGroupDescription], timeout_s: float) -> None:
    try:
        description.result(timeout_s)
    except KafkaException as error:
        # librdkafka's mock of a cluster cannot describe groups.
        if error.args[0].name() != "_UNSUPPORTED_FEATURE":
            raise


class GroupOffsets:
    """Commits offsets of groups whose partitions are assigned explicitly, so that they have no members.

    `client` are librdkafka properties. Callers that wait for an answer set their own time limit, below 300 s, and call
    `renew` after it: a client with requests that were given up must not be used again.
    """

    def __init__(self, client: Mapping[str, str]) -> None:
        patient = {"socket.timeout.ms": int(_NEVER_S * 1000), "reconnect.backoff.max.ms": 1000}
        self._properties: dict[str, Any] = {**client, **patient}
        self._lock = threading.Lock()
        self._clients: dict[int, AdminClient] = {}
        self._places: dict[str, int] = {}  # the groups in the order of their first commits

    def commit(self, group: str, offsets: Sequence[TopicPartition]) -> OffsetsAnswer:
        """Requests to commit offsets."""
        request = ConsumerGroupTopicPartitions(group, list(offsets))
        client = self._client_of(group)
        return OffsetsAnswer(client, client.alter_consumer_group_offsets([request], request_timeout=_NEVER_S)[group])

    def renew(self, answer: OffsetsAnswer) -> None:
        """Drops the client of a request that was given up, with all its pending requests."""
        with self._lock:
            for place, client in self._clients.items():
                if client is answer.client:
                    del self._clients[place]
                    return

    def _client_of(self, group: str) -> AdminClient:
        with self._lock:
            place = self._places.setdefault(group, len(self._places)) // _GROUPS_PER_CLIENT % _MOST_CLIENTS
            client = self._clients.get(place)
            if client is None:
                client = self._clients[place] = AdminClient(self._properties, logger=_log)
            return client


class OffsetsAnswer:
    """The answer to a request for offsets, once it has arrived."""

    __slots__ = ("_future", "client")

    def __init__(self, client: AdminClient, future: Future[ConsumerGroupTopicPartitions]) -> None:
        self.client = client
        self._future = future

    @property
    def has_arrived(self) -> bool:
        """Whether there is an answer."""
        return self._future.done()

    def offsets(self, timeout_s: float) -> list[TopicPartition]:
        """Waits for the answer and returns its partitions.

        Raises:
            KafkaException: the request failed, or one of its partitions.
            concurrent.futures.TimeoutError: there is no answer yet.
        """
        places = self._future.result(timeout_s).topic_partitions or []
        problem = next((place.error for place in places if place.error is not None), None)
        if problem is not None:
            raise KafkaException(problem)
        return list(places)

    @property
    def problem(self) -> KafkaError | None:
        """The error of an answer that has arrived, if it failed."""
        try:
            self.offsets(0)
        except KafkaException as error:
            return error.args[0]  # type: ignore[no-any-return]  # the library has no types for it
        return None


def offsets_by_topic(places: Iterable[tuple[str, int, int]]) -> dict[str, dict[int, int]]:
    """Return offsets by topic and partition, without partitions that have none."""
    found: dict[str, dict[int, int]] = {}
    for topic, partition, offset in places:
        if offset >= 0:
            found.setdefault(topic, {})[partition] = offset
    return found
