"""What each rule finds, and what it leaves alone."""

import pytest

from bifrost.deployer.checks.validate import validate
from bifrost.deployer.targets import TABLES
from tests.deployer.conftest import CONNECTOR, CUSTOMERS, RATINGS, TOPICS

MYSQL_FILE = "connectors/ratings/mysql-demo-customers.json"
OTHER_FILE = "connectors/ratings/other.json"
SINK = {
    "connector.class": "org.example.Sink",
    "topics": "ALERTS",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    "errors.tolerance": "none",
}
S3 = {
    **SINK,
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "s3.bucket.name": "lake",
    "format.class": "f",
    "storage.class": "s",
    "flush.size": "10",
}
ELASTICSEARCH = {
    **SINK,
    "connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector",
    "connection.url": "http://search",
    "key.ignore": "true",
}
MERGED = {
    "transforms": "r",
    "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.r.regex": ".*",
    "transforms.r.replacement": "all",
}
POSTGRES = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "database.hostname": "db",
    "database.user": "u",
    "database.dbname": "demo",
    "topic.prefix": "pg",
    "heartbeat.interval.ms": "10000",
}
MONGODB = {
    "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
    "mongodb.connection.string": "mongodb://db:27017/?replicaSet=rs0",
    "topic.prefix": "m",
}
SOURCE = {"connector.class": "org.example.Source"}
AVRO = "io.confluent.connect.avro.AvroConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"
ROUTER = "org.apache.kafka.connect.transforms.RegexRouter"
PREDICATE = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"
HISTORY = "schema.history.internal"


def codes(project) -> list[str]:
    return [problem.code for problem in validate(project.root, TABLES["remote"])]


@pytest.mark.parametrize(
    ("base", "changed", "expected"),
    [
        (SINK, {}, []),
        (S3, {}, []),
        (POSTGRES, {}, []),
        (MONGODB, {}, []),
        (SOURCE, {}, []),
        (POSTGRES, {"database.dbname": None}, ["BF103"]),
        (S3, {"topics": None, "topics.regex": "A.*"}, []),
        (SOURCE, {"transforms": "a"}, ["BF105"]),
        (SOURCE, {"transforms.a.type": ROUTER}, ["BF106"]),
        (SOURCE, {"transforms": "a", "transforms.a.type": ROUTER, "transforms.a.predicate": "p"}, ["BF107"]),
        (
            SOURCE,
            {"transforms": "a", "transforms.a.type": ROUTER, "transforms.a.predicate": "p", "predicates": "p"},
            ["BF107"],
        ),
        (
            SOURCE,
            {
                "transforms": "a",
                "transforms.a.type": ROUTER,
                "transforms.a.predicate": "p",
                "predicates": "p",
                "predicates.p.type": PREDICATE,
            },
            [],
        ),
        (SOURCE, {"database.password": "hunter22"}, ["BF108"]),
        (SOURCE, {"database.password": "${file:/x:y}"}, []),
        (SOURCE, {"database.password": ""}, []),
        (SOURCE, {"connection.url": "jdbc:mysql://db/x?user=u&password=hunter22"}, ["BF108"]),
        (SOURCE, {"connection.url": "mongodb://u:hunter22@db/x"}, ["BF108"]),
        (SOURCE, {"connection.url": "mongodb://u:${env:P}@db/x"}, []),
        (SOURCE, {"value.converter.basic.auth.credentials.source": "USER_INFO"}, []),
        (SOURCE, {"value.converter.basic.auth.user.info": "u:hunter22"}, ["BF108"]),
        (SOURCE, {"aws.secret.access.key": "abcdefgh1234"}, ["BF108"]),
        (POSTGRES, {"tasks.max": "2"}, ["BF109"]),
        (POSTGRES, {"tasks.max": "9" * 5000}, ["BF109"]),
        (SOURCE, {"tasks.max": "2"}, []),
        ({"connector.class": "x.UDPSyslogSourceConnector"}, {"tasks.max": "4"}, ["BF109"]),
        (SOURCE, {"value.converter": AVRO}, ["BF110"]),
        (SOURCE, {"value.converter": AVRO, "value.converter.schema.registry.url": "x"}, []),
        (SOURCE, {"value.converter": JSON}, ["BF111"]),
        (SOURCE, {"value.converter": JSON, "value.converter.schemas.enable": "true"}, []),
        (POSTGRES, {"table.whitelist": "a"}, ["BF201"]),
        (POSTGRES, {"database.history.kafka.topic": "a"}, ["BF201"]),
        (SOURCE, {"table.whitelist": "a"}, []),
        (POSTGRES, {"heartbeat.interval.ms": None}, ["BF210"]),
        (POSTGRES, {"heartbeat.interval.ms": "0"}, ["BF210"]),
        (POSTGRES, {"lsn.flush.mode": "connector_and_driver"}, ["BF211"]),
        (POSTGRES, {"lsn.flush.mode": "connector"}, []),
        (MONGODB, {"mongodb.connection.string": "mongodb://db:27017/"}, ["BF212"]),
        (MONGODB, {"mongodb.connection.string": "mongodb+srv://cluster.example"}, []),
        (MONGODB, {"mongodb.connection.string": "${env:MONGODB}"}, []),
        (POSTGRES, {"slot.drop.on.stop": "true"}, ["BF213"]),
        (POSTGRES, {"snapshot.mode": "always"}, ["BF215"]),
        (SINK, {"topics": "nosuch"}, ["BF301"]),
        (SINK, {"errors.tolerance": "all"}, ["BF302"]),
        (SINK, {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "ratings"}, []),
        (SINK, {"errors.deadletterqueue.topic.name": "ratings"}, ["BF303"]),
        (SINK, {"errors.tolerance": None}, ["BF304"]),
        (SINK, {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dlq"}, ["BF305"]),
        (
            SINK,
            {
                "errors.tolerance": "all",
                "errors.deadletterqueue.topic.name": "dlq",
                "errors.deadletterqueue.topic.replication.factor": "1",
            },
            [],
        ),
        (S3, {"rotate.schedule.interval.ms": "60000"}, ["BF306"]),
        (S3, {"rotate.schedule.interval.ms": "-1"}, []),
        (SINK, {"key.converter": None}, ["BF307"]),
        (S3, {"topics": "ALERTS,ratings", **MERGED}, ["BF308"]),
        (S3, {"topics": "ALERTS,ratings"}, []),
        (ELASTICSEARCH, {"topics": "ALERTS,ratings", **MERGED}, ["BF308"]),
        (ELASTICSEARCH, {"topics": "ALERTS,ratings", "key.ignore": "false", **MERGED}, []),
        (SINK, {"topics": "ALERTS,ratings", **MERGED}, []),
    ],
)
def test_one_connector(project, base, changed, expected):
    project.write(OTHER_FILE, {key: value for key, value in {**base, **changed}.items() if value is not None})

    assert codes(project) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (POSTGRES, {**POSTGRES, "topic.prefix": "b", "slot.name": "b", "publication.name": "b"}, []),
        (POSTGRES, {**POSTGRES, "topic.prefix": "b", "slot.name": "b"}, ["BF207"]),
        (
            POSTGRES,
            {**POSTGRES, "topic.prefix": "b", "slot.name": "b", "publication.autocreate.mode": "disabled"},
            [],
        ),
        (POSTGRES, {**POSTGRES, "topic.prefix": "b", "publication.name": "b"}, ["BF206"]),
        (POSTGRES, {**POSTGRES, "slot.name": "b", "publication.name": "b"}, ["BF214"]),
        (
            {**POSTGRES, "slot.name": "s"},
            {**POSTGRES, "topic.prefix": "b", "publication.name": "b", "slot.name": "s"},
            ["BF206"],
        ),
    ],
)
def test_two_connectors(project, first, second, expected):
    project.write("connectors/ratings/a.json", first)
    project.write("connectors/ratings/b.json", second)

    assert codes(project) == expected


@pytest.mark.parametrize(
    ("topics", "changed", "expected"),
    [
        ({"dbhistory.demo": {"cleanup.policy": "compact"}}, {}, ["BF208"]),
        ({"dbhistory.demo": {"cleanup.policy": "delete"}}, {}, ["BF209"]),
        ({"dbhistory.demo": {"retention.ms": -1}}, {}, []),
        ({"x": {"connector": "nosuch"}}, {}, ["BF402"]),
        ({"x": {"cleanup.policy": "compact"}}, {}, ["BF403"]),
        ({"x": {"cleanup.policy": "compact", "key": "id"}}, {}, []),
        ({"x": {"cleanup.policy": "compact", "key": "id", "retention.ms": 5}}, {}, ["BF404"]),
        ({"x": {"cleanup.policy": "compact,delete", "key": "id", "retention.ms": 5}}, {}, []),
        ({}, {"tombstones.on.delete": "false"}, ["BF216"]),
        ({}, {"table.include.list": "demo.CUSTOMERS, demo.ORDERS"}, ["BF217"]),
        ({"asgard.demo.ORDERS": {}}, {"table.include.list": "demo.CUSTOMERS,demo.ORDERS"}, []),
        ({}, {"table.include.list": "demo.C.*"}, []),
        ({}, {"table.include.list": "demo.ORDERS", "topic.creation.default.partitions": "1"}, []),
        (
            {},
            {"table.include.list": "demo.ORDERS", "transforms": "r", "transforms.r.type": ROUTER},
            [],
        ),
    ],
)
def test_topics(project, topics, changed, expected):
    project.write("topics/ratings.json", {**TOPICS, **topics})
    project.write(MYSQL_FILE, {**CONNECTOR, **changed})

    assert codes(project) == expected


KEYED = {**TOPICS, "ratings": {**TOPICS["ratings"], "key": "user_id"}}
EARLIEST = "SET 'auto.offset.reset' = 'earliest';\n"
COUNT = "CREATE TABLE N AS SELECT {0}, COUNT(*) AS N FROM RATINGS GROUP BY {0} EMIT CHANGES;"


@pytest.mark.parametrize(
    ("sql", "topics", "expected"),
    [
        ("CREATE STREAM ALL_OF_IT AS SELECT * FROM RATINGS EMIT CHANGES;", TOPICS, ["BF510"]),
        ("CREATE STREAM X AS SELECT USER_ID FROM RATINGS EMIT CHANGES;", KEYED, []),
        ("CREATE STREAM X AS SELECT USER_ID, STARS FROM RATINGS PARTITION BY USER_ID EMIT CHANGES;", KEYED, ["BF511"]),
        ("CREATE STREAM X AS SELECT USER_ID, STARS FROM RATINGS PARTITION BY STARS EMIT CHANGES;", KEYED, []),
        (EARLIEST + COUNT.format("USER_ID"), KEYED, ["BF511"]),
        (EARLIEST + COUNT.format("USER_ID"), TOPICS, []),
        (COUNT.format("USER_ID"), TOPICS, ["BF512"]),
        ("SET 'ksql.streams.auto.offset.reset' = 'latest';\n" + COUNT.format("USER_ID"), TOPICS, []),
    ],
)
def test_statements(project, sql, topics, expected):
    project.write("ksql/ratings.sql", RATINGS.split(";")[0] + ";")
    project.write("ksql/z.sql", sql)
    project.write("topics/ratings.json", topics)

    assert codes(project) == expected


def test_a_join_by_the_key_of_a_stream_without_one(project):
    project.write("topics/ratings.json", KEYED)

    assert codes(project) == ["BF511"]


class TestSilencing:
    def test_in_a_connector(self, project):
        project.write(OTHER_FILE, {**SINK, "errors.tolerance": "all", "bifrost.lint.ignore": "bf302"})
        assert codes(project) == []
        (other,) = [item for item in project.declared().connectors if item.name == "other"]
        assert not any("lint" in key for key in other.config)

    def test_other_rules_still_apply(self, project):
        silenced = {**SINK, "errors.tolerance": "all", "key.converter": None, "bifrost.lint.ignore": "BF302"}
        project.write(OTHER_FILE, {key: value for key, value in silenced.items() if value is not None})
        assert codes(project) == ["BF307"]

    def test_in_a_topic(self, project):
        compacted = {"cleanup.policy": "compact", "bifrost.lint.ignore": "BF403"}
        project.write("topics/ratings.json", {**TOPICS, "x": compacted, "y": {"cleanup.policy": "compact"}})
        assert codes(project) == ["BF403"]

    @pytest.mark.parametrize(
        ("before", "within", "after", "expected"),
        [
            ("-- lint: ignore BF510\n", "", "", ["BF510"]),
            ("", "-- lint: ignore BF510\n", "", ["BF510"]),
            ("", "", "-- lint: ignore BF510\n", ["BF510"]),
            ("-- lint: ignore BF510, BF511\n-- says why\n", "", "-- LINT: IGNORE bf510\n", []),
            ("-- ignore BF510\n", "", "", ["BF510", "BF510"]),
        ],
    )
    def test_before_or_within_a_statement(self, project, before, within, after, expected):
        first = f"CREATE STREAM ONE AS SELECT *\n{within}FROM RATINGS EMIT CHANGES;\n"
        second = "CREATE STREAM TWO AS SELECT * FROM RATINGS EMIT CHANGES;\n"
        project.write("ksql/ratings.sql", RATINGS.split(";")[0] + f";\n{before}{first}{after}{second}")
        assert codes(project) == expected

    def test_in_an_alert(self, project):
        alert = 'topic = "NOWHERE"\nchannel = "telegram"\ntemplate = "x"\n'
        project.write("alerts/a.toml", alert)
        assert codes(project) == ["BF603"]
        project.write("alerts/a.toml", f"# lint: ignore BF603\n{alert}")
        assert codes(project) == []

    def test_in_an_alert_of_json(self, project):
        alert = {"topic": "NOWHERE", "channel": "telegram", "template": "x"}
        project.write("alerts/a.json", alert)
        assert codes(project) == ["BF603"]
        project.write("alerts/a.json", {**alert, "bifrost.lint.ignore": "BF601, bf603"})
        assert codes(project) == []
        project.write("alerts/a.json", {**alert, "bifrost.lint.ignore": "BF999"})
        assert sorted(codes(project)) == ["BF002", "BF603"]

    def test_an_unknown_code_is_reported(self, project):
        project.write(OTHER_FILE, {**SINK, "bifrost.lint.ignore": "BF999"})
        (problem,) = validate(project.root, TABLES["remote"])
        assert str(problem).endswith("other.json:7: warning: BF999 is not the code of a rule [BF002]")

    def test_what_could_not_run_cannot_be_silenced(self, project):
        wrong = CUSTOMERS.replace("K->ID AS ID, EMAIL FROM", "K->ID AS ID, NOPE FROM")
        project.write(
            "ksql/customers.sql", f"-- lint: ignore BF505\n{wrong}".replace("CREATE", "-- lint: ignore BF505\nCREATE")
        )
        assert codes(project) == ["BF505"]


def test_every_problem_has_the_code_of_a_rule(project):
    project.write(MYSQL_FILE, "{")
    project.write("topics/schemas/ratings-value.avsc", {"type": "recrod", "name": "x"})
    project.write("ksql/z.sql", "CREATE STREAM X AS SELECT NOPE FROM NOWHERE;")

    assert all(codes(project))
