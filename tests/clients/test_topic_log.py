"""A log in a topic, against librdkafka's mock cluster."""

import pytest

from bifrost.clients import kafka
from bifrost.clients.key_topic import KeyTopic
from bifrost.clients.topic_log import KeyedText, TopicLog
from bifrost.errors import Unreachable
from bifrost.settings import Settings
from tests.rest_proxy.conftest import mock_cluster

TOPIC = "deployments"


@pytest.fixture
def settings():
    with mock_cluster() as cluster:
        # The mock cluster cannot create topics on request, but does so for a producer.
        writer = kafka.producer(cluster)
        writer.produce(TOPIC, b"first", b"a", partition=0)
        assert writer.flush(30) == 0
        yield Settings({"KAFKA_BOOTSTRAP_SERVERS": cluster["bootstrap.servers"]})


def test_entries_are_read_in_order_and_once(settings):
    log, other = TopicLog(settings, TOPIC), TopicLog(settings, TOPIC)

    assert log.read_new() == [KeyedText(0, "a", "first")]
    assert log.read_new() == []
    assert other.append("b", "ä") == 1
    assert log.append("a", None) == 2
    assert log.read_new() == [KeyedText(1, "b", "ä"), KeyedText(2, "a", None)]
    log.close()


def test_a_topic_that_does_not_exist_is_empty(settings):
    assert TopicLog(settings, "missing").read_new() == []


def test_a_map_has_the_last_value_of_each_key(settings):
    entries = KeyTopic(settings, TOPIC)

    entries.write({"b": "1", "c": "2"})
    entries.write({"a": None, "b": "3"})

    assert entries.read() == {"b": "3", "c": "2"}


def test_without_a_broker_both_ways_end_in_time():
    log = TopicLog(Settings({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}), TOPIC, timeout_s=0.5)

    with pytest.raises(Unreachable):
        log.read_new()
    with pytest.raises(Unreachable):
        log.append("a", "b")
