"""What a changed key of a connector means, family by family."""

import pytest

from bifrost.deployer.plan.connector_changes import effects_of

MYSQL = {
    "connector.class": "io.debezium.connector.mysql.MySqlConnector",
    "topic.prefix": "asgard",
    "table.include.list": "demo.CUSTOMERS",
    "database.hostname": "db",
    "database.server.id": "42",
    "schema.history.internal.kafka.topic": "history",
    "schema.history.internal.store.only.captured.tables.ddl": "true",
    "key.converter": "AvroConverter",
    "tasks.max": "1",
}
POSTGRES = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "topic.prefix": "soe",
    "slot.name": "first",
    "publication.name": "pub",
    "database.dbname": "demo",
    "table.include.list": "soe.orders,soe.logon",
}
MONGODB = {
    "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
    "mongodb.connection.string": "mongodb://a:27017,b:27017/?replicaSet=rs0",
    "topic.prefix": "unifi",
    "collection.include.list": "ace.device",
}
SINK = {"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "topics": "A,B"}
S3 = {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "topics": "A",
    "s3.bucket.name": "lake",
    "flush.size": "10",
}
CSV = {"connector.class": "com.x.spooldir.SpoolDirCsvSourceConnector", "topic": "orders", "input.path": "/in"}
SYSLOG = {"connector.class": "com.x.syslog.UDPSyslogSourceConnector", "kafka.topic": "syslog", "syslog.port": "514"}
JDBC = {"connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector", "topic.prefix": "j-", "mode": "bulk"}
OTHER = {"connector.class": "org.example.Source", "topic": "t"}


def effects(old, change, **more):
    new = {key: value for key, value in {**old, **change}.items() if value is not None}
    changed = tuple(key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
    return effects_of("c", old, new, changed, **more)


@pytest.mark.parametrize(
    ("old", "change"),
    [
        (MYSQL, {"tasks.max": "2"}),
        (MYSQL, {"poll.interval.ms": "50"}),
        (MYSQL, {"database.password": "${env:OTHER}"}),
        (MYSQL, {"heartbeat.interval.ms": "1000"}),
        (MYSQL, {"connector.class": "org.vendor.MySqlConnector"}),
        (SINK, {"linger.ms": "5"}),
        (SINK, {"errors.tolerance": "all"}),
        (SINK, {"topics": "B,A"}),
        (S3, {"flush.size": "100"}),
        (MONGODB, {"mongodb.connection.string": "mongodb://b:27017,c:27017/?replicaSet=rs0"}),
        (MONGODB, {"mongodb.connection.string": "mongodb://c:27017/?replicaSet=rs0"}),
        (OTHER, {"anything": "else"}),
    ],
)
def test_harmless_changes(old, change):
    assert effects(old, change) == ()


@pytest.mark.parametrize(
    ("old", "change", "flag", "resets", "text"),
    [
        (MYSQL, {"topic.prefix": "midgard"}, "snapshot", False, "takes a new snapshot of all its tables"),
        (
            MYSQL,
            {"topic.prefix": "midgard", "snapshot.mode": "no_data"},
            "snapshot",
            False,
            "changes until then are not captured",
        ),
        (
            MYSQL,
            {"table.include.list": "demo.CUSTOMERS,demo.ORDERS"},
            "snapshot",
            True,
            "the schema history does not know demo.ORDERS",
        ),
        (
            {**MYSQL, "schema.history.internal.store.only.captured.tables.ddl": "false"},
            {"table.include.list": "demo.CUSTOMERS,demo.ORDERS"},
            "",
            False,
            "the rows that demo.ORDERS holds now are not read",
        ),
        (
            {**MYSQL, "table.include.list": "demo.CUSTOMERS,demo.ORDERS"},
            {"table.include.list": "demo.CUSTOMERS"},
            "",
            False,
            "changes of demo.ORDERS are no longer captured; what was written stays",
        ),
        (MYSQL, {"table.include.list": None}, "", False, "changes which tables are captured"),
        (MYSQL, {"table.exclude.list": "x"}, "", False, "changes which tables are captured"),
        (MYSQL, {"schema.history.internal.kafka.topic": "new"}, "snapshot", True, "holds no definition of any table"),
        (
            MYSQL,
            {"schema.history.internal.kafka.topic": "new", "snapshot.mode": "recovery"},
            "",
            False,
            "the schema history is rebuilt from the present definitions",
        ),
        (MYSQL, {"database.server.id": "43"}, "", False, "reconnects as replica 43 and continues"),
        (MYSQL, {"database.hostname": "other"}, "offsets", False, "positions in the log of the old server"),
        (MYSQL, {"snapshot.mode": "always"}, "snapshot", False, "every start"),
        (MYSQL, {"snapshot.mode": "initial_only"}, "offsets", False, "captures no more changes"),
        (MYSQL, {"snapshot.mode": "no_data"}, "", False, "has no effect now"),
        (MYSQL, {"message.key.columns": "demo.CUSTOMERS:email"}, "format", False, "other keys"),
        (MYSQL, {"decimal.handling.mode": "string"}, "format", False, "another type"),
        (MYSQL, {"key.converter": "JsonConverter"}, "format", False, "another format"),
        (
            MYSQL,
            {"connector.class": "io.debezium.connector.postgresql.PostgresConnector"},
            "snapshot",
            True,
            "the offsets of io.debezium.connector.mysql.MySqlConnector mean nothing to",
        ),
        (OTHER, {"connector.class": "org.example.Other"}, "offsets", False, "cannot read the offsets"),
        (POSTGRES, {"slot.name": "second"}, "snapshot", True, "SELECT pg_drop_replication_slot('first');"),
        (
            POSTGRES,
            {"slot.name": "second", "snapshot.mode": "never"},
            "offsets",
            True,
            "changes since its last offset are not captured",
        ),
        (POSTGRES, {"publication.name": "other"}, "offsets", False, "before the publication other existed"),
        (POSTGRES, {"table.include.list": "soe.orders,soe.logon,soe.x"}, "", False, "set signal.data.collection"),
        (
            {**POSTGRES, "signal.data.collection": "soe.signals"},
            {"table.include.list": "soe.orders,soe.logon,soe.x"},
            "",
            False,
            "INSERT INTO soe.signals VALUES ('1', 'execute-snapshot', '{\"data-collections\": [\"soe.x\"]}')",
        ),
        (MONGODB, {"collection.include.list": "ace.device,ace.user"}, "", False, "ace.user holds now are not read"),
        (MONGODB, {"mongodb.connection.string": "mongodb://z/?replicaSet=x"}, "offsets", False, "resume token"),
        (MONGODB, {"mongodb.connection.string": "${env:MONGO}"}, "offsets", False, "the same server or its replica"),
        (MONGODB, {"capture.mode": "change_streams"}, "", False, "another shape"),
        (SINK, {"topics": "A,C"}, "", False, "reads C from the first record; B is no longer read"),
        (
            SINK,
            {"topics": "A,B,C", "consumer.override.auto.offset.reset": "latest"},
            "",
            False,
            "reads C from their end",
        ),
        (SINK, {"topics": None, "topics.regex": "X.*"}, "", False, "topics that X.* matches"),
        (SINK, {"connection.url": "http://other"}, "", False, "only records from now on go to the new address"),
        (SINK, {"key.ignore": "true"}, "ids", False, "counting twice"),
        (SINK, {"consumer.override.group.id": "g"}, "offsets", False, "read and written a second time"),
        (SINK, {"connector.class": "org.example.Sink"}, "", False, "continues from its offsets"),
        (S3, {"s3.bucket.name": "pond"}, "", False, "what was written so far stays in lake"),
        (S3, {"format.class": "x"}, "", False, "keep their names and format"),
        (CSV, {"topic": "orders2"}, "topics", False, "writes to other topics"),
        (CSV, {"input.path": "/other"}, "", False, "those left in /in are not read"),
        (SYSLOG, {"syslog.port": "1514"}, "offsets", False, "are lost until they use 1514"),
        (SYSLOG, {"kafka.topic": "s2"}, "topics", False, "writes to other topics"),
        (JDBC, {"topic.prefix": "k-"}, "topics", False, "begin without the earlier rows"),
        (JDBC, {"mode": "incrementing"}, "offsets", False, "rows may be missing or come twice"),
        (JDBC, {"db.timezone": "Europe/London"}, "offsets", False, "are other moments from now on"),
        (JDBC, {"table.blacklist": "x"}, "", False, "removed ones get no more records"),
        (JDBC, {"numeric.mapping": "best_fit"}, "format", False, "the registry must accept the schema"),
    ],
)
def test_what_a_change_means(old, change, flag, resets, text):
    found = effects(old, change)

    effect = next(effect for effect in found if text in effect.text)
    assert (effect.flag, effect.resets_offsets) == (flag, resets)


@pytest.mark.parametrize("change", [{"database.dbname": "other"}, {"plugin.name": "decoderbufs"}])
def test_what_is_bound_to_a_slot_is_left_to_a_person_until_the_slot_changes_too(change):
    (effect,) = effects(POSTGRES, change)
    assert effect.way_out == ("change slot.name of c too: the new slot begins with a snapshot",)

    (effect,) = effects(POSTGRES, {**change, "slot.name": "second"})
    assert (effect.flag, effect.way_out) == ("snapshot", ())


def test_a_new_slot_needs_no_word_about_the_publication():
    (effect,) = effects(POSTGRES, {"publication.name": "other", "slot.name": "second"})

    assert effect.flag == "snapshot"


def test_an_added_table_needs_its_topic():
    change = {"table.include.list": "demo.CUSTOMERS,demo.ORDERS"}
    text = "; declare the topic asgard.demo.ORDERS, which brokers may not create by themselves"

    (effect,) = effects(MYSQL, change, topics=("asgard.demo.CUSTOMERS",))
    assert text in effect.text

    (effect,) = effects(MYSQL, change, topics=("asgard.demo.CUSTOMERS", "asgard.demo.ORDERS"))
    assert text not in effect.text


def test_no_secret_of_a_value_is_said():
    (effect,) = effects({**S3, "store.url": "http://u:hunter22@a"}, {"store.url": "http://u:hunter33@b"})

    assert "stays in http://u:********@a" in effect.text
    assert "hunter" not in effect.text


def test_what_is_written_again_is_counted():
    (effect,) = effects(
        MYSQL,
        {"table.include.list": "demo.CUSTOMERS,demo.ORDERS"},
        topics=("asgard.demo.CUSTOMERS",),
        records={"asgard.demo.CUSTOMERS": 1200},
    )
    assert "written again to asgard.demo.CUSTOMERS (1,200 records)" in effect.text

    (effect,) = effects(SINK, {"topics": "A,B,C"}, records={"C": 1})
    assert effect.text == "reads C (1 record) from the first record"


def transform(kind, **settings):
    return {"transforms": "t", "transforms.t.type": kind} | {f"transforms.t.{key}": v for key, v in settings.items()}


ROUTER = "org.apache.kafka.connect.transforms.RegexRouter"
KEY = "org.apache.kafka.connect.transforms.ValueToKey"
KEY_FIELD = "org.apache.kafka.connect.transforms.ExtractField$Key"
FIELD = "org.apache.kafka.connect.transforms.InsertField$Value"


@pytest.mark.parametrize(
    ("old", "change", "flags"),
    [
        (MYSQL, transform(ROUTER, regex="a"), ["topics"]),
        ({**MYSQL, **transform(ROUTER, regex="a")}, {"transforms.t.regex": "b"}, ["topics"]),
        (MYSQL, transform(KEY, fields="id"), ["format"]),
        (MYSQL, transform(KEY_FIELD, field="id"), ["format"]),
        (MYSQL, transform(FIELD), [""]),
        (SINK, transform(ROUTER, regex="a"), [""]),
        (SINK, transform(KEY, fields="id"), ["ids"]),
        ({**MYSQL, **transform(FIELD)}, {"transforms": None, "transforms.t.type": None}, [""]),
    ],
)
def test_transformations_of_topics_and_keys(old, change, flags):
    assert [effect.flag for effect in effects(old, change)] == flags
