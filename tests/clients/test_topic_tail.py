"""The end of a topic, against librdkafka's mock cluster: only what arrives from now on."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from bifrost.clients import topic_tail
from bifrost.clients.topic_tail import TopicTail
from bifrost.errors import Refused
from bifrost.settings import Settings
from tests.rest_proxy.conftest import mock_cluster
from tests.waiting import eventually


def send(servers: str, count: int, value: bytes = b"x") -> None:
    producer = Producer({"bootstrap.servers": servers})
    for _ in range(count):
        producer.produce("t", value, b"k", partition=0, headers=[("h", b"1")])
    assert producer.flush(30) == 0


def test_only_records_that_arrive_from_now_on_are_read():
    with mock_cluster() as cluster:
        servers = cluster["bootstrap.servers"]
        send(servers, 3, b"old")
        with TopicTail(Settings({"KAFKA_BOOTSTRAP_SERVERS": servers}), "t") as tail:
            assert tail.read(10, 0.2) == []
            send(servers, 2, b"new")
            found = []
            eventually(lambda: found.extend(tail.read(10, 0.2)) or len(found) == 2, deadline_s=60)
            assert [(record.partition, record.offset, record.value) for record in found] == [
                (0, 3, b"new"),
                (0, 4, b"new"),
            ]
            assert found[0].headers == (("h", b"1"),)
            assert tail.skipped == 0


def test_a_reader_that_is_far_behind_skips_to_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(topic_tail, "MAX_BEHIND", 20)
    with mock_cluster() as cluster:
        servers = cluster["bootstrap.servers"]
        send(servers, 1)
        with TopicTail(Settings({"KAFKA_BOOTSTRAP_SERVERS": servers}), "t") as tail:
            send(servers, 500)
            found = []
            eventually(lambda: found.extend(tail.read(5, 0.2)) or tail.skipped > 0, deadline_s=60)
            assert len(found) + tail.skipped == 500


def test_a_missing_topic_is_refused():
    with mock_cluster() as cluster, pytest.raises(Refused):
        TopicTail(Settings({"KAFKA_BOOTSTRAP_SERVERS": cluster["bootstrap.servers"]}), "missing")
