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


def ratings_topic(project, fakes, **settings):
    """The action for the topic with other settings than it was created with."""
    fakes.up(project.declared())
    fakes.kafka.records["ratings"] = 4218
    project.write("topics/ratings.json", {**TOPICS, "ratings": {**TOPICS["ratings"], **settings}})
    return next(action for action in fakes.plan(project.declared()).actions if action.name == "ratings")


DAY = 24 * 3600 * 1000


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"retention.ms": 14 * DAY}, []),
        ({"retention.ms": -1}, []),
        ({"retention.ms": DAY}, ["1,210 records older than 1 day are deleted"]),
        ({"retention.ms": 90 * 60_000}, ["1,210 records older than 90 minutes are deleted"]),
        (
            {"cleanup.policy": "compact"},
            ["only the last record of each key of 4,218 records stays, and the broker refuses records without a key"],
        ),
        (
            {"cleanup.policy": "compact", "key": "user_id"},
            ["only the last record of each user_id of 4,218 records stays"],
        ),
        (
            {"cleanup.policy": "compact,delete", "key": "user_id"},
            ["only the last record of each user_id of 4,218 records stays"],
        ),
    ],
)
def test_what_other_settings_of_a_topic_delete(project, fakes, settings, expected):
    fakes.kafka.old_records["ratings"] = 1210

    action = ratings_topic(project, fakes, **settings)

    assert [loss.what for loss in action.loss] == expected
    assert {loss.flag for loss in action.loss} <= {"delete"}


def test_a_compacted_topic_that_gets_a_retention_loses_old_keys(project, fakes):
    fakes.up(project.declared())
    fakes.kafka.records["asgard.demo.CUSTOMERS"] = 20
    customers = {**TOPICS["asgard.demo.CUSTOMERS"], "cleanup.policy": "compact,delete", "retention.ms": DAY}
    project.write("topics/ratings.json", {**TOPICS, "asgard.demo.CUSTOMERS": customers})

    plan = fakes.plan(project.declared())

    (loss,) = next(action for action in plan.actions if action.name == "asgard.demo.CUSTOMERS").loss
    assert loss.what == (
        "records older than 1 day are deleted, also the last one of a key (the topic holds 20 records)"
    )


def test_a_shorter_retention_that_no_record_exceeds_loses_nothing(project, fakes):
    assert ratings_topic(project, fakes, **{"retention.ms": DAY}).loss == ()


def test_more_partitions_of_a_topic_without_keys_lose_nothing(project, fakes):
    action = ratings_topic(project, fakes, partitions=4)

    assert (action.kind, action.loss, action.is_blocked) == ("update", (), False)


def test_more_partitions_of_a_keyed_topic_mix_the_order_of_a_key(project, fakes):
    project.write("ksql/ratings.sql", "")
    topics = {**TOPICS, "ratings": {**TOPICS["ratings"], "key": "user_id"}}
    project.write("topics/ratings.json", topics)

    action = ratings_topic(project, fakes, partitions=4, key="user_id")

    assert [loss.flag for loss in action.loss] == ["replace"]
    assert action.loss[0].what.startswith("4,218 records stay where they are, while new ones of the same key go to")


def test_more_partitions_are_blocked_where_a_join_relies_on_keys(project, fakes):
    action = ratings_topic(project, fakes, partitions=4, key="user_id")

    assert action.kind == "blocked"
    assert "but CSAS_ALERTS_2 in ksqlDB relies on each key staying in one partition" in action.reason
    assert "declare a new topic with 4 partitions" in action.manual_steps[0]


def test_fewer_partitions_delete_a_topic_that_ksqldb_does_not_use(project, fakes):
    project.write("ksql/ratings.sql", "")
    topics = {**TOPICS, "ratings": {**TOPICS["ratings"], "partitions": 4}}
    project.write("topics/ratings.json", topics)
    sink = {"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "topics": "ratings"}
    project.write("connectors/ratings/sink.json", sink)
    fakes.apply(project.declared())
    project.write("topics/ratings.json", TOPICS)
    fakes.kafka.records["ratings"] = 3

    plan = fakes.plan(project.declared())

    action = next(action for action in plan.actions if action.name == "ratings")
    assert action.kind == "replace"
    assert [loss.what for loss in action.loss] == [
        "3 records deleted",
        "sink ignores the new records of known keys up to offset 3: delete the index ratings too",
    ]
    fakes.apply(project.declared())
    assert fakes.kafka.writes[-2:] == ["delete ratings", "create ratings"]
    assert fakes.plan(project.declared()).changes == ()


def test_fewer_partitions_are_blocked_where_ksqldb_uses_the_topic(project, fakes):
    fakes.up(project.declared())
    topic = fakes.kafka.there["ratings"]
    fakes.kafka.there["ratings"] = TopicDescription(topic.name, 4, 1, topic.config)

    action = next(action for action in fakes.plan(project.declared()).actions if action.name == "ratings")

    assert action.kind == "blocked"
    assert action.manual_steps[0].startswith("drop RATINGS, CSAS_ALERTS_2 in ksqlDB first")


def test_a_renamed_topic_begins_empty_and_the_old_one_stays(project, fakes):
    fakes.up(project.declared())
    topics = {name: settings for name, settings in TOPICS.items() if name != "ratings"}
    project.write("topics/ratings.json", {**topics, "reviews": TOPICS["ratings"]})
    (project.root / "topics/schemas/ratings-value.avsc").rename(project.root / "topics/schemas/reviews-value.avsc")
    project.write("ksql/ratings.sql", RATINGS.replace("'ratings'", "'reviews'"))

    action = next(action for action in fakes.plan(project.declared()).actions if action.name == "reviews")

    assert action.reason == (
        "is missing; begins empty: the records of ratings, which is no longer declared, stay there"
    )
    assert "ratings" in fakes.kafka.there
