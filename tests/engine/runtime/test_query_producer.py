"""What a query writes when the broker is slow, refuses, or never answers."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bifrost.engine.runtime.checkpoints import Checkpoints
from bifrost.engine.runtime.delivery_ledger import BatchRefused
from bifrost.engine.runtime.query_producer import QueryProducer
from bifrost.engine.runtime.transaction import bounded
from bifrost.engine.runtime.windowed_partitioner import WindowedPartitioner
from bifrost.errors import BifrostError, NotReady, Refused
from tests.engine.runtime.memory_cluster import MemoryCluster, MemoryProducer
from tests.engine.runtime.memory_message import MemoryMessage

NO_CHECKPOINTS = Checkpoints(None, "q", lambda: 0)


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
        return FullProducer(self)


def unexpected(topic, error):
    raise AssertionError(f"{topic}: {error}")


def output_of(cluster, *, stopping=lambda: False, refused=unexpected, keeps_records=False):
    cluster.create_topic("out", 1, {})
    cluster.create_topic("q-S-changelog", 1, {})
    return QueryProducer(
        cluster,
        "g",
        stopping,
        refused,
        lambda error, offsets: None,
        NO_CHECKPOINTS,
        keeps_records=keeps_records,
    )


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
    emit("out", b"k", None, 1, None)
    output.changelog("q", 0)("S", encoded, (b"k",), (b"v",), 1)
    assert output.take_counts() == [("out", 2, 3)]
    assert output.take_counts() == []


def test_offsets_are_not_committed_when_a_record_was_refused():
    cluster = MemoryCluster()
    output = output_of(cluster)
    cluster.refusing = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    output.emitter({})("out", b"k", b"v", 1, None)
    with pytest.raises(Refused, match="write output"):
        output.start_commit([TopicPartition("in", 0, 1)])
    assert "g" not in cluster.admin.groups


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
    output.start_commit([TopicPartition("in", 0, 1)])
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
    output.start_commit([TopicPartition("in", 0, 1)])
    cluster.create_topic("late", 1, {})
    cluster.holding.add("late")
    output.emitter({})("late", b"k", b"v", 2, None)
    output.changelog("q", 0)("S", encoded, (b"k",), (b"later",), 2)
    cluster.release("out")
    output.finish_commit()
    assert cluster.values("q-S-changelog") == [b"state"]

    cluster.release("late")
    output.start_commit([TopicPartition("in", 0, 2)])
    output.finish_commit()
    assert cluster.values("q-S-changelog") == [b"state", b"later"]
    assert cluster.admin.groups["g"] == {("in", 0): 2}


def test_a_commit_is_polled_less_often_the_longer_it_takes():
    _, output = held_output()
    output.start_commit([])
    assert output.is_committing
    assert 0.005 <= output.look_again_s <= 0.25


REFUSALS = [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD]


class BatchingCluster(MemoryCluster):
    """Refuses all records that are sent between two polls if one of them is bad, as brokers do."""

    bad = (b"bad",)

    def producer(self, *, transaction_id=None, **options):
        return BatchingProducer(self)


class BatchingProducer(MemoryProducer):
    def __init__(self, cluster):
        super().__init__(cluster)
        self.batch = []

    def produce(
        self, topic, value=None, key=None, partition=-1, callback=None, on_delivery=None, timestamp=0, headers=None
    ):
        self.batch.append((topic, value, key, partition, callback or on_delivery, timestamp, headers))

    def poll(self, timeout=0):
        batch, self.batch = self.batch, []
        if any(value in self._cluster.bad for _, value, *_ in batch):
            for topic, _, _, _, report, _, _ in batch:
                # Reports of refused records lack time and headers.
                report(KafkaError(self._cluster.code), MemoryMessage((topic, 0), -1))
            return len(batch)
        for topic, value, key, partition, report, timestamp, headers in batch:
            super().produce(topic, value, key, partition, report, None, timestamp, headers)
        return super().poll(timeout)


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize(
    "values",
    [
        [b"bad"],
        [b"a", b"bad", b"b"],
        [b"bad", b"bad", b"a"],
        [b"%d" % n for n in range(50)] + [b"bad"] + [b"%d" % n for n in range(50, 77)] + [b"bad"],
    ],
)
def test_only_the_records_that_are_to_blame_for_a_refused_batch_are_skipped(code, values):
    cluster, refused = BatchingCluster(), []
    cluster.code = code
    output = output_of(cluster, refused=lambda topic, error: refused.append((topic, error.code())), keeps_records=True)
    emit = output.emitter({})
    for number, value in enumerate(values):
        emit("out", b"k", value, number, [("h", b"x")])
    output.start_commit([TopicPartition("in", 0, 3)])
    output.finish_commit()
    good = [(value, number) for number, value in enumerate(values) if value != b"bad"]
    assert [(record.value_bytes, record.time) for record in cluster.records("out")] == good
    assert all(record.header_list == [("h", b"x")] for record in cluster.records("out"))
    assert refused == [("out", code)] * values.count(b"bad")
    assert cluster.admin.groups["g"] == {("in", 0): 3}


def test_records_with_a_time_far_ahead_are_sent_after_the_others():
    cluster = BatchingCluster()
    cluster.code, far = KafkaError.INVALID_TIMESTAMP, 1 << 50
    output = output_of(cluster, refused=lambda topic, error: None, keeps_records=True)
    for value, timestamp in ((b"a", far), (b"b", 1), (b"bad", far), (b"c", 2)):
        output.emitter({})("out", b"k", value, timestamp, None)
    output.start_commit([TopicPartition("in", 0, 3)])
    output.finish_commit()
    assert cluster.values("out") == [b"b", b"c", b"a"]


@pytest.mark.parametrize("code", REFUSALS)
def test_the_first_refusal_of_a_producer_that_keeps_no_records_ends_the_run(code):
    cluster = BatchingCluster()
    cluster.code = code
    output = output_of(cluster)
    output.emitter({})("out", b"k", b"bad", 1, None)
    with pytest.raises(BatchRefused):
        output.start_commit([TopicPartition("in", 0, 3)])
    assert "g" not in cluster.admin.groups


@pytest.mark.parametrize("keeps_records", [False, True])
def test_a_record_that_the_client_library_refuses_is_skipped_at_once(keeps_records):
    cluster, refused = MemoryCluster(), []
    output = output_of(cluster, refused=lambda topic, error: refused.append(topic), keeps_records=keeps_records)
    cluster.unsendable.add(b"too large")
    emit = output.emitter({})
    emit("out", b"k", b"too large", 1, None)
    emit("out", b"k", b"v", 1, None)
    output.start_commit([TopicPartition("in", 0, 2)])
    output.finish_commit()
    assert refused == ["out"]
    assert cluster.admin.groups["g"] == {("in", 0): 2}


@pytest.mark.parametrize("keeps_records", [False, True])
def test_a_refused_change_of_state_is_a_failure(keeps_records):
    cluster = BatchingCluster()
    cluster.code = KafkaError.MSG_SIZE_TOO_LARGE
    output = output_of(cluster, keeps_records=keeps_records)
    output.changelog("q", 0)("S", encoded, (b"k",), (b"bad",), 1)
    output.start_commit([TopicPartition("in", 0, 3)])
    with pytest.raises(BifrostError):
        output.finish_commit()
    assert "g" not in cluster.admin.groups


def test_kept_records_of_windowed_keys_go_to_their_partitions():
    cluster = MemoryCluster()
    output = output_of(cluster, keeps_records=True)
    cluster.create_topic("w", 7, {})
    output.emitter({"w": WindowedPartitioner(7, 8)})("w", b"alice" + bytes(8), b"v", 1, None)
    assert [len(cluster.records("w", number)) for number in range(7)].count(1) == 1
    assert cluster.records("w", WindowedPartitioner(7, 8).partition(b"alice" + bytes(8)))
