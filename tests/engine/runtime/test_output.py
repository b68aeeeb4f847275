"""What a query writes, on a cluster in memory."""

from bifrost.engine.runtime.output import Output
from tests.engine.runtime.memory_cluster import MemoryCluster

CHANGELOG = "q-counts-changelog"


def output_on(cluster):
    cluster.create_topic(CHANGELOG, 2, {})
    output = Output(cluster, None, lambda: False)
    return output, output.changelog("q", 1)


def changes(cluster):
    return [(record.key(), record.value(), record.timestamp()[1]) for record in cluster.records(CHANGELOG, 1)]


def test_a_changelog_has_the_last_change_of_a_key_between_two_commits():
    cluster = MemoryCluster()
    output, write = output_on(cluster)
    for number in range(3):
        write("counts", b"a", b"%d" % number, number)
    write("counts", b"b", b"0", 5)
    write("counts", b"b", None, 6)
    output.commit(cluster.consumer("q"), [])
    assert changes(cluster) == [(b"a", b"2", 2), (b"b", None, 6)]


def test_changes_after_a_commit_are_written_by_the_next():
    cluster = MemoryCluster()
    output, write = output_on(cluster)
    write("counts", b"a", b"1", 1)
    output.commit(cluster.consumer("q"), [])
    write("counts", b"a", b"2", 2)
    assert changes(cluster) == [(b"a", b"1", 1)]
    output.commit(cluster.consumer("q"), [])
    assert changes(cluster) == [(b"a", b"1", 1), (b"a", b"2", 2)]


def test_very_many_changes_do_not_wait_for_a_commit():
    cluster = MemoryCluster()
    _, write = output_on(cluster)
    for number in range(60_000):
        write("counts", b"%d" % number, b"1", 1)
    assert len(changes(cluster)) == 50_000
