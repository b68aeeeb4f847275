import orjson
import pytest
from confluent_kafka import KafkaError

from bifrost.engine.runtime.commands import Command, CommandTopic, _as_json
from bifrost.errors import NotReady, Refused, StateError
from tests.engine.runtime.memory_cluster import MemoryCluster

FIRST = Command("stream/`A`/create", "CREATE STREAM A;", {"auto.offset.reset": "earliest"}, None, {"a": 3})
SECOND = Command("stream/`B`/create", "CREATE STREAM B;", {}, "CSAS_B_1")


@pytest.fixture
def cluster():
    return MemoryCluster()


def prepared(cluster):
    topic = CommandTopic(cluster, "test_")
    topic.prepare()
    return topic


def test_commands_come_back_in_order_with_their_numbers(cluster):
    topic = prepared(cluster)
    assert [topic.append(FIRST), topic.append(SECOND)] == [0, 1]
    again = prepared(cluster)
    assert list(again.replay()) == [(0, FIRST), (1, SECOND)]
    assert again.next_offset == 2


def test_an_empty_command_topic_has_no_commands(cluster):
    assert list(prepared(cluster).replay()) == []


def test_something_else_in_the_topic_is_not_taken_for_a_command(cluster):
    topic = prepared(cluster)
    cluster.write(topic.name, b"hello")
    with pytest.raises(StateError, match="_confluent-ksql-test__command_topic-0@0"):
        list(prepared(cluster).replay())


def test_forgotten_commands_do_not_come_back_and_numbers_continue(cluster):
    topic = prepared(cluster)
    topic.append(FIRST)
    topic.forget()
    assert topic.append(SECOND) == 1
    assert [command for _, command in prepared(cluster).replay()] == [SECOND]


def test_a_command_that_was_not_acknowledged_in_time_is_not_replayed_after_it_was_repeated(cluster):
    topic = prepared(cluster)
    cluster.refusing = KafkaError(KafkaError._MSG_TIMED_OUT)
    with pytest.raises(NotReady, match="repeat the statement"):
        topic.append(FIRST)
    cluster.refusing = None
    # The broker had it after all: only its answer was lost.
    lost = orjson.dumps({**_as_json(FIRST), "token": topic._void[0], "void": []})
    cluster.write(topic.name, lost)
    topic.append(FIRST)
    assert [command for _, command in prepared(cluster).replay()] == [FIRST]
    topic.append(SECOND)
    assert [command for _, command in prepared(cluster).replay()] == [FIRST, SECOND]


def test_a_command_that_is_still_queued_at_the_deadline_is_never_sent(cluster):
    topic = prepared(cluster)
    cluster.holding.add(topic.name)
    with pytest.raises(NotReady):
        topic.append(FIRST)
    cluster.release(topic.name)
    topic.append(SECOND)
    assert [command for _, command in prepared(cluster).replay()] == [SECOND]


def test_a_refused_command_names_the_brokers_reason(cluster):
    topic = prepared(cluster)
    cluster.refusing = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(Refused, match="authorization"):
        topic.append(FIRST)


def test_commands_without_a_token_are_replayed(cluster):
    topic = prepared(cluster)
    cluster.write(topic.name, orjson.dumps(_as_json(FIRST)))
    assert [command for _, command in prepared(cluster).replay()] == [FIRST]
