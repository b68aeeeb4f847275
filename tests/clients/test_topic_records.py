"""Single records of topics, against librdkafka's mock cluster."""

import pytest

from bifrost.clients.topic_records import NewRecord, StoredRecord, TopicRecords
from bifrost.errors import Refused, Unreachable
from bifrost.settings import Settings
from tests.rest_proxy.conftest import mock_cluster

TOPIC = "letters"


@pytest.fixture
def records():
    with mock_cluster() as cluster:
        yield TopicRecords(Settings({"KAFKA_BOOTSTRAP_SERVERS": cluster["bootstrap.servers"]}))


def test_records_are_appended_unchanged_and_read_between_offsets(records):
    headers = (("a", b"1"), ("a", None))
    new = [NewRecord(TOPIC, 1, 1_700_000_000_000 + number, b"k", b"%d" % number, headers) for number in range(4)]

    assert records.append(new) == [(1, 0), (1, 1), (1, 2), (1, 3)]

    found = list(records.read({TOPIC: {1: (1, 3), 0: (0, 0)}}))
    assert found == [
        StoredRecord(TOPIC, 1, number, 1_700_000_000_000 + number, b"k", b"%d" % number, headers) for number in (1, 2)
    ]


def test_a_key_decides_where_no_partition_is_given(records):
    first = records.append([NewRecord(TOPIC, None, -1, b"k", b"1")])
    second = records.append([NewRecord(TOPIC, None, -1, b"k", b"2")])
    assert first[0][0] == second[0][0]


def test_reading_ends_where_the_topic_ends(records):
    records.append([NewRecord(TOPIC, 0, -1, None, b"1")])
    assert [record.value for record in records.read({TOPIC: {0: (0, 9)}})] == [b"1"]
    assert list(records.read({})) == []


def test_a_partition_that_does_not_exist_is_refused(records):
    with pytest.raises(Refused, match="write to letters"):
        records.append([NewRecord(TOPIC, 99, -1, None, b"1")])


def test_without_a_broker_both_ways_end_in_time():
    records = TopicRecords(Settings({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}), timeout_s=0.7)
    with pytest.raises(Unreachable, match="write to letters"):
        records.append([NewRecord(TOPIC, 0, -1, None, b"1")])
    with pytest.raises(Unreachable, match="read letters"):
        list(records.read({TOPIC: {0: (0, 1)}}))
