import pytest

from bifrost.engine.runtime.commands import Command, CommandTopic
from bifrost.errors import StateError
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
