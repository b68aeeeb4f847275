"""Two workers that own half of the tasks each do together what one does; neither touches the tasks of the other."""

from collections import Counter

import pytest

from bifrost.engine.runtime.job import RunOptions, TaskShare
from tests.engine.runtime.engines import execute

PARTITIONS = 4
STREAM = f"CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS={PARTITIONS}, VALUE_FORMAT='JSON');"
COPY = "CREATE STREAM OUT AS SELECT K, A FROM S EMIT CHANGES;"
COUNT = "CREATE TABLE N AS SELECT A, COUNT(*) AS C FROM S GROUP BY A EMIT CHANGES;"
SHARES = TaskShare(0, 2), TaskShare(1, 2)


def owners(query_id: str, count: int, partitions: int, subtopology: int = 0) -> list[int]:
    return [
        next(index for index in range(count) if TaskShare(index, count).owns(query_id, subtopology, partition))
        for partition in range(partitions)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_task_has_exactly_one_owner(count):
    shares = [TaskShare(index, count) for index in range(count)]
    for task in [(name, sub, partition) for name in ("A", "B_7") for sub in range(3) for partition in range(7)]:
        assert sum(share.owns(*task) for share in shares) == 1


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_partitions_of_a_sub_topology_spread_evenly(count):
    sizes = Counter(owners("CTAS_N_3", count, 12))
    assert set(sizes.values()) == {12 // count}


def test_queries_of_one_partition_spread():
    sizes = Counter(owners(f"CSAS_OUT_{number}", 2, 1)[0] for number in range(200))
    assert min(sizes.values()) > 60


def test_the_owner_of_a_task_is_the_same_in_every_process():
    # Python hashes texts with a seed that differs between processes: two workers would own one task, or none.
    assert owners("CTAS_N_3", 2, 4) == [0, 1, 0, 1]
    assert owners("CSAS_OUT_1", 3, 4) == [2, 0, 1, 2]


def test_workers_have_transactions_of_their_own():
    ids = {RunOptions("g", "g", exactly_once=True, share=share).transaction_id for share in (None, *SHARES)}
    assert len(ids) == 3
    assert RunOptions("g", "g", share=SHARES[0]).transaction_id is None


def both(world):
    """Two engines that run the same queries, each its half of the tasks."""
    first = world.engine(share=SHARES[0])
    execute(first, STREAM + COPY + COUNT)
    return first, world.engine(share=SHARES[1])


def send(world, numbers):
    for number in numbers:
        world.send("s", {"A": number % 3}, f"key {number}")


def counted(world) -> Counter:
    latest = {}
    for records in world.cluster.admin.topics_by_name["N"].partitions:
        latest.update({record.key(): record.value() for record in records})
    return Counter(latest.values())


def test_two_workers_process_every_record_once(world):
    both(world)
    send(world, range(60))
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 60)
    world.cluster.wait_for(lambda: counted(world) == {b'{"C":20}': 3})


def test_a_worker_leaves_the_partitions_of_the_others_alone(world):
    first, second = both(world)
    send(world, range(60))
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 60)
    second.close()
    before = len(world.values("OUT"))
    send(world, range(60, 120))
    (query,) = [query for query in first.state.queries if query.id == "CSAS_OUT_1"]
    owned = {("s", partition) for partition in range(PARTITIONS) if SHARES[0].owns(query.id, 0, partition)}
    ends = {place: len(world.cluster.admin.topics_by_name["s"].partitions[place[1]]) for place in owned}
    world.cluster.wait_for(lambda: all(world.committed(query.id, *place) == end for place, end in ends.items()))
    assert set(query.runner.offsets()) == owned
    assert before < len(world.values("OUT")) < 120

    world.engine(share=SHARES[1])

    world.cluster.wait_for(lambda: len(world.values("OUT")) == 120)


def test_a_restarted_worker_restores_its_own_tasks(world):
    first, second = both(world)
    send(world, range(60))
    world.cluster.wait_for(lambda: counted(world) == {b'{"C":20}': 3})
    second.close()

    second = world.engine(share=SHARES[1])
    send(world, range(60))

    world.cluster.wait_for(lambda: counted(world) == {b'{"C":40}': 3})
    tasks = [{key for key, _ in engine.state.queries.get("CTAS_N_2").runner.tasks()} for engine in (first, second)]
    assert not tasks[0] & tasks[1]
    assert tasks[0] | tasks[1] == {(sub, partition) for sub in (0, 1) for partition in range(PARTITIONS)}
