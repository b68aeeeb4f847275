"""What a query writes when the broker is slow, refuses, or never answers."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bifrost.engine.runtime.query_producer import QueryProducer
from bifrost.engine.runtime.transaction import bounded
from bifrost.errors import NotReady, Refused
from tests.engine.runtime.memory_cluster import MemoryCluster, MemoryProducer


class FullProducer(MemoryProducer):
    """Has no room until it was polled a few times."""

    polls = 0

    def produce(self, *arguments, **options):
        if self.polls < 3:
            raise BufferError
        super().produce(*arguments, **options)

    def poll(self, timeout=0):
        self.polls += 1
        return super().poll(timeout)


class SlowCluster(MemoryCluster):
    def producer(self, *, transaction_id=None, **options):
        return FullProducer(self, transactional=False)


def unexpected(topic, partition, error):
    raise AssertionError(f"{topic}-{partition}: {error}")


def output_of(cluster, *, stopping=lambda: False, transaction=None, refused=None):
    cluster.create_topic("out", 1, {})
    cluster.create_topic("q-S-changelog", 1, {})
    return QueryProducer(cluster, transaction, stopping, refused if refused is not None else unexpected)


def encoded(place, row, timestamp):
    return place[0], row[0]


def test_a_full_queue_is_waited_for():
    cluster = SlowCluster()
    output = output_of(cluster)
    output.emitter({})("out", b"k", b"v", 1, None)
    assert cluster.values("out") == [b"v"]


def test_a_query_that_is_to_stop_does_not_wait_for_a_full_queue():
    output = output_of(SlowCluster(), stopping=lambda: True)
    with pytest.raises(NotReady):
        output.emitter({})("out", b"k", b"v", 1, None)


def test_records_are_counted_by_topic():
    output = output_of(MemoryCluster())
    emit = output.emitter({})
    emit("out", b"k", b"v", 1, None)
    emit("out", b"k", b"v", 1, None)
    output.changelog("q", 0)("S", encoded, (b"k",), (b"v",), 1)
    assert output.take_counts() == [("out", 2)]
    assert output.take_counts() == []


def test_offsets_are_not_committed_when_a_record_was_refused():
    cluster = MemoryCluster()
    output = output_of(cluster)
    cluster.refusing = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    output.emitter({})("out", b"k", b"v", 1, None)
    with pytest.raises(Refused, match="write output"):
        output.start_commit(cluster.consumer("g"), [TopicPartition("in", 0, 1)])
    assert "g" not in cluster.admin.groups


def test_a_aborted_transaction_is_never_seen():
    cluster = MemoryCluster()
    output = output_of(cluster, transaction="g")
    output.begin()
    output.emitter({})("out", b"k", b"v", 1, None)
    output.close()
    assert cluster.values("out") == []


def test_a_call_that_never_returns_is_abandoned():
    forever = threading.Event()
    with pytest.raises(NotReady, match="commit of a transaction: no answer within 0 s"):
        bounded("commit", 0.0, lambda _: forever.wait())
    forever.set()


def test_a_call_that_fails_fails():
    def refuse(_):
        raise KafkaException(KafkaError(KafkaError._FENCED))

    with pytest.raises(KafkaException):
        bounded("commit", 1.0, refuse)


def held_output():
    """An output with a result that no broker takes for now, and a change of state that knows of it."""
    cluster = MemoryCluster()
    output = output_of(cluster)
    cluster.holding.add("out")
    output.emitter({})("out", b"k", b"v", 1, None)
    output.changelog("q", 0)("S", encoded, (b"k",), (b"state",), 1)
    return cluster, output


def test_state_is_written_after_the_results_that_it_knows_of_and_offsets_after_both():
    cluster, output = held_output()
    output.start_commit(cluster.consumer("g"), [TopicPartition("in", 0, 1)])
    output.serve()
    assert cluster.values("q-S-changelog") == []

    cluster.holding.add("q-S-changelog")
    cluster.release("out")
    output.serve()
    assert (cluster.values("out"), cluster.admin.groups) == ([b"v"], {})

    cluster.release("q-S-changelog")
    output.serve()
    assert cluster.values("q-S-changelog") == [b"state"]
    assert cluster.admin.groups["g"] == {("in", 0): 1}


def test_what_is_written_during_a_commit_belongs_to_the_next():
    cluster, output = held_output()
    reader = cluster.consumer("g")
    output.start_commit(reader, [TopicPartition("in", 0, 1)])
    cluster.create_topic("late", 1, {})
    cluster.holding.add("late")
    output.emitter({})("late", b"k", b"v", 2, None)
    output.changelog("q", 0)("S", encoded, (b"k",), (b"later",), 2)
    cluster.release("out")
    output.finish_commit()
    assert cluster.values("q-S-changelog") == [b"state"]

    cluster.release("late")
    output.start_commit(reader, [TopicPartition("in", 0, 2)])
    output.finish_commit()
    assert cluster.values("q-S-changelog") == [b"state", b"later"]
    assert cluster.admin.groups["g"] == {("in", 0): 2}


def test_a_commit_is_polled_less_often_the_longer_it_takes():
    _, output = held_output()
    output.start_commit(MemoryCluster().consumer("g"), [])
    assert output.is_committing
    assert 0.005 <= output.look_again_s <= 0.25


@pytest.mark.parametrize(
    "code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD]
)
def test_a_record_that_is_refused_for_what_it_is_does_not_hold_up_the_commit(code):
    cluster, refused = MemoryCluster(), []
    output = output_of(cluster, refused=lambda topic, partition, error: refused.append((topic, error.code())))
    cluster.refusing_record = lambda topic, value, timestamp: KafkaError(code) if value == b"bad" else None
    emit = output.emitter({})
    for value in (b"a", b"bad", b"b"):
        emit("out", b"k", value, 1, None)
    output.start_commit(cluster.consumer("g"), [TopicPartition("in", 0, 3)])
    output.finish_commit()
    assert cluster.values("out") == [b"a", b"b"]
    assert refused == [("out", code)]
    assert cluster.admin.groups["g"] == {("in", 0): 3}


def test_a_record_that_the_client_library_refuses_is_reported_too():
    cluster, refused = MemoryCluster(), []
    output = output_of(cluster, refused=lambda topic, partition, error: refused.append((topic, partition)))
    cluster.unsendable.add(b"too large")
    emit = output.emitter({})
    emit("out", b"k", b"too large", 1, None)
    emit("out", b"k", b"v", 1, None)
    output.start_commit(cluster.consumer("g"), [TopicPartition("in", 0, 2)])
    output.finish_commit()
    assert refused == [("out", -1)]
    assert cluster.admin.groups["g"] == {("in", 0): 2}


def test_records_that_shared_a_batch_with_a_refused_one_are_sent_again():
    cluster, refused, once = MemoryCluster(), [], [b"a", b"b"]

    def refuse(topic, value, timestamp):
        if value in once:
            once.remove(value)
            return KafkaError(KafkaError._INVALID_DIFFERENT_RECORD)
        return KafkaError(KafkaError.INVALID_TIMESTAMP) if value == b"bad" else None

    output = output_of(cluster, refused=lambda topic, partition, error: refused.append(error.code()))
    cluster.refusing_record = refuse
    emit = output.emitter({})
    for value in (b"a", b"bad", b"b"):
        emit("out", b"k", value, 1, None)
    output.start_commit(cluster.consumer("g"), [TopicPartition("in", 0, 3)])
    output.finish_commit()
    assert cluster.values("out") == [b"a", b"b"]
    assert refused == [KafkaError.INVALID_TIMESTAMP]
    assert cluster.admin.groups["g"] == {("in", 0): 3}


def test_a_refused_change_of_state_is_a_failure():
    cluster = MemoryCluster()
    output = output_of(cluster)
    cluster.refusing_record = lambda topic, value, timestamp: KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    output.changelog("q", 0)("S", encoded, (b"k",), (b"v",), 1)
    output.start_commit(cluster.consumer("g"), [TopicPartition("in", 0, 3)])
    with pytest.raises(Refused):
        output.finish_commit()
    assert "g" not in cluster.admin.groups
