import pytest
from confluent_kafka import KafkaError, KafkaException

from bifrost.engine.runtime.batches import batch_of, in_time_order
from tests.engine.runtime.memory_message import MemoryMessage


def message(topic, partition, at, time=0):
    return MemoryMessage((topic, partition), at, b"k", b"v", time)


def event(code, place=("t", 0), at=0):
    return MemoryMessage(place, at, problem=KafkaError(code))


def test_records_are_grouped_by_partition_in_the_order_of_their_offsets():
    batch = batch_of([message("t", 0, 1), message("t", 1, 4), message("t", 0, 2)])
    assert {place: [record[4] for record in records] for place, records in batch.records.items()} == {
        ("t", 0): [1, 2],
        ("t", 1): [4],
    }


def test_ends_are_separated_from_records():
    batch = batch_of([message("t", 0, 1), event(KafkaError._PARTITION_EOF, at=2)])
    assert batch.ends == {("t", 0): 2}
    assert len(batch.records["t", 0]) == 1


def test_a_missing_topic_is_an_error():
    with pytest.raises(KafkaException):
        batch_of([event(KafkaError.UNKNOWN_TOPIC_OR_PART)]).check()


def test_a_temporary_problem_is_no_error():
    assert batch_of([event(KafkaError._TRANSPORT)]).records == {}


def test_topics_are_mixed_by_time_and_keep_their_own_order():
    records = {
        "a": [(None, None, time, 0, number, None) for number, time in enumerate((10, 30, 20))],
        "b": [(None, None, time, 0, number, None) for number, time in enumerate((15, 40))],
    }
    runs = [(topic, [record[2] for record in run]) for topic, run in in_time_order(records)]
    assert runs == [("a", [10]), ("b", [15]), ("a", [30, 20]), ("b", [40])]


def test_a_single_topic_is_one_run():
    records = {"a": [(None, None, 5, 0, 0, None)]}
    assert list(in_time_order(records)) == [("a", records["a"])]
