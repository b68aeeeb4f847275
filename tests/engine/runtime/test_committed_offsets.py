"""Committed offsets, read from a broker whose group coordinator has just started: librdkafka's mock of a cluster."""

import ctypes
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from bifrost.engine.runtime import committed_offsets
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.committed_offsets import CommittedOffsets
from bifrost.errors import Unreachable

OFFSET_FETCH = 9
PLACE = TopicPartition("t", 0)
_OBJECT_HEAD = 16


class MockBroker:
    """A broker whose next answers to requests for offsets may be errors."""

    def __init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        (broker,) = self._producer.list_topics(timeout=10).brokers.values()
        self.cluster = Cluster({"bootstrap.servers": f"{broker.host}:{broker.port}"})
        self._producer.produce(PLACE.topic, b"value")
        assert self._producer.flush(10) == 0

    def refuse_offsets(self, *errors: int) -> None:
        folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
        library = ctypes.CDLL(str(next(folder.glob("librdkafka-*.so*"))))
        library.rd_kafka_handle_mock_cluster.restype = ctypes.c_void_p
        library.rd_kafka_handle_mock_cluster.argtypes = [ctypes.c_void_p]
        push = library.rd_kafka_mock_push_request_errors_array
        push.argtypes = [ctypes.c_void_p, ctypes.c_int16, ctypes.c_size_t, ctypes.c_void_p]
        # The pointer to the client is the first member of the Python object.
        client = ctypes.c_void_p.from_address(id(self._producer) + _OBJECT_HEAD).value
        push(
            library.rd_kafka_handle_mock_cluster(client),
            OFFSET_FETCH,
            len(errors),
            (ctypes.c_int * len(errors))(*errors),
        )


@pytest.fixture(scope="module")
def broker():
    return MockBroker()


def test_a_coordinator_that_is_starting_is_waited_for(broker):
    offsets = broker.cluster.committed_offsets("g")
    offsets.commit_and_wait([TopicPartition(PLACE.topic, 0, 7)])
    broker.refuse_offsets(
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    )
    assert offsets.read([PLACE]) == {(PLACE.topic, 0): 7}


def test_offsets_that_were_never_committed_are_missing(broker):
    assert broker.cluster.committed_offsets("unknown").read([PLACE]) == {}


def test_offsets_that_may_not_be_read_are_not_taken_for_missing(broker):
    broker.refuse_offsets(KafkaError.GROUP_AUTHORIZATION_FAILED)
    with pytest.raises(Unreachable, match="read offsets"):
        broker.cluster.committed_offsets("h").read([PLACE])


class PartialConsumer:
    """A consumer that learns the offset of one partition, and an error of another one."""

    def committed(self, places, timeout):
        return [TopicPartition("t", 0, 7), FailedPlace("t", 1)]

    def close(self):
        pass


class FailedPlace(TopicPartition):
    """What the library returns for a partition whose offset could not be read."""

    error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)


def test_the_offset_of_a_partition_that_could_not_be_read_is_not_taken_for_missing():
    offsets = CommittedOffsets(None, "g", lambda isolation: PartialConsumer())
    with pytest.raises(Unreachable, match="read offsets"):
        offsets.read([PLACE, TopicPartition("t", 1)])


class PendingConsumer:
    """A consumer of a group with offsets of a transaction that never ends; only the last committed ones are known."""

    def __init__(self, isolation):
        self.waits = isolation == "read_committed"

    def committed(self, places, timeout):
        if self.waits:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [TopicPartition("t", 0, 7)]

    def close(self):
        pass


def test_offsets_that_stay_pending_are_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(committed_offsets, "_STABLE_S", 0.0)
    assert CommittedOffsets(None, "g", PendingConsumer).read([PLACE]) == {("t", 0): 7}
