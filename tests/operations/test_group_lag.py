"""Lags of consumer groups, and rates between two samples."""

from types import SimpleNamespace

import pytest

from bifrost.clients.kafka import OffsetRange
from bifrost.clients.topic_records import StoredRecord
from bifrost.errors import Unreachable
from bifrost.operations.activity import activity_between, read_sample
from bifrost.operations.group_lag import group_lags, is_named, with_ages
from bifrost.operations.group_owners import GroupOwner, GroupOwners, read_owners

OWNERS = GroupOwners(
    ["sink"], {"_confluent-ksql-default_query_CSAS_A_1": "CSAS_A_1", "query_CTAS_B_2": "CTAS_B_2"}, [], ["bot"]
)

COMMITTED = {
    "connect-sink": {"t": {0: 5, 1: 3}},
    "_confluent-ksql-default_query_CSAS_A_1": {"t": {0: 20, 1: 4}},
    "bot": {"t": {0: 15}, "deleted": {0: 1}},
    "empty": {},
}


class Cluster:
    """Two partitions of one topic; the first has lost its first ten records to retention."""

    def groups(self):
        return tuple(COMMITTED)

    def positions(self, groups):
        return {group: COMMITTED[group] for group in groups}

    def topics(self):
        return {"t": 2}

    def ends(self, topics):
        assert set(topics) <= {"t"}
        return {topic: {0: OffsetRange(10, 20), 1: OffsetRange(0, 4)} for topic in topics}


class Records:
    def __init__(self, fails=False):
        self.fails, self.reads = fails, []

    def read(self, ranges, *, first_only=False):
        assert first_only
        if self.fails:
            raise Unreachable("Kafka", "read t", "no record")
        self.reads.append(ranges)
        for topic, parts in ranges.items():
            for number, (first, _end) in parts.items():
                yield StoredRecord(topic, number, first, 1000 * first, None, b"")


def test_lags_of_all_groups():
    found = {str(item.owner): [part.lag for part in item.partitions] for item in group_lags(Cluster(), OWNERS)}
    assert found == {"connector sink": [10, 1], "query CSAS_A_1": [0, 0], "service bot": [5]}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("SINK", ["connector sink"]),
        ("connector:*", ["connector sink"]),
        ("connect-sink", ["connector sink"]),
        ("csas_*", ["query CSAS_A_1"]),
        ("nosuch", []),
    ],
)
def test_groups_are_found_by_their_owner(name, found):
    assert [str(item.owner) for item in group_lags(Cluster(), OWNERS, wanted=is_named(name))] == found


def test_the_age_of_the_first_unread_record():
    lags = with_ages(group_lags(Cluster(), OWNERS), Records(), 30_000)
    assert {str(item.owner): item.behind_s for item in lags} == {
        "connector sink": 27.0,  # partition 1 at offset 3; partition 0 starts at 10
        "query CSAS_A_1": 0,
        "service bot": 15.0,
    }


def test_without_an_answer_the_age_is_unknown_and_the_lag_is_not():
    lags = with_ages(group_lags(Cluster(), OWNERS), Records(fails=True), 30_000)
    assert [(item.lag, item.behind_s) for item in lags] == [(11, None), (0, 0), (5, None)]


@pytest.mark.parametrize(
    ("group", "owner"),
    [
        ("connect-sink", GroupOwner("connector", "sink")),
        ("connect-gone", GroupOwner("group", "connect-gone")),
        ("_confluent-ksql-otherquery_CTAS_B_2", GroupOwner("query", "CTAS_B_2")),
        ("alert-fraud", GroupOwner("alert", "fraud")),
    ],
)
def test_owners(group, owner):
    alert = SimpleNamespace(name="fraud", group="alert-fraud")
    owners = GroupOwners(["sink"], {"query_CTAS_B_2": "CTAS_B_2"}, [alert], [])
    assert owners.owner(group) == owner


def test_rates_between_two_samples(deployed):
    kafka, query = deployed.kafka, "_confluent-ksql-default_query_CSAS_ALERTS_2"
    kafka.committed = {query: {"ratings": {0: 0}}}
    kafka.records |= {"ratings": 100, "ALERTS": 0}
    owners = read_owners(deployed.platform, [], [])
    before = read_sample(deployed.platform, owners, 10.0)

    kafka.committed[query]["ratings"][0] = 40
    kafka.records["ALERTS"] = 8
    found = activity_between(before, read_sample(deployed.platform, owners, 14.0))

    busiest = found[0]
    assert (busiest.name, busiest.state) == ("query CSAS_ALERTS_2", "RUNNING")
    assert (busiest.read_per_s, busiest.written_per_s, busiest.lag) == (10, 2, 60)
    assert {part.name for part in found} >= {"connector mysql-demo-customers", "query CSAS_CUSTOMERS_SRC_REKEY_1"}


def test_a_group_that_was_set_back_reads_nothing(deployed):
    query = "_confluent-ksql-default_query_CSAS_ALERTS_2"
    deployed.kafka.committed = {query: {"ratings": {0: 50}}}
    owners = read_owners(deployed.platform, [], [])
    before = read_sample(deployed.platform, owners, 0)
    deployed.kafka.committed = {query: {"ratings": {0: 10}}}

    (part, *_) = [
        part
        for part in activity_between(before, read_sample(deployed.platform, owners, 1))
        if part.name == "query CSAS_ALERTS_2"
    ]
    assert part.read_per_s == 0
