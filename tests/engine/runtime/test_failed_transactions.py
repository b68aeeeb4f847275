"""Queries under exactly-once when a transaction fails: their results are those of an undisturbed run."""

from contextlib import suppress

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bifrost.engine.runtime.checkpoints import Checkpoints
from bifrost.engine.runtime.job import RunOptions
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.runner import QueryState
from bifrost.engine.runtime.transactional_producer import TransactionalProducer, TransactionFailed
from bifrost.engine.state.budget import StateBudget
from bifrost.engine.state.home import StateHome
from bifrost.errors import Unreachable
from tests.engine.runtime.engines import EARLIEST, World, execute
from tests.engine.runtime.memory_cluster import MemoryCluster, MemoryOffsets, MemoryProducer

EXACTLY = {**EARLIEST, "processing.guarantee": "exactly_once_v2", "commit.interval.ms": "0"}
SOURCES = (
    "CREATE STREAM S (K STRING KEY, A INT, F STRING) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
    "CREATE STREAM R (K STRING KEY, B INT) WITH (KAFKA_TOPIC='r', PARTITIONS=1, VALUE_FORMAT='JSON');"
    "CREATE TABLE T (K STRING PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');"
    "CREATE TABLE L (K STRING PRIMARY KEY, F STRING) WITH (KAFKA_TOPIC='l', PARTITIONS=1, VALUE_FORMAT='JSON');"
)
QUERIES = {
    "filter": "CREATE STREAM O AS SELECT K, A FROM S WHERE A > 1 EMIT CHANGES;",
    "count": "CREATE TABLE O AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;",
    "windowed count": (
        "CREATE TABLE O AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS) "
        "GROUP BY K EMIT CHANGES;"
    ),
    "final count": (
        "CREATE TABLE O AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS) "
        "GROUP BY K EMIT FINAL;"
    ),
    "session count": (
        "CREATE TABLE O AS SELECT K, COUNT(*) AS C FROM S WINDOW SESSION (5 SECONDS) GROUP BY K EMIT CHANGES;"
    ),
    "rekeyed count": "CREATE TABLE O AS SELECT F, COUNT(*) AS C FROM S GROUP BY F EMIT CHANGES;",
    "join": "CREATE STREAM O AS SELECT S.K AS K, A, N FROM S LEFT JOIN T ON S.K = T.K EMIT CHANGES;",
    "stream join": (
        "CREATE STREAM O AS SELECT S.K AS K, A, B FROM S LEFT JOIN R WITHIN 4 SECONDS GRACE PERIOD 1 SECOND "
        "ON S.K = R.K EMIT CHANGES;"
    ),
    "table join": "CREATE TABLE O AS SELECT T.K AS K, N, F FROM T JOIN L ON T.K = L.K EMIT CHANGES;",
    "foreign-key join": "CREATE TABLE O AS SELECT L.K AS K, N FROM L JOIN T ON L.F = T.K EMIT CHANGES;",
}
GROUP = "_confluent-ksql-test_query_"
ABORTABLE = KafkaError(KafkaError.CONCURRENT_TRANSACTIONS, txn_requires_abort=True)
TIMED_OUT = KafkaError(KafkaError._TIMED_OUT, retriable=True)
FENCED = KafkaError(KafkaError._FENCED, fatal=True)
FAILURES = {
    "a record is not delivered": {"produce": [ABORTABLE]},
    "the offsets are refused": {"offsets": [ABORTABLE]},
    "the commit is refused": {"commit": [ABORTABLE]},
    "the commit is refused thrice": {"commit": [ABORTABLE] * 3},
    "the commit times out": {"commit": [TIMED_OUT]},
    "the answer to the commit is lost": {"commit answer": [TIMED_OUT]},
    "the commit succeeds and its answer is an error": {"commit answer": [ABORTABLE]},
    "the producer is fenced": {"commit": [FENCED]},
    "the offsets are refused and the abort fails": {"offsets": [ABORTABLE], "abort": [TIMED_OUT]},
    "the broker is away for longer": {"commit": [TIMED_OUT], "init": [TIMED_OUT] * 2},
    "no transaction begins": {"begin": [FENCED]},
}


def send_round(world, number):
    """Sends records that change and close windows, sessions and joined rows; a query reads them in one batch."""
    at = 1_000_000 + number * 20_000
    with world.cluster.changed:
        for index, key in enumerate("abcab"):
            world.send("t", {"N": number * 10 + index}, key, at + index)
            world.send("l", {"F": "bca"[(index + number) % 3]}, key, at + index)
            world.send("r", {"B": index}, key, at + 900 * index)
            world.send("s", {"A": index, "F": "xy"[index % 2]}, key, at + 1000 * index)
        world.send("t", None, "c", at + 50)
        world.send("s", {"A": 9, "F": "x"}, "a", at - 12_000)


@pytest.fixture
def short_pauses(monkeypatch):
    monkeypatch.setattr("bifrost.engine.runtime.runner._BACKOFF_S", (0.01,))


def rounds(world, statement, properties, failing=None):
    """Runs a query over three rounds, in whose second transactions fail; returns its runner."""
    engine = world.engine(**properties)
    execute(engine, SOURCES, properties)
    execute(engine, statement, properties)
    (query,) = engine.state.queries
    group = GROUP + query.id
    # Tables are read before streams until then, afterwards all topics together.
    world.cluster.wait_for(lambda: query.runner.state is QueryState.RUNNING)
    for number in range(3):
        send_round(world, number)
        wait_until_committed(world, group)
        if number == 0:
            world.cluster.failing = {step: list(errors) for step, errors in (failing or {}).items()}
            world.cluster.reading_groups.clear()
    return query.runner


def wait_until_committed(world, group):
    def is_committed():
        offsets = world.cluster.admin.groups.get(group, {})
        ends = {place: world.cluster.admin.topics_by_name[place[0]].following.get(place[1], 0) for place in offsets}
        # The last offset of an internal topic may be a marker.
        return offsets and all(ends[place] - at <= place[0].startswith("_") for place, at in offsets.items())

    world.cluster.wait_for(is_committed)


def results(world):
    return [
        (record.key_bytes, record.value_bytes, record.time)
        for partition in world.cluster.admin.topics_by_name["O"].partitions
        for record in partition
    ]


def state(world):
    """The last value of each key in every changelog."""
    return {
        name: {record.key_bytes: record.value_bytes for records in topic.partitions for record in records}
        for name, topic in world.cluster.admin.topics_by_name.items()
        if name.endswith("-changelog")
    }


def living(changelogs):
    """The rows of changelogs that are not deleted; a join that starts again numbers its rows from the start."""
    return {name: {key: value for key, value in rows.items() if value is not None} for name, rows in changelogs.items()}


@pytest.fixture(scope="module")
def undisturbed():
    """Results and state of each query in a run without failures."""
    found = {}

    def run(statement, properties):
        known = statement, tuple(properties.items())
        if known not in found:
            world = World()
            rounds(world, statement, properties)
            found[known] = results(world), state(world)
            world.close()
        return found[known]

    return run


def assert_undisturbed(world, undisturbed, query, failure, properties=EXACTLY):
    runner = rounds(world, QUERIES[query], properties, FAILURES[failure])
    assert (results(world), state(world)) == undisturbed(QUERIES[query], properties)
    assert not any(world.cluster.failing.values())
    assert runner.errors
    world.cluster.wait_for(lambda: runner.state is QueryState.RUNNING)
    assert runner.meters.restarts == 0
    assert [group for group in world.cluster.reading_groups if group.endswith("-restore")] == []


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_of_a_transaction_changes_results_or_reads_state_again(world, undisturbed, short_pauses, failure):
    assert_undisturbed(world, undisturbed, "stream join", failure)


@pytest.mark.parametrize("failure", ["the commit is refused", "the commit succeeds and its answer is an error"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_failed_transaction_changes_the_results_of_no_kind_of_query(world, undisturbed, short_pauses, query, failure):
    assert_undisturbed(world, undisturbed, query, failure)


UNKNOWN_OUTCOMES = ["the commit times out", "the answer to the commit is lost", "the producer is fenced"]


@pytest.mark.parametrize("failure", UNKNOWN_OUTCOMES)
def test_records_that_are_left_without_markers_do_not_come_twice(world, undisturbed, short_pauses, failure):
    world.cluster.skips_markers = True
    assert_undisturbed(world, undisturbed, "filter", failure)


@pytest.mark.parametrize("failure", UNKNOWN_OUTCOMES)
def test_a_new_run_does_not_make_records_without_markers_visible(
    world, undisturbed, short_pauses, monkeypatch, failure
):
    world.cluster.skips_markers = True
    monkeypatch.setattr(TransactionalProducer, "_settle", lambda producer, places: False)
    runner = rounds(world, QUERIES["filter"], EXACTLY, FAILURES[failure])
    assert results(world) == undisturbed(QUERIES["filter"], EXACTLY)[0]
    assert runner.meters.restarts == 1


def killed_in_a_transaction(world, statement, monkeypatch):
    """Kills an engine with an open transaction, which the broker then ends without markers; returns the next one."""
    engine = world.engine()
    execute(engine, SOURCES, EXACTLY)
    execute(engine, statement, EXACTLY)
    (query,) = engine.state.queries
    world.cluster.wait_for(lambda: query.runner.state is QueryState.RUNNING)
    send_round(world, 0)
    wait_until_committed(world, GROUP + query.id)
    with monkeypatch.context() as patched:
        patched.setattr("bifrost.engine.runtime.runner._BACKOFF_S", (60.0,))
        patched.setattr(QueryRun, "commit_in_time", lambda run: False)
        send_round(world, 1)
        world.cluster.wait_for(
            lambda: any(producer.has_pending for producer in world.cluster.open_transactions.values())
        )
        world.cluster.skips_markers = True
        world.cluster.kill_clients()
        world.cluster.wait_for(lambda: query.runner.state is QueryState.ERROR)
        engine.close()
    return world.engine()


@pytest.mark.parametrize("query", [query for query in QUERIES if query != "join"])
def test_the_next_process_does_not_make_records_without_markers_visible(world, undisturbed, query, monkeypatch):
    (again,) = killed_in_a_transaction(world, QUERIES[query], monkeypatch).state.queries
    wait_until_committed(world, GROUP + again.id)
    send_round(world, 2)
    wait_until_committed(world, GROUP + again.id)
    expected_results, expected_state = undisturbed(QUERIES[query], EXACTLY)
    assert (results(world), living(state(world))) == (expected_results, living(expected_state))


@pytest.mark.parametrize("query", ["windowed count", "table join"])
def test_buffered_results_survive_a_failed_transaction(world, undisturbed, short_pauses, query):
    buffered = {**EXACTLY, "ksql.streams.cache.max.bytes.buffering": "10000000"}
    assert_undisturbed(world, undisturbed, query, "the commit is refused thrice", buffered)


def test_state_on_disk_survives_a_failed_transaction_and_a_restart(undisturbed, short_pauses, monkeypatch, tmp_path):
    monkeypatch.setattr("bifrost.engine.runtime.checkpoints._TEND_EVERY_S", 0.0)
    world = World(StateHome(tmp_path, StateBudget(0)))
    assert_undisturbed(world, undisturbed, "count", "the commit is refused thrice")
    before = results(world)
    world.engines[0].close()
    world.cluster.unreadable = {name for name in world.cluster.admin.topics() if name.endswith("-changelog")}
    world.engine()
    world.send("s", {"A": 1}, "c", 2_000_000)
    world.cluster.wait_for(lambda: len(results(world)) == len(before) + 1)
    assert results(world)[-1] == (b"c", b'{"C":4}', 2_000_000)
    world.close()


def test_a_query_whose_state_is_outdated_starts_again_and_reads_it(world, undisturbed, short_pauses, monkeypatch):
    monkeypatch.setattr(TransactionalProducer, "recover", lambda producer, places: False)
    runner = rounds(world, QUERIES["count"], EXACTLY, FAILURES["the producer is fenced"])
    assert (results(world), state(world)) == undisturbed(QUERIES["count"], EXACTLY)
    assert runner.meters.restarts == 1


def test_a_query_that_never_gets_through_starts_again(world, undisturbed, short_pauses):
    runner = rounds(world, QUERIES["count"], EXACTLY, {"commit": [ABORTABLE] * 6})
    assert (results(world), state(world)) == undisturbed(QUERIES["count"], EXACTLY)
    assert runner.meters.restarts == 1


def test_a_query_can_be_stopped_while_its_transactions_fail(world, short_pauses):
    engine = world.engine()
    execute(engine, SOURCES, EXACTLY)
    execute(engine, QUERIES["count"], EXACTLY)
    (query,) = engine.state.queries
    world.cluster.failing = {"commit": [TIMED_OUT], "init": [TIMED_OUT] * 100_000}
    world.send("s", {"A": 1}, "a")
    world.cluster.wait_for(lambda: len(query.runner.errors) > 3)
    assert query.runner.state is QueryState.ERROR
    assert query.runner.stop()


@pytest.mark.parametrize(("exactly_once", "interval_ms"), [(True, 30_000), (False, 3_600_000)])
def test_no_transaction_is_open_for_longer_than_brokers_allow(exactly_once, interval_ms):
    options = RunOptions(group="g", internal="g", commit_interval_ms=3_600_000, exactly_once=exactly_once)
    assert options.longest_commit_interval_ms == interval_ms


# --- the producer alone


@pytest.fixture
def cluster():
    made = MemoryCluster()
    made.create_topic("out", 1, {})
    return made


def producer_of(cluster, *, stopping=lambda: False, refused=None):
    refused = [] if refused is None else refused
    return TransactionalProducer(
        cluster,
        "g",
        "id",
        stopping,
        lambda topic, error: refused.append(topic),
        lambda error, offsets: None,
        Checkpoints(None, "q", lambda: 0),
    )


def written(producer, *values):
    producer.begin()
    emit = producer.emitter({})
    for value in values:
        emit("out", b"k", value, 1, None)
    return emit


def test_an_aborted_transaction_is_never_seen(cluster):
    producer = producer_of(cluster)
    written(producer, b"v")
    producer.close()
    assert cluster.values("out") == []


def test_a_producer_that_was_replaced_by_another_run_finds_its_state_outdated(cluster):
    first = producer_of(cluster)
    first.committed([])
    written(first, b"v")
    second = producer_of(cluster)
    written(second, b"v")
    second.start_commit([TopicPartition("in", 0, 1)])
    with pytest.raises(TransactionFailed):
        first.start_commit([TopicPartition("in", 0, 2)])
    assert not first.recover([("in", 0)])
    assert cluster.values("out") == [b"v"]


def test_a_producer_that_was_replaced_while_nothing_was_committed_continues(cluster):
    first = producer_of(cluster)
    written(first, b"v")
    written(producer_of(cluster), b"v")
    with pytest.raises(TransactionFailed):
        first.start_commit([TopicPartition("in", 0, 1)])
    assert first.recover([("in", 0)])
    first.start_commit([TopicPartition("in", 0, 1)])
    assert cluster.values("out") == [b"v"]


def test_offsets_are_looked_at_again_when_they_could_not_be_read(cluster, monkeypatch):
    producer = producer_of(cluster)
    written(producer, b"v")
    cluster.failing = {"commit answer": [TIMED_OUT]}
    with pytest.raises(TransactionFailed):
        producer.start_commit([TopicPartition("in", 0, 1)])
    read = MemoryOffsets.read

    def unreachable(offsets, places):
        monkeypatch.setattr(MemoryOffsets, "read", read)
        raise Unreachable("Kafka", "read offsets", "no answer")

    monkeypatch.setattr(MemoryOffsets, "read", unreachable)
    with pytest.raises(TransactionFailed) as failure:
        producer.recover([("in", 0)])
    assert failure.value.is_temporary
    assert producer.recover([("in", 0)])
    producer.start_commit([TopicPartition("in", 0, 1)])
    assert cluster.values("out") == [b"v"]


def test_a_full_queue_does_not_stop_a_record_half_way(cluster, monkeypatch):
    is_full = True

    def produce(client, *arguments, **options):
        if is_full:
            raise BufferError
        original(client, *arguments, **options)

    original = MemoryProducer.produce
    monkeypatch.setattr(MemoryProducer, "produce", produce)
    producer = producer_of(cluster, stopping=lambda: True)
    written(producer, b"1", b"2")
    with pytest.raises(TransactionFailed):
        producer.start_commit([TopicPartition("in", 0, 1)])
    is_full = False
    assert producer.recover([("in", 0)])
    producer.start_commit([TopicPartition("in", 0, 1)])
    assert cluster.values("out") == [b"1", b"2"]


def test_a_result_that_the_client_refuses_is_reported_once(cluster):
    refused = []
    producer = producer_of(cluster, refused=refused)
    cluster.unsendable = {b"large"}
    written(producer, b"1", b"large", b"2")
    cluster.failing = {"commit": [ABORTABLE]}
    with pytest.raises(TransactionFailed):
        producer.start_commit([TopicPartition("in", 0, 1)])
    assert producer.recover([("in", 0)])
    producer.start_commit([TopicPartition("in", 0, 1)])
    assert cluster.values("out") == [b"1", b"2"]
    assert refused == ["out"]


# --- what a killed producer has left


def left_without_markers(cluster, *values, offsets=()):
    """Leaves values and offsets of a killed producer whose transaction was ended without markers."""
    cluster.skips_markers = True
    killed = producer_of(cluster)
    written(killed, *values)
    if offsets:
        cluster.failing = {"commit": [TIMED_OUT]}
        with pytest.raises(TransactionFailed):
            killed.start_commit([TopicPartition(*place) for place in offsets])


def test_offsets_that_are_left_without_markers_are_never_committed(cluster):
    left_without_markers(cluster, b"old", offsets=[("in", 0, 5), ("in", 1, 5)])
    producer = producer_of(cluster)
    assert producer.committed([("in", 0), ("in", 1)]) == {}
    written(producer, b"new")
    producer.start_commit([TopicPartition("in", 0, 3)])
    assert cluster.admin.groups["g"] == {("in", 0): 3}


def test_of_the_records_that_are_left_without_markers_the_last_is_written_again(cluster):
    left_without_markers(cluster, b"first", b"last")
    written_again = []
    abort = MemoryProducer.abort_transaction

    def aborted(producer, timeout):
        written_again.extend(sent[1] for sent, _ in producer._pending)
        abort(producer, timeout)

    producer = producer_of(cluster)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MemoryProducer, "abort_transaction", aborted)
        producer.end_left_transactions({"out": 1}, [("in", 0)])
    assert written_again == [b"last"]
    assert cluster.admin.unstable({"out": 1}) == {}


def test_nothing_is_written_where_no_transaction_was_left(cluster):
    producer = producer_of(cluster)
    producer.end_left_transactions({"out": 1}, [("in", 0)])
    assert cluster.open_transactions == {}
    assert cluster.reading_groups == []


# --- results that the broker refuses


def refusing(cluster, *bad):
    cluster.refusing_record = lambda topic, value, timestamp: (
        KafkaError(KafkaError.MSG_SIZE_TOO_LARGE) if value in bad else None
    )


def sent_again(producer, *values):
    """Writes values in a transaction that is refused, and in another one."""
    written(producer, *values)
    with pytest.raises(TransactionFailed) as failure:
        producer.start_commit([TopicPartition("in", 0, 1)])
    assert failure.value.is_refusal
    assert producer.recover([("in", 0)])
    producer.start_commit([TopicPartition("in", 0, 1)])


@pytest.mark.parametrize(
    "values",
    [
        [b"bad"],
        [b"bad", b"a", b"bad"],
        [b"a", b"bad", b"bad", b"b"],
        [b"%d" % n for n in range(50)] + [b"bad"] + [b"%d" % n for n in range(50, 77)] + [b"bad"],
    ],
)
def test_only_refused_results_are_left_out_of_a_transaction_and_the_others_keep_their_order(cluster, values):
    refused = []
    refusing(cluster, b"bad")
    sent_again(producer_of(cluster, refused=refused), *values)
    assert cluster.values("out") == [value for value in values if value != b"bad"]
    assert refused == ["out"] * values.count(b"bad")
    assert cluster.admin.groups["g"] == {("in", 0): 1}


def test_a_topic_for_small_batches_gets_all_results(cluster):
    refused = []
    cluster.largest_batch = 5
    values = [b"%d" % number for number in range(43)]
    sent_again(producer_of(cluster, refused=refused), *values)
    assert (cluster.values("out"), refused) == (values, [])


def test_the_transaction_after_a_refusal_has_its_results_alone(cluster):
    producer = producer_of(cluster)
    refusing(cluster, b"bad")
    sent_again(producer, b"a", b"bad")
    written(producer, b"b")
    producer.start_commit([TopicPartition("in", 0, 2)])
    assert cluster.values("out") == [b"a", b"b"]


@pytest.mark.parametrize("step", ["abort", "begin", "produce"])
@pytest.mark.parametrize("calls_before", range(6))
def test_a_broker_that_fails_while_refused_results_are_looked_for_loses_and_repeats_nothing(
    cluster, monkeypatch, step, calls_before
):
    refused, calls = [], 0
    producer = producer_of(cluster, refused=refused)
    refusing(cluster, b"bad")
    written(producer, b"a", b"bad", b"b", b"bad", b"c")
    with pytest.raises(TransactionFailed):
        producer.start_commit([TopicPartition("in", 0, 1)])
    original = MemoryProducer._step

    def failing_step(client, name):
        nonlocal calls
        calls += name == step
        if name == step and calls == calls_before + 1:
            raise KafkaException(TIMED_OUT)
        original(client, name)

    monkeypatch.setattr(MemoryProducer, "_step", failing_step)
    for _ in range(3):
        with suppress(TransactionFailed):
            assert producer.recover([("in", 0)])
    producer.start_commit([TopicPartition("in", 0, 1)])
    assert cluster.values("out") == [b"a", b"b", b"c"]
    assert refused == ["out", "out"]


def test_a_broker_that_answers_no_more_ends_the_search_when_the_query_stops(cluster, monkeypatch):
    monkeypatch.setattr("bifrost.engine.runtime.transaction_resend._STOPPING_S", 0.0)
    producer = producer_of(cluster, stopping=lambda: True)
    refusing(cluster, b"bad")
    written(producer, b"a", b"bad")
    with pytest.raises(TransactionFailed):
        producer.start_commit([TopicPartition("in", 0, 1)])
    monkeypatch.setattr(MemoryProducer, "poll", lambda client, timeout=0: 0)
    with pytest.raises(TransactionFailed):
        producer.recover([("in", 0)])
