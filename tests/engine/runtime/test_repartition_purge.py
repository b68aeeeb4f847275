"""What was read of repartition topics is dropped, but not before it is committed."""

from bifrost.engine.runtime.repartition_purge import RepartitionPurge
from tests.engine.runtime.memory_cluster import MemoryCluster


def purged(cluster, now):
    """A cluster's topics after offsets were committed at a time."""
    purge = RepartitionPurge(cluster.admin, "q", frozenset({"r"}), 0)
    purge.committed({("r", 0): 2, ("s", 0): 2}, now)
    return cluster


def filled():
    cluster = MemoryCluster()
    for topic in "rs":
        cluster.create_topic(topic, 1, {})
        for value in (b"1", b"2", b"3"):
            cluster.write(topic, value)
    return cluster


def test_committed_records_of_repartition_topics_are_dropped_and_no_others():
    cluster = purged(filled(), 30.0)
    cluster.wait_for(lambda: cluster.values("r") == [b"3"])
    assert cluster.values("s") == [b"1", b"2", b"3"]


def test_purges_are_at_least_30_seconds_apart():
    assert purged(filled(), 29.9).values("r") == [b"1", b"2", b"3"]
