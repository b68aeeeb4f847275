"""What is found with nothing running."""

import pytest

from bifrost.deployer.targets import TABLES
from bifrost.deployer.validate import validate
from bifrost.settings import PROJECT
from tests.deployer.conftest import CONNECTOR, CUSTOMERS, RATINGS, TOPICS

CONNECTOR_FILE = "connectors/ratings/mysql-demo-customers.json"
MYSQL = {
    **CONNECTOR,
    "database.user": "${env:MYSQL_USER}",
    "database.server.id": "42",
    "schema.history.internal.kafka.topic": "dbhistory.demo",
    "schema.history.internal.kafka.bootstrap.servers": "${env:KAFKA_BOOTSTRAP_SERVERS}",
}


@pytest.fixture
def sound(project):
    project.write(CONNECTOR_FILE, MYSQL)
    project.write("topics/schemas/asgard.demo.CUSTOMERS-key.avsc", {"type": "record", "name": "K", "fields": []})
    return project


def problems(project) -> list[str]:
    found = validate(project.root, TABLES["embedded"])
    return [str(problem).removeprefix(f"{project.root}/") for problem in found]


def test_a_sound_project_has_no_problems(sound):
    assert problems(sound) == []


def test_this_projects_own_declarations_are_sound():
    assert validate(PROJECT, TABLES["embedded"]) == ()


def test_all_broken_files_are_told_at_once(sound):
    sound.write(CONNECTOR_FILE, "{")
    sound.write("topics/orders.json", "[]")
    sound.write("ksql/orders.sql", "SELEC")

    places = [problem.split(": ")[0] for problem in problems(sound)]

    assert places == [f"{CONNECTOR_FILE}:1", "ksql/orders.sql:1", "topics/orders.json:1"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"database.server.name": "asgard"}, "database.server.name: is Debezium 1.x; it is topic.prefix now"),
        ({"database.history.kafka.topic": "x"}, "it is schema.history.internal.kafka.topic now"),
        (
            {"transforms": "u", "transforms.u.type": "io.debezium.transforms.UnwrapFromEnvelope"},
            "ExtractNewRecordState now",
        ),
        ({"database.user": ""}, "database.user is missing; io.debezium.connector.mysql.MySqlConnector needs it"),
        ({"transforms": "u"}, "transforms: u has no transforms.u.type"),
        ({"transforms.u.type": "x"}, "transforms.u.type: transforms does not list u"),
        ({"database.port": "${env:NOPE}"}, ":14: database.port: ${env:NOPE} is not set; set NOPE in the environment"),
    ],
)
def test_known_traps_of_connectors(sound, changed, expected):
    sound.write(CONNECTOR_FILE, {**MYSQL, **changed})

    (found,) = problems(sound)

    assert expected in found


def test_two_connectors_that_clash(sound):
    sound.write("connectors/orders/other.json", MYSQL)

    assert problems(sound) == [
        "connectors/ratings/mysql-demo-customers.json:11: database.server.id: 42 is used by other too; each connector "
        "needs its own",
        "connectors/ratings/mysql-demo-customers.json:12: schema.history.internal.kafka.topic: dbhistory.demo is used "
        "by other too; each connector needs its own",
    ]


def test_topics(sound):
    topics = {**TOPICS, "dbhistory.demo": {"cleanup.policy": "compact"}, "x": {"connector": "nosuch"}}
    sound.write("topics/ratings.json", topics)

    assert [problem.partition(": ")[2] for problem in problems(sound)] == [
        "topic dbhistory.demo: a schema history must not be compacted",
        "topic x: there is no connector nosuch",
    ]


def test_a_sink_of_a_topic_that_nobody_writes(sound):
    sound.write("connectors/ratings/sink.json", {"connector.class": "x.Sink", "topics": "nosuch"})

    assert problems(sound) == ["connectors/ratings/sink.json:3: warning: topics: nothing declared writes nosuch"]


def test_names_and_topics_of_statements(sound):
    sound.write("ksql/ratings.sql", RATINGS.replace("FROM RATINGS", "FROM RATING").replace("'ratings'", "'rating'"))

    assert problems(sound) == [
        "ksql/ratings.sql:1: RATINGS: topic rating is neither declared nor written by a query",
        "ksql/ratings.sql:1: RATINGS takes columns from rating-value; topics/schemas/rating-value.avsc is missing",
        "ksql/ratings.sql:2: ALERTS reads RATING, which no statement creates",
    ]


def test_a_schema_that_is_none(sound):
    sound.write("topics/schemas/ratings-value.avsc", {"type": "recrod", "name": "x"})

    assert "topics/schemas/ratings-value.avsc: is not an Avro schema: " in problems(sound)[0]


def test_statements_of_broken_files_do_not_make_others_wrong(sound):
    sound.write("ksql/customers.sql", CUSTOMERS + "nonsense")

    assert len(problems(sound)) == 1
