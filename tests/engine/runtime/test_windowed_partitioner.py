import pytest

from bifrost.engine.runtime.windowed_partitioner import WindowedPartitioner, murmur2
from bifrost.engine.serde import windowed_key
from tests.engine.runtime.engines import execute


@pytest.mark.parametrize(
    ("key", "signed"),
    # Of Kafka's own tests.
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_kafkas(key, signed):
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_all_windows_of_a_key_are_in_one_partition():
    placement = WindowedPartitioner(12, 8)
    places = {placement.partition(windowed_key(b"key", start)) for start in range(0, 100_000, 1000)}
    assert places == {(murmur2(b"key") & 0x7FFFFFFF) % 12}
    assert placement.partition(None) == -1


def test_a_windowed_sink_is_placed_by_its_key(world):
    execute(
        world.engine(),
        "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
        "CREATE TABLE W WITH (PARTITIONS=8) AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 1 SECONDS)"
        " GROUP BY K EMIT CHANGES;",
    )
    for number in range(20):
        world.send("s", {"A": 1}, "x", timestamp=number * 1000)
    world.cluster.wait_for(lambda: len(world.values("W")) == 20)
    parts = world.cluster.admin.topics_by_name["W"].partitions
    assert [len(part) for part in parts if part] == [20]
