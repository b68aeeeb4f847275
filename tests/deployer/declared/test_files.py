"""Every wrong declaration gets a message with file and line."""

import pytest

from bifrost.deployer.declared.files import load
from bifrost.errors import DeclarationError, SettingError
from tests.deployer.conftest import CONNECTOR, CUSTOMERS, TOPICS

CONNECTOR_FILE = "connectors/ratings/mysql-demo-customers.json"


def problem(project) -> str:
    with pytest.raises(DeclarationError) as caught:
        load(project.root)
    return str(caught.value).removeprefix(f"{project.root}/")


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (CONNECTOR_FILE, '{\n "a": 1,\n}', f"{CONNECTOR_FILE}:3: is not JSON: "),
        (CONNECTOR_FILE, "[1]", f"{CONNECTOR_FILE}:1: expected a JSON object"),
        (CONNECTOR_FILE, '{\n "a": "1",\n "a": "2"\n}', f"{CONNECTOR_FILE}:2: 'a' is written twice"),
        (CONNECTOR_FILE, {"tasks.max": "1"}, f"{CONNECTOR_FILE}: has no connector.class"),
        (CONNECTOR_FILE, {**CONNECTOR, "name": "other"}, f"{CONNECTOR_FILE}:16: is named 'other'; the file's name"),
        (CONNECTOR_FILE, {**CONNECTOR, "x": [1]}, f"{CONNECTOR_FILE}:16: x must be a string, a number or true/false"),
        (CONNECTOR_FILE, {"name": "mysql-demo-customers", "config": {}, "z": 1}, f"{CONNECTOR_FILE}:4: unknown key"),
        (CONNECTOR_FILE, {"connector.class": "${env:X}"}, ":2: connector.class must not contain a placeholder"),
        ("connectors/orders/mysql-demo-customers.json", CONNECTOR, "mysql-demo-customers is also declared in "),
        ("topics/ratings.json", {"t": 1}, "topics/ratings.json:2: topic t: expected an object of settings"),
        ("topics/ratings.json", {"t": {"partitons": 1}}, "topics/ratings.json:3: topic t: unknown setting 'partitons'"),
        ("topics/ratings.json", {"t": {"partitions": 0}}, "topics/ratings.json:3: topic t: partitions must be a whole"),
        ("topics/ratings.json", {"t": {"partitions": True}}, "topic t: partitions must be a whole number"),
        ("topics/ratings.json", {"t": {"cleanup.policy": "no"}}, "topic t: cleanup.policy must be one of"),
        ("topics/orders.json", TOPICS, "topics/ratings.json:2: topic ratings is also declared in "),
        ("topics/schemas/x.avsc", {}, "topics/schemas/x.avsc: a schema file is named <topic>-key.avsc or"),
        ("topics/schemas/x-value.avsc", {}, "topics/schemas/x-value.avsc: topic x is not declared in topics/*.json"),
        ("topics/schemas/ratings-value.avsc", "{", "topics/schemas/ratings-value.avsc:1: is not JSON"),
        ("ksql/ratings.sql", "CREATE STREAM A;\n\nSELEC 1;", "ksql/ratings.sql:3: line 3:1: Syntax Error"),
        ("ksql/ratings.sql", "-- x\nSHOW STREAMS;", "ksql/ratings.sql:2: Show is not a declaration"),
        ("ksql/orders.sql", CUSTOMERS, "ksql/orders.sql:2: CUSTOMERS_SRC is also created in "),
        ("ksql/ratings.sql", "CREATE STREAM A AS SELECT * FROM B;\nCREATE STREAM B AS SELECT * FROM A;",
         "ksql/ratings.sql:1: statements depend on each other: A -> B -> A"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(project, path, content, expected):
    project.write(path, content)

    assert expected in problem(project)


def test_both_shapes_of_a_connector_file_say_the_same(project):
    bare = load(project.root).connectors
    project.write(CONNECTOR_FILE, {"name": "mysql-demo-customers", "config": CONNECTOR})

    assert load(project.root).connectors == bare


def test_statements_come_after_what_they_read_and_know_what_set_said(project):
    project.write("ksql/a.sql", "CREATE STREAM FIRST AS SELECT * FROM LAST;")
    project.write("ksql/z.sql", "SET 'a'='1'; CREATE STREAM LAST (X INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');")

    statements = {statement.name: statement for statement in load(project.root).statements}

    assert list(statements)[:2] == ["LAST", "FIRST"]
    assert statements["LAST"].properties == {"a": "1"}
    assert statements["FIRST"].properties == {}


def test_a_pipeline_brings_what_it_needs_along(project):
    project.write("ksql/orders.sql", "CREATE STREAM O AS SELECT * FROM CUSTOMERS_SRC;")
    project.write("topics/orders.json", {"orders": {}})

    selected = load(project.root).select(["orders"])

    assert [statement.name for statement in selected.statements] == ["CUSTOMERS_SRC", "O"]
    assert [connector.name for connector in selected.connectors] == ["mysql-demo-customers"]
    assert [topic.name for topic in selected.topics] == ["orders", "asgard.demo.CUSTOMERS"]
    assert [subject.name for subject in selected.subjects] == [
        "asgard.demo.CUSTOMERS-key",
        "asgard.demo.CUSTOMERS-value",
    ]
    assert selected.services == ()


def test_a_sink_brings_along_who_writes_its_topic(project):
    config = {"connector.class": "x.Sink", "topics": "ALERTS"}
    project.write("connectors/lake/sink.json", config)

    selected = load(project.root).select(["lake"])

    assert "ALERTS" in {statement.name for statement in selected.statements}


def test_an_unknown_pipeline(project):
    with pytest.raises(SettingError, match="nosuch: is not a pipeline; known are customers, ratings"):
        load(project.root).select(["nosuch"])


def test_schemas_are_registered_as_connectors_write_them(project):
    (key,) = (subject for subject in load(project.root).subjects if subject.name == "asgard.demo.CUSTOMERS-key")

    assert key.schema == '{"type":"record","name":"Key","fields":[{"name":"id","type":"int"}]}'
