"""Topics: which live settings count as declared, and which as drift."""

import pytest

from bifrost.clients.kafka import TopicDescription
from tests.deployer.conftest import RATINGS, TOPICS

DECADES = 630806400000
WINDOWED = RATINGS + (
    "CREATE TABLE HOURLY WITH (RETENTION_MS={ms}) AS SELECT USER_ID, COUNT(*) AS N FROM RATINGS "
    "WINDOW TUMBLING (SIZE 1 HOUR{retention}) GROUP BY USER_ID;"
)
KEPT = ", RETENTION 7301 DAYS"


def reasons(fakes, project) -> dict[str, str]:
    return {action.name: action.reason for action in fakes.plan(project.declared()).changes}


@pytest.mark.parametrize(
    ("said", "retention", "live", "expected"),
    [
        (-1, KEPT, DECADES, None),
        (-1, KEPT, -1, None),
        (604800000, KEPT, DECADES, None),
        (604800000, KEPT, -1, None),
        (604800000, KEPT, 604800000, f"retention.ms: 604800000 -> {DECADES}"),
        (-1, KEPT, 1000, f"retention.ms: 1000 -> {DECADES}"),
        (604800000, "", 604800000, None),
        (604800000, "", 700000000, None),
        (604800000, "", 1000, "retention.ms: 1000 -> 604800000"),
        (-1, "", -1, None),
        (-1, "", 90000000, None),
    ],
)
def test_a_windowed_sink_keeps_the_larger_of_both_retentions(project, fakes, said, retention, live, expected):
    project.write("ksql/ratings.sql", WINDOWED.format(ms=said, retention=retention))
    fakes.up(project.declared())
    fakes.kafka.alter_config("HOURLY", {"retention.ms": str(live)})

    assert reasons(fakes, project) == ({} if expected is None else {"HOURLY": expected})

    fakes.up(project.declared())
    assert reasons(fakes, project) == {}


@pytest.mark.parametrize("live", ["compact,delete", "delete,compact", "delete, compact"])
@pytest.mark.parametrize("declared", ["compact,delete", "delete,compact"])
def test_the_order_of_policies_is_no_drift(project, fakes, live, declared):
    project.write("topics/ratings.json", {**TOPICS, "ratings": {**TOPICS["ratings"], "cleanup.policy": declared}})
    fakes.up(project.declared())
    fakes.kafka.alter_config("ratings", {"cleanup.policy": live})

    assert reasons(fakes, project) == {}


def test_another_policy_is_drift(project, fakes):
    fakes.up(project.declared())
    fakes.kafka.alter_config("ratings", {"cleanup.policy": "compact,delete"})

    assert reasons(fakes, project) == {"ratings": "cleanup.policy: compact,delete -> delete"}


def test_what_a_system_adds_for_itself_is_no_drift(project, fakes):
    fakes.up(project.declared())
    fakes.connect.configs["mysql-demo-customers"]["__internal.config.version"] = "3"
    topic = fakes.kafka.there["ratings"]
    config = {**topic.config, "__internal.config.version": "3"}
    fakes.kafka.there["ratings"] = TopicDescription(topic.name, topic.partitions, topic.replication, config)

    plan = fakes.plan(project.declared())

    assert plan.changes == ()
    assert not [action for action in plan.actions if action.needs_attention]


@pytest.mark.parametrize(("limit_ms", "is_noted"), [(2**63 - 1, False), (3_600_000, True)])
def test_only_a_limit_of_times_that_the_deployer_did_not_set_is_noted(project, fakes, limit_ms, is_noted):
    fakes.up(project.declared())
    fakes.kafka.alter_config("ratings", {"message.timestamp.after.max.ms": str(limit_ms)})

    plan = fakes.plan(project.declared())

    assert plan.changes == ()
    assert [action.name for action in plan.actions if action.needs_attention] == ["ratings"] * is_noted
