"""Positions: planned with what is repeated and skipped, and changed while the reader is suspended."""

import json

import pytest

from bifrost.alerts import read_alerts
from bifrost.clients.kafka import OffsetRange, TopicDescription
from bifrost.errors import NotReady, OperationRefused
from bifrost.operations.group_owners import read_owners
from bifrost.operations.offset_changes import change_group, change_source
from bifrost.operations.offset_plans import OffsetMove, OffsetTarget, find_position, plan_group, plan_source

SINK, SOURCE = "es_sink", "mysql-demo-customers"


@pytest.fixture
def world(deployed, project):
    project.write("alerts/low.toml", 'topic = "ALERTS"\nchannel = "slack"\nto = "x"\ntemplate = "{STARS}"\n')
    deployed.alerts = read_alerts(project.root / "alerts", lambda error: None)
    deployed.services.add("alerts", "running")
    deployed.connect.configs[SINK] = {"connector.class": "X"}
    deployed.connect.states[SINK] = "RUNNING"
    deployed.connect.sinks.add(SINK)
    deployed.kafka.there["orders"] = TopicDescription("orders", 1, 1)
    deployed.kafka.records |= {"orders": 20, "ALERTS": 9}
    deployed.kafka.deleted["orders"] = 3
    deployed.kafka.times["orders"] = [1000 * number for number in range(20)]
    deployed.kafka.committed |= {
        "connect-es_sink": {"orders": {0: 12}},
        "alerts.low": {"ALERTS": {0: 6}},
        "ratings_bot": {"ratings": {0: 0}},
        "someone": {"orders": {0: 5}},
    }
    deployed.kafka.members.add("alerts.low")
    stop = deployed.services.stop

    def leaving(name):
        deployed.kafka.members.discard("alerts.low")
        return stop(name)

    deployed.services.stop = leaving
    deployed.forget_writes()
    return deployed


def position(world, name):
    return find_position(world.platform, read_owners(world.platform, world.alerts, ["ratings_bot"]), name)


def plan(world, name, target, **options):
    return plan_group(world.kafka, position(world, name), target, **options)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ES_SINK", "connector es_sink"),
        ("connect-es_sink", "connector es_sink"),
        ("connector:es_sink", "connector es_sink"),
        (SOURCE, f"connector {SOURCE}"),
        ("low", "alert low"),
        ("ratings_bot", "service ratings_bot"),
        ("someone", "group someone"),
        ("CSAS_ALERTS_2", "query CSAS_ALERTS_2"),
    ],
)
def test_names(world, name, found):
    assert str(position(world, name)) == found


def test_an_unknown_name_is_refused(world):
    with pytest.raises(OperationRefused, match="nothing named 'nosuch' has offsets"):
        position(world, "nosuch")


@pytest.mark.parametrize(
    ("target", "after", "repeated", "skipped"),
    [
        (OffsetTarget(word="earliest"), 3, 9, 0),
        (OffsetTarget(word="latest"), 20, 0, 8),
        (OffsetTarget(time_ms=9500), 10, 2, 0),
        (OffsetTarget(time_ms=99_000), 20, 0, 8),
        (OffsetTarget(places={("orders", 0): 15}), 15, 0, 3),
    ],
)
def test_targets_and_what_they_repeat_or_skip(world, target, after, repeated, skipped):
    (move,) = plan(world, SINK, target).moves
    assert (move.before, move.after, move.repeated, move.skipped) == (12, after, repeated, skipped)


@pytest.mark.parametrize(
    ("before", "after", "repeated", "skipped"),
    [(None, 5, 0, 2), (None, 3, 0, 0), (1, 3, 0, 0), (1, 6, 0, 3), (9, 9, 0, 0), (50, 3, 17, 0)],
)
def test_counts_stop_at_what_still_exists(before, after, repeated, skipped):
    move = OffsetMove("t", 0, before, after, OffsetRange(3, 20))
    assert (move.repeated, move.skipped) == (repeated, skipped)


@pytest.mark.parametrize(
    ("name", "target", "problem"),
    [
        (SINK, OffsetTarget(places={("orders", 0): 21}), "orders-0 has the offsets 3 to 20, not 21"),
        (SINK, OffsetTarget(places={("nosuch", 0): 1}), "topic nosuch does not exist"),
        (SINK, OffsetTarget(places={("orders", 7): 1}), "none of the named partitions exists"),
        ("CSAS_ALERTS_2", OffsetTarget(word="earliest"), "TERMINATE CSAS_ALERTS_2"),
    ],
)
def test_what_is_impossible_is_refused_with_the_reason(world, name, target, problem):
    with pytest.raises(OperationRefused, match=problem):
        plan(world, name, target)
    assert world.writes() == []


@pytest.mark.parametrize("state", ["RUNNING", "PAUSED", "STOPPED"])
def test_a_sink_is_stopped_moved_and_left_as_it_was(world, state):
    world.connect.states[SINK] = state

    change_group(world.platform, plan(world, SINK, OffsetTarget(word="earliest")), world.clock)

    assert world.connect.states[SINK] == state
    assert world.connect.offsets[SINK] == [
        {"partition": {"kafka_topic": "orders", "kafka_partition": 0}, "offset": {"kafka_offset": 3}}
    ]


def test_old_workers_cannot_and_the_connector_keeps_running(world):
    world.connect.version = "3.4.0"
    with pytest.raises(NotReady, match=r"Kafka 3\.7 and newer can"):
        change_group(world.platform, plan(world, SINK, OffsetTarget(word="earliest")), world.clock)
    assert world.connect.states[SINK] == "RUNNING"


def test_the_service_of_an_alert_is_stopped_meanwhile(world):
    steps = []

    change_group(world.platform, plan(world, "low", OffsetTarget(word="latest")), world.clock, steps.append)

    assert world.services.writes == ["stop alerts", "start alerts"]
    assert world.kafka.writes == ["move alerts.low in ALERTS to {0: 9}"]
    assert steps == ["stopping service alerts", "starting service alerts"]


def test_a_service_that_was_stopped_stays_stopped(world):
    world.services.stop("alerts")
    world.forget_writes()
    change_group(world.platform, plan(world, "low", OffsetTarget(word="latest")), world.clock)
    assert world.services.writes == []


def test_a_group_with_members_of_others_is_refused_with_what_to_do(world):
    world.kafka.members.add("someone")
    with pytest.raises(OperationRefused, match=r"group someone has members\. Stop what reads as this group"):
        change_group(world.platform, plan(world, "someone", OffsetTarget(word="earliest")), world.clock)


def test_a_group_is_given_a_topic_that_it_has_not_read(world):
    planned = plan(world, "someone", OffsetTarget(word="latest"), topics=["ALERTS"])
    assert [(move.topic, move.before, move.after) for move in planned.changes] == [("ALERTS", None, 9)]


def test_the_offsets_of_a_source_are_shown_replaced_and_deleted(world):
    entry = {"partition": {"server": "asgard"}, "offset": {"pos": 4}}
    world.connect.offsets[SOURCE] = [entry]
    world.connect.topics[SOURCE] = ["orders"]
    found = position(world, SOURCE)

    planned = plan_source(world.platform, found, None)
    assert (planned.before, planned.after, planned.topics) == ((entry,), None, {"orders": 17})
    change_source(world.platform, planned, world.clock)
    assert (world.connect.offsets.get(SOURCE), world.connect.states[SOURCE]) == (None, "RUNNING")

    change_source(world.platform, plan_source(world.platform, found, [entry]), world.clock)
    assert world.connect.offsets[SOURCE] == [entry]


def test_offsets_of_a_source_in_another_form_are_refused(world):
    with pytest.raises(OperationRefused, match="each offset is"):
        plan_source(world.platform, position(world, SOURCE), [{"partition": json.dumps({})}])


def test_a_sink_that_has_committed_nothing_is_moved_in_the_topics_of_its_configuration(world):
    world.connect.configs[SINK] = {"connector.class": "X", "topics": "orders"}
    del world.kafka.committed["connect-es_sink"]
    planned = plan(world, SINK, OffsetTarget(word="latest"))
    assert [(move.topic, move.before, move.after, move.skipped) for move in planned.moves] == [("orders", None, 20, 17)]


def test_groups_whose_names_differ_in_case_are_distinguished(world):
    world.kafka.committed["Someone"] = {"orders": {0: 4}}
    assert [position(world, name).group for name in ("someone", "Someone", "group:Someone")] == [
        "someone",
        "Someone",
        "Someone",
    ]
    with pytest.raises(OperationRefused, match="means several things"):
        position(world, "SOMEONE")
