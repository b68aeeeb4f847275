"""What is found with nothing running."""

import re

import pytest

from bifrost.deployer.checks.validate import validate
from bifrost.deployer.targets import TABLES
from bifrost.settings import PROJECT
from tests.deployer.conftest import CONNECTOR, CUSTOMERS, RATINGS, TOPICS

CONNECTOR_FILE = "connectors/ratings/mysql-demo-customers.json"
READS_TEXT = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    "errors.tolerance": "none",
}
"""What every sink should say."""


def problems(project) -> list[str]:
    """Without the codes of their rules, which the tests of the rules look at."""
    found = validate(project.root, TABLES["embedded"])
    return [re.sub(r" \[BF\d+\]$", "", str(problem).removeprefix(f"{project.root}/")) for problem in found]


def test_a_sound_project_has_no_problems(project):
    assert problems(project) == []


def test_this_projects_own_declarations_are_sound():
    assert validate(PROJECT, TABLES["embedded"]) == ()


def test_all_broken_files_are_reported_together(project):
    project.write(CONNECTOR_FILE, "{")
    project.write("topics/orders.json", "[]")
    project.write("ksql/orders.sql", "SELEC")

    places = [problem.split(": ")[0] for problem in problems(project)]

    assert places == [f"{CONNECTOR_FILE}:1", "ksql/orders.sql:1", "topics/orders.json:1"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"database.server.name": "asgard"}, "database.server.name: is a key of Debezium 1.x; use topic.prefix"),
        ({"database.history.kafka.topic": "x"}, "use schema.history.internal.kafka.topic"),
        (
            {"transforms": "u", "transforms.u.type": "io.debezium.transforms.UnwrapFromEnvelope"},
            "use io.debezium.transforms.ExtractNewRecordState",
        ),
        ({"database.user": ""}, "database.user is missing; io.debezium.connector.mysql.MySqlConnector needs it"),
        ({"transforms": "u"}, "transforms: u has no transforms.u.type"),
        ({"transforms.u.type": "x"}, "transforms.u.type: transforms does not list u"),
        ({"database.port": "${env:NOPE}"}, ":16: database.port: ${env:NOPE} is not set; set NOPE in the environment"),
    ],
)
def test_known_traps_of_connectors(project, changed, expected):
    project.write(CONNECTOR_FILE, {**CONNECTOR, **changed})

    (found,) = problems(project)

    assert expected in found


def test_two_connectors_that_clash(project):
    project.write("connectors/orders/other.json", {**CONNECTOR, "topic.prefix": "midgard", "table.include.list": "x.*"})

    assert problems(project) == [
        "connectors/ratings/mysql-demo-customers.json:7: database.server.id: 42 is also used by other; each "
        "connector needs its own",
        "connectors/ratings/mysql-demo-customers.json:8: schema.history.internal.kafka.topic: dbhistory.demo is "
        "also used by other; each connector needs its own",
    ]


def test_topics(project):
    topics = {**TOPICS, "dbhistory.demo": {"cleanup.policy": "compact"}, "x": {"connector": "nosuch"}}
    project.write("topics/ratings.json", topics)

    assert [problem.partition(": ")[2] for problem in problems(project)] == [
        "topic dbhistory.demo: a schema history must not be compacted",
        "topic x: connector nosuch is not declared",
    ]


def test_a_sink_of_a_topic_without_a_writer(project):
    project.write("connectors/ratings/sink.json", {"connector.class": "x.Sink", "topics": "nosuch", **READS_TEXT})

    assert problems(project) == ["connectors/ratings/sink.json:3: warning: topics: nothing declared writes nosuch"]


def test_names_and_topics_of_statements(project):
    project.write("ksql/ratings.sql", RATINGS.replace("FROM RATINGS", "FROM RATING").replace("'ratings'", "'rating'"))

    assert problems(project) == [
        "ksql/ratings.sql:1: RATINGS: topic rating is neither declared nor written by a query",
        "ksql/ratings.sql:1: RATINGS takes columns from rating-value; topics/schemas/rating-value.avsc is missing",
        "ksql/ratings.sql:2: ALERTS reads RATING, which no statement creates",
    ]


def test_a_schema_that_is_none(project):
    project.write("topics/schemas/ratings-value.avsc", {"type": "recrod", "name": "x"})

    (found,) = problems(project)
    assert "topics/schemas/ratings-value.avsc: is not an Avro schema: " in found


@pytest.mark.parametrize(
    ("declared", "changed", "expected"),
    [
        ("R.STARS, ", "R.STARZ, ", "ksql/ratings.sql:2: ALERTS: "),
        ("R.STARS < 3", "R.STARS < 'three'", "ksql/ratings.sql:2: ALERTS: "),
        ("R.USER_ID = C.ID", "R.STARS = C.EMAIL", "ksql/ratings.sql:2: ALERTS: "),
    ],
)
def test_types_of_statements(project, declared, changed, expected):
    project.write("ksql/ratings.sql", RATINGS.replace(declared, changed))

    (found,) = problems(project)

    assert found.startswith(expected)


def test_who_reads_what_is_wrong_is_not_blamed(project):
    project.write("ksql/customers.sql", CUSTOMERS.replace("K->ID AS ID, EMAIL FROM", "K->ID AS ID, NOPE FROM"))

    (found,) = problems(project)

    assert "ksql/customers.sql:4: CUSTOMERS_SRC_REKEY: " in found and "NOPE" in found


def test_statements_of_broken_files_do_not_make_others_wrong(project):
    project.write("ksql/customers.sql", CUSTOMERS + "nonsense")

    assert len(problems(project)) == 1


def test_keys_of_a_class_that_no_worker_here_has(project):
    config = {
        "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
        "topics": "ratings",
        "project": "p",
        "keyfile": "/key.json",
        "autoCreateTable": "true",
        **READS_TEXT,
    }
    project.write("connectors/ratings/gbq.json", config)
    (problem,) = problems(project)
    assert problem.endswith("BigQuerySinkConnector does not know this key; did you mean autoCreateTables?")


def test_a_jdbc_source_is_checked_by_heart_too(project):
    config = {
        "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
        "connection.url": "jdbc:mysql://db:3306/demo",
        "mode": "incrementing",
        "incrementing.column": "id",
        "connection.socketTimeout": "60000",
        "topic.creation.default.partitions": "1",
    }
    project.write("connectors/ratings/jdbc.json", config)
    unknown, missing = sorted(problems(project), key=lambda text: "missing" in text)
    assert unknown.endswith("does not know this key; did you mean incrementing.column.name?")
    assert missing.endswith("topic.prefix is missing; io.confluent.connect.jdbc.JdbcSourceConnector needs it")


HISTORY = "schema.history.internal"
BY_FILE = {
    HISTORY: "io.debezium.storage.file.history.FileSchemaHistory",
    f"{HISTORY}.file.filename": "/tmp/history.dat",
}


@pytest.mark.parametrize(
    ("left_out", "changed", "expected"),
    [
        (("kafka.topic", "kafka.bootstrap.servers"), BY_FILE, []),
        (("kafka.topic",), {}, ["schema.history.internal.kafka.topic is missing"]),
        (
            ("kafka.topic", "kafka.bootstrap.servers"),
            {HISTORY: BY_FILE[HISTORY]},
            ["schema.history.internal.file.filename is missing"],
        ),
        (("kafka.topic", "kafka.bootstrap.servers"), {HISTORY: "io.debezium.storage.redis.RedisSchemaHistory"}, []),
        (("skip.unparseable.ddl",), {}, ["warning: set schema.history.internal.skip.unparseable.ddl to true"]),
        (
            ("skip.unparseable.ddl", "store.only.captured.tables.ddl"),
            {"connector.class": "io.debezium.connector.mariadb.MariaDbConnector"},
            [
                "warning: set schema.history.internal.store.only.captured.tables.ddl to true",
                "warning: set schema.history.internal.skip.unparseable.ddl to true",
            ],
        ),
    ],
)
def test_the_history_of_table_definitions(project, left_out, changed, expected):
    config = {key: value for key, value in CONNECTOR.items() if key not in [f"{HISTORY}.{name}" for name in left_out]}
    project.write(CONNECTOR_FILE, {**config, **changed})

    found = problems(project)

    assert len(found) == len(expected)
    assert all(text in problem for text, problem in zip(expected, found, strict=True))


def test_an_s3_sink_needs_no_region(project):
    config = {
        "connector.class": "io.confluent.connect.s3.S3SinkConnector",
        "topics": "ratings",
        "s3.bucket.name": "lake",
        "format.class": "io.confluent.connect.s3.format.avro.AvroFormat",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "flush.size": "10",
        **READS_TEXT,
    }
    project.write("connectors/ratings/s3.json", config)
    assert problems(project) == []


def test_keys_of_a_converter_that_the_target_replaces_are_named(project):
    project.write(
        CONNECTOR_FILE,
        {
            **CONNECTOR,
            "key.converter.basic.auth.user.info": "${env:SCHEMA_REGISTRY_USER_INFO}",
            "value.converter": "io.confluent.connect.avro.AvroConverter",
            "value.converter.schema.registry.url": "x",
            "value.converter.ignore.default.for.nullables": "true",
        },
    )
    assert [problem.partition("warning: ")[2].partition(":")[0] for problem in problems(project)] == [
        "key.converter.basic.auth.user.info",
        "value.converter.ignore.default.for.nullables",
    ]
