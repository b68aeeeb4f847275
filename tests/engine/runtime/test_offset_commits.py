"""A query commits the offsets that have changed since its last commit, and no others."""

import pytest
from confluent_kafka import KafkaError

from tests.engine.runtime.engines import execute

STREAM = "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');"
COPY = "CREATE STREAM OUT AS SELECT K, A FROM S EMIT CHANGES;"
GUARANTEES = ["at_least_once", "exactly_once_v2"]


@pytest.fixture
def stored(world, monkeypatch):
    """The (partition, offset) pairs that the cluster was sent after the starting ones, in their order."""
    sent, commit = [], world.cluster.commit

    def store(group, offsets):
        commit(group, offsets)
        sent.extend((place.partition, place.offset) for place in offsets if place.offset > 0)

    monkeypatch.setattr(world.cluster, "commit", store)
    return sent


def send(world, partition, number):
    world.cluster.write("s", b'{"A": %d}' % number, partition=partition)


@pytest.mark.parametrize("guarantee", GUARANTEES)
def test_only_partitions_with_new_records_are_committed(world, stored, guarantee):
    execute(world.engine(**{"processing.guarantee": guarantee, "auto.offset.reset": "earliest"}), STREAM + COPY)
    expected = [(0, 1), (1, 1), (1, 2), (1, 3), (0, 2)]
    for number, (partition, _) in enumerate(expected, 1):
        send(world, partition, number)
        world.cluster.wait_for(lambda number=number: stored == expected[:number])


@pytest.mark.parametrize("guarantee", GUARANTEES)
def test_a_restart_continues_in_every_partition(world, stored, guarantee):
    first = world.engine(**{"processing.guarantee": guarantee, "auto.offset.reset": "earliest"})
    execute(first, STREAM + COPY)
    for number, partition in enumerate((0, 1, 1), 1):
        send(world, partition, number)
        world.cluster.wait_for(lambda number=number: len(stored) == number)
    first.close()
    world.engine()
    send(world, 0, 4)
    world.cluster.wait_for(lambda: stored[-1] == (0, 2))
    assert sorted(row["A"] for row in world.values("OUT")) == [1, 2, 3, 4]


def test_a_commit_that_failed_is_repeated(world, stored, monkeypatch):

    execute(world.engine(**{"auto.offset.reset": "earliest"}), STREAM + COPY)
    world.cluster.refusing_offsets = KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    send(world, 0, 1)
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 1)
    world.cluster.refusing_offsets = None
    world.cluster.wait_for(lambda: stored == [(0, 1)])


@pytest.mark.parametrize("guarantee", GUARANTEES)
def test_a_wall_clock_that_stands_or_is_set_back_delays_no_commit(world, stored, guarantee):
    """The clock of the tests always says the same, as one that is set back says less than before for hours."""
    properties = {"commit.interval.ms": "50", "processing.guarantee": guarantee, "auto.offset.reset": "earliest"}
    execute(world.engine(**properties), STREAM + COPY)
    for number in (1, 2):
        send(world, 0, number)
        world.cluster.wait_for(lambda number=number: stored[-1:] == [(0, number)])
