"""Offsets of many groups, committed to librdkafka's mock of a cluster."""

import json

import pytest
from confluent_kafka import Producer, TopicPartition

from bifrost.clients.group_offsets import GroupOffsets
from tests.waiting import eventually

ANSWER_S = 10.0
MANY = 25


class CountedRequests:
    """The requests of all clients, from the statistics of librdkafka."""

    def __init__(self) -> None:
        self.by_client: dict[str, int] = {}
        producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        self._producer = producer
        (broker,) = producer.list_topics(timeout=ANSWER_S).brokers.values()
        producer.produce("t", b"value")
        assert producer.flush(ANSWER_S) == 0
        counted = {"statistics.interval.ms": 50, "stats_cb": self._take}
        self.offsets = GroupOffsets({"bootstrap.servers": f"{broker.host}:{broker.port}", **counted})
        self.clients: set = set()

    def _take(self, text: str) -> None:
        found = json.loads(text)
        requests = (broker["req"].get("FindCoordinator", 0) for broker in found["brokers"].values())
        self.by_client[found["name"]] = sum(requests)

    def commit(self, group: str, offset: int) -> None:
        answer = self.offsets.commit(group, [TopicPartition("t", 0, offset)])
        answer.offsets(ANSWER_S)
        self.clients.add(answer.client)

    def total(self) -> int:
        """The requests for coordinators so far."""
        for client in self.clients:
            while client.poll(0):
                pass  # these are older statistics
        self.by_client.clear()

        def are_complete() -> bool:
            for client in self.clients:
                client.poll(0)
            return len(self.by_client) == len(self.clients)

        eventually(are_complete, "the statistics of every client")
        return sum(self.by_client.values())


@pytest.fixture
def requests() -> CountedRequests:
    return CountedRequests()


def test_the_coordinator_of_a_group_is_not_looked_up_for_every_commit(requests: CountedRequests) -> None:
    groups = [f"group {number}" for number in range(MANY)]
    for group in groups:
        requests.commit(group, 1)
    before = requests.total()
    for offset in range(2, 5):
        for group in groups:
            requests.commit(group, offset)
    assert requests.total() == before


def test_many_groups_have_few_clients(requests: CountedRequests) -> None:
    for number in range(4 * MANY):
        requests.commit(f"group {number}", 1)
    assert len(requests.clients) <= 3


def test_a_request_that_was_given_up_ends_the_use_of_its_client_alone(requests: CountedRequests) -> None:
    groups = [f"group {number}" for number in range(MANY)]
    answers = {group: requests.offsets.commit(group, [TopicPartition("t", 0, 1)]) for group in groups}
    requests.offsets.renew(answers["group 0"])
    again = {group: requests.offsets.commit(group, [TopicPartition("t", 0, 2)]) for group in groups}
    assert again["group 0"].client is not answers["group 0"].client
    assert again["group 24"].client is answers["group 24"].client
    for answer in (*answers.values(), *again.values()):
        answer.offsets(ANSWER_S)
