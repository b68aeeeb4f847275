"""Queries over several partitions give the same rows as over one, whatever goes between tasks."""

import random
from zlib import crc32

import pytest

from tests.engine.topology.queries import STREAM, TABLE, driver_of

PARTITIONS = 3


class Cluster:
    """Runs one compiled query over several partitions: every topic is spread by its keys' bytes."""

    def __init__(self, compiled):
        self.repartitions = {repartition.topic for repartition in compiled.repartitions}
        self.places = {entry.topic: entry.subtopology for entry in compiled.inputs}
        self.pending = []
        self.outputs = []
        self.changelogs = {}
        self.compiled = compiled
        self.tasks = {}
        self.start()

    def start(self):
        """Creates all tasks again and restores them from their changelogs."""
        for number in range(self.compiled.subtopologies):
            for partition in range(PARTITIONS):
                self.tasks[number, partition] = self._task(number, partition)

    def _task(self, number, partition):
        log = self.changelogs.setdefault((number, partition), {})

        def write(store, encode, place, row, timestamp):
            key, value = encode(place, row, timestamp)
            if value is None:
                log.pop((store, key), None)
            else:
                log[store, key] = value, timestamp

        task = self.compiled.new_task(number, emit=self._emit, log=self._fail, changelog=write)
        for (store, key), (value, _) in list(log.items()):
            task.restore(store, key, value)
        return task

    def _fail(self, problem):
        raise AssertionError(problem)

    def _emit(self, topic, key, value, timestamp, headers):
        place = self.pending if topic in self.repartitions else self.outputs
        place.append((topic, key, value, timestamp))

    def send(self, topic, key, value, timestamp=0):
        """Processes a record and all that comes of it."""
        self.pending.append((topic, key, value, timestamp))
        while self.pending:
            name, key, value, timestamp = self.pending.pop(0)
            partition = crc32(key) % PARTITIONS
            record = (key, value, timestamp, partition, 0, None)
            self.tasks[self.places[name], partition].process(name, [record])


QUERIES = {
    "stream-table join on a value": "CREATE STREAM O AS SELECT B, A, N FROM S JOIN T ON S.B = T.K;",
    "count by a value": "CREATE TABLE O AS SELECT B, COUNT(*) AS N FROM S GROUP BY B;",
    "windows": "CREATE TABLE O AS SELECT K, SUM(A) AS N FROM S WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY K;",
    "sessions": "CREATE TABLE O AS SELECT K, SUM(A) AS N FROM S WINDOW SESSION (3 MILLISECONDS) GROUP BY K;",
    "table by group": "CREATE TABLE O AS SELECT C, SUM(N) AS N FROM T GROUP BY C;",
    "foreign key": "CREATE TABLE U (K STRING PRIMARY KEY, N INT, C STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
    "CREATE TABLE O AS SELECT T.K, T.N AS N, U.N AS M FROM T JOIN U ON T.C = U.K;",
    "stream-stream": "CREATE STREAM R (K STRING KEY, N INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
    "CREATE STREAM O AS SELECT S.K AS K, A, N FROM S LEFT JOIN R WITHIN 5 MILLISECONDS GRACE PERIOD 3 MILLISECONDS "
    "ON S.K = R.K;",
}


def records():
    """Random records of both topics, times moving on with some disorder."""
    chance = random.Random(7)
    for number in range(300):
        key = f"k{chance.randrange(5)}".encode()
        value = f'{{"A": {number}, "N": {number}, "B": "k{chance.randrange(5)}", "C": "k{chance.randrange(4)}"}}'
        topic = chance.choice(["s", "t"])
        gone = topic == "t" and chance.random() < 0.1
        yield topic, key, None if gone else value.encode(), number // 3 + chance.randrange(3)


def last_by_key(outputs):
    return {key: value for _, key, value, _ in outputs}


@pytest.mark.parametrize("name", QUERIES)
def test_the_state_of_all_keys_is_the_same_over_one_and_several_partitions(name):
    driver = driver_of(STREAM + TABLE + QUERIES[name])
    [query] = driver.queries.values()
    cluster = Cluster(query.compiled)
    for topic, key, value, timestamp in records():
        if topic in cluster.places:
            driver.produce(topic, key, value, timestamp)
            cluster.send(topic, key, value, timestamp)
    expected = [(None, record.key, record.value, None) for record in driver.topic("O").records]
    assert expected
    if name != "stream-stream":  # there, each task's own time decides when unmatched rows are emitted
        assert last_by_key(cluster.outputs) == last_by_key(expected)


@pytest.mark.parametrize("name", QUERIES)
def test_restored_tasks_continue_with_the_same_results(name):
    driver = driver_of(STREAM + TABLE + QUERIES[name])
    [query] = driver.queries.values()
    steady, restarted = Cluster(query.compiled), Cluster(query.compiled)
    for number, record in enumerate(records()):
        if number % 40 == 0:
            restarted.start()
        if record[0] in steady.places:
            steady.send(*record)
            restarted.send(*record)
    assert restarted.outputs == steady.outputs


def test_subtopologies_follow_from_the_topics_between_them():
    driver = driver_of(STREAM + TABLE + QUERIES["foreign key"])
    [query] = driver.queries.values()
    inputs = {entry.topic: (entry.subtopology, entry.role) for entry in query.compiled.inputs}
    assert query.compiled.subtopologies == 2
    assert inputs["t"][0] != inputs["s"][0]
    assert {role for _, role in inputs.values()} == {"table", "repartition"}
    assert {store.subtopology for store in query.compiled.stores} == {0, 1}


def test_only_columns_that_are_used_are_stored_and_sent():
    driver = driver_of(STREAM + TABLE + "CREATE STREAM O AS SELECT B, N FROM S JOIN T ON S.B = T.K;")
    [query] = driver.queries.values()
    [store] = query.compiled.stores
    assert store.columns == ("T_N",)
    assert "a_" not in query.compiled.source_text.replace("offset, headers", "")
