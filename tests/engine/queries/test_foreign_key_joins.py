"""Foreign-key joins over tables with different partition counts, on a cluster in memory."""

from tests.engine.runtime.engines import execute

TABLE = (
    "CREATE TABLE {0} (ID STRING PRIMARY KEY, V STRING) WITH (KAFKA_TOPIC='{0}', PARTITIONS={1}, VALUE_FORMAT='JSON');"
)


def test_rows_meet_whatever_the_partition_counts(world):
    engine = world.engine()
    execute(engine, TABLE.format("A", 4) + TABLE.format("B", 3))
    execute(engine, "CREATE TABLE X AS SELECT A.ID, B.V AS V FROM A JOIN B ON A.V = B.ID;")
    for number in range(12):
        world.send("B", {"V": f"v{number}"}, f"b{number}")
    for number in range(12):
        world.send("A", {"V": f"b{number}"}, f"a{number}")
    world.cluster.wait_for(lambda: len(world.values("X")) == 12)
    assert sorted(value["V"] for value in world.values("X")) == sorted(f"v{number}" for number in range(12))
