"""POST /ksql: entities and errors in ksqlDB's JSON."""

import pytest

from bifrost.errors import Unreachable
from tests.server.conftest import ORDERS


def test_what_was_carried_out_is_told_filled_in(api):
    (entity,) = api.run("create stream s (a int) with (kafka_topic='s', partitions=2, value_format='json');")
    assert entity == {
        "@type": "currentStatus",
        "statementText": "CREATE STREAM S (A INTEGER) WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='s', "
        "KEY_FORMAT='KAFKA', PARTITIONS=2, VALUE_FORMAT='json');",
        "commandId": "stream/`S`/create",
        "commandStatus": {"status": "SUCCESS", "message": "Stream created", "queryId": None},
        "commandSequenceNumber": 0,
        "warnings": [],
    }
    assert api.world.cluster.admin.topics()["s"] == 2


def test_a_query_is_named_after_its_sink_and_place(api):
    _, entity = api.run(ORDERS + "CREATE STREAM BIG AS SELECT * FROM ORDERS WHERE AMOUNT > 10 EMIT CHANGES;")
    assert entity["commandStatus"] == {
        "status": "SUCCESS",
        "message": "Created query with ID CSAS_BIG_1",
        "queryId": "CSAS_BIG_1",
    }
    assert api.http.get("/status/stream/`BIG`/create").json() == entity["commandStatus"]
    assert api.http.get("/status").json()["commandStatuses"]["stream/`BIG`/create"] == "SUCCESS"


def test_if_not_exists_warns(api):
    text = ORDERS.replace("CREATE STREAM", "CREATE STREAM IF NOT EXISTS")
    api.run(ORDERS)
    (entity,) = api.run(text)
    assert entity["@type"] == "warning_entity"
    assert entity["message"] == "Cannot add stream `ORDERS`: A stream with the same name already exists."


def test_drop_if_exists_is_a_command_all_the_same(api):
    (entity,) = api.run("DROP STREAM IF EXISTS NOPE;")
    assert entity["commandId"] == "stream/NOPE/drop"
    assert entity["commandStatus"]["message"] == "Source `NOPE` does not exist."


def test_drop_with_delete_topic(orders):
    (entity,) = orders.run("DROP TABLE STATS DELETE TOPIC;")
    assert entity["statementText"] == "DROP TABLE STATS;"
    assert entity["commandStatus"]["message"] == "Source `STATS` (topic: STATS) was dropped."
    assert "STATS" not in orders.world.cluster.admin.topics()


def test_session_variables(api):
    answer = api.ksql(
        "CREATE STREAM ${name} (A INT) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON');",
        variables={"name": "FROM_VARIABLE"},
    )
    assert answer.json()[0]["commandId"] == "stream/`FROM_VARIABLE`/create"


def test_set_and_define_answer_nothing(api):
    assert api.run("SET 'auto.offset.reset'='latest'; DEFINE X = '1'; UNDEFINE X; UNSET 'auto.offset.reset';") == []


def test_nothing_is_changed_when_a_later_statement_is_wrong(api):
    error = api.refused(ORDERS + "CREATE STREAM BIG AS SELECT NOPE FROM ORDERS EMIT CHANGES;")
    assert "SELECT column 'NOPE' cannot be resolved" in error["message"]
    assert api.run("SHOW STREAMS;")[0]["streams"] == []
    assert "orders" not in api.world.cluster.admin.topics()


def test_insert_values(orders):
    assert orders.run("INSERT INTO ORDERS (ID, AMOUNT) VALUES ('o9', 9.5);") == []
    assert orders.world.values("orders")[-1] == {"AMOUNT": 9.5, "PRICE": None, "TS": None, "TAGS": None}


@pytest.mark.parametrize(
    ("text", "status", "code", "message"),
    [
        ("SELEC;", 400, 40001, "line 1:1: Syntax Error\nUnknown statement 'SELEC'\nDid you mean 'SELECT'?"),
        ("SHOW STREAMS", 400, 40001, "line 1:13: Syntax Error\nmissing ';' at '<EOF>'"),
        ("DESCRIBE NOPE;", 400, 40001, "Could not find STREAM/TABLE 'NOPE' in the Metastore"),
        ("TERMINATE NOPE_1;", 400, 40001, "Unknown queryId: NOPE_1"),
        ("DROP STREAM NOPE;", 400, 40001, "Stream NOPE does not exist."),
    ],
)
def test_refusals(api, text, status, code, message):
    answer = api.ksql(text)
    assert answer.status_code == status
    assert answer.json() == {
        "@type": "statement_error",
        "error_code": code,
        "message": message,
        "statementText": text,
        "entities": [],
    }


def test_queries_belong_elsewhere(orders):
    error = orders.refused("SELECT * FROM ORDERS EMIT CHANGES;")
    assert (error["error_code"], error["statementText"]) == (40002, "SELECT * FROM ORDERS EMIT CHANGES;")


def test_a_missing_topic_is_a_generic_error(api):
    error = api.refused("CREATE STREAM Z (A INT) WITH (KAFKA_TOPIC='no_such_topic', VALUE_FORMAT='JSON');")
    assert (error["@type"], error["error_code"]) == ("generic_error", 40000)
    assert "providing the required 'PARTITIONS' configuration" in error["message"]


def test_sources_that_are_read_stay(orders):
    error = orders.refused("DROP STREAM ORDERS;")
    assert "read from this source: [STATS]" in error["message"]


def test_sources_that_insert_queries_use_stay(orders):
    orders.run(
        "CREATE STREAM COPY (ID VARCHAR KEY, AMOUNT DOUBLE) "
        "WITH (KAFKA_TOPIC='copy', PARTITIONS=1, VALUE_FORMAT='JSON');"
        "INSERT INTO COPY SELECT ID, AMOUNT FROM ORDERS;"
    )
    error = orders.refused("DROP STREAM COPY;")
    assert "write into this source: [INSERTQUERY_" in error["message"]


@pytest.mark.parametrize(
    ("properties", "status", "code"),
    [({"no.such.property": "1"}, 500, 50000), ({"ksql.service.id": "x"}, 400, 40001)],
)
def test_properties_that_are_unknown_or_not_for_everyone(api, properties, status, code):
    answer = api.ksql("SHOW STREAMS;", properties=properties)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"ksql":', "Unexpected end-of-input"),
        (b"x", "Unrecognized token 'x'"),
        (b"{}", "Missing required creator property 'ksql' (index 0)"),
        (b"[1]", "not an object"),
        (b"[" * 100_000, "Invalid JSON in request"),
    ],
)
def test_requests_that_are_no_requests(api, data, message):
    answer = api.http.post("/ksql", content=data)
    assert (answer.status_code, answer.json()["error_code"]) == (400, 40000)
    assert message in answer.json()["message"]


def test_only_json_can_be_asked_for(api):
    assert api.post("/ksql", {"ksql": "SHOW STREAMS;"}, accept="text/plain").status_code == 406


def test_an_unexpected_failure_has_ksqldbs_form_too(api, monkeypatch):
    monkeypatch.setattr(api.engine, "execute", lambda *_: 1 / 0)
    answer = api.ksql("SHOW STREAMS;")
    assert (answer.status_code, answer.json()["error_code"]) == (500, 50000)


@pytest.mark.parametrize("topics", ["STATS", {"a": 1}, [1], ["STATS", "("], ["*"]])
def test_a_list_of_topics_that_cannot_be_read_terminates_nothing(orders, topics):
    answer = orders.http.post("/ksql/terminate", json={"deleteTopicList": topics})
    assert (answer.status_code, answer.json()["error_code"]) == (400, 40000)
    assert "deleteTopicList" in answer.json()["message"]
    assert len(orders.run("SHOW QUERIES;")[0]["queries"]) == 1


@pytest.mark.parametrize("body", [b"", b"[1]"])
def test_a_terminate_that_fails_reports_its_cause(orders, monkeypatch, body):
    def unavailable(_topics):
        raise Unreachable("Kafka", "delete records", "no broker answers")

    monkeypatch.setattr(orders.engine, "terminate", unavailable)
    answer = orders.http.post("/ksql/terminate", content=body)
    if body:
        assert (answer.status_code, answer.json()["message"]) == (400, "Invalid JSON in request: not an object")
    else:
        assert answer.status_code == 503
        assert "no broker answers" in answer.json()["message"]


def test_pause_resume_terminate(orders):
    (paused,) = orders.run("PAUSE CTAS_STATS_1;")
    assert paused["commandId"] == "pause/CTAS_STATS_1/execute"
    assert paused["commandStatus"]["message"] == "Query paused."
    orders.world.cluster.wait_for(lambda: orders.run("SHOW QUERIES;")[0]["queries"][0]["state"] == "PAUSED")
    assert orders.run("RESUME CTAS_STATS_1;")[0]["commandStatus"]["message"] == "Query resumed."
    assert orders.run("TERMINATE ALL;")[0]["commandId"] == "terminate/ALL/execute"
    assert orders.run("SHOW QUERIES;")[0]["queries"] == []


def test_terminating_the_cluster_forgets_everything(orders):
    answer = orders.http.post("/ksql/terminate", json={"deleteTopicList": ["STA.*"]})
    assert answer.status_code == 200
    assert orders.run("SHOW TABLES;")[0]["tables"] == []
    topics = orders.world.cluster.admin.topics()
    assert "orders" in topics
    assert "STATS" not in topics


def test_assert_topic(orders):
    assert orders.run("ASSERT TOPIC orders WITH (PARTITIONS=1) TIMEOUT 1 SECONDS;") == [
        {
            "@type": "assert_topic",
            "statementText": "ASSERT TOPIC orders WITH (PARTITIONS=1) TIMEOUT 1 SECONDS;",
            "topicName": "orders",
            "exists": True,
            "warnings": [],
        }
    ]
    answer = orders.ksql("ASSERT NOT EXISTS TOPIC orders TIMEOUT 0 SECONDS;")
    assert (answer.status_code, answer.json()["error_code"]) == (417, 41700)
    assert answer.json()["message"] == "Topic orders exists"
    assert "expected 3 got 1" in orders.ksql("ASSERT TOPIC orders WITH (PARTITIONS=3) TIMEOUT 0 SECONDS;").text


def test_assert_schema(api):
    api.run("CREATE STREAM A (N INT) WITH (KAFKA_TOPIC='a', PARTITIONS=1, VALUE_FORMAT='AVRO');")
    (entity,) = api.run("ASSERT SCHEMA SUBJECT 'a-value' TIMEOUT 1 SECONDS;")
    assert (entity["@type"], entity["subject"], entity["exists"]) == ("assert_schema", "a-value", True)
    answer = api.ksql("ASSERT SCHEMA SUBJECT 'b-value' ID 7 TIMEOUT 0 SECONDS;")
    assert answer.json()["message"] == "Schema with subject name b-value and id 7 does not exist"


def test_columns_of_a_statement_become_a_new_subjects_schema_and_leave_an_old_one_alone(api):
    api.run("CREATE STREAM A (N INT) WITH (KAFKA_TOPIC='a', PARTITIONS=1, VALUE_FORMAT='AVRO');")
    assert "KsqlDataSourceSchema" in api.world.registry.latest("a-value").text
    before = list(api.world.registry.subjects["a-value"])
    api.run("CREATE STREAM B (N INT, M INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='AVRO');")
    assert api.world.registry.subjects["a-value"] == before


def test_sinks_register_their_schemas_with_the_statement(api):
    api.run(
        "CREATE STREAM A (N INT) WITH (KAFKA_TOPIC='a', PARTITIONS=1, VALUE_FORMAT='JSON');"
        "CREATE STREAM B WITH (VALUE_FORMAT='AVRO') AS SELECT N FROM A EMIT CHANGES;"
        "CREATE STREAM C WITH (KAFKA_TOPIC='B', VALUE_FORMAT='AVRO');"
    )
    assert [field["name"] for field in api.run("DESCRIBE C;")[0]["sourceDescription"]["fields"]] == ["N"]


def test_system_properties_last(api):
    (entity,) = api.run("ALTER SYSTEM 'ksql.streams.auto.offset.reset'='earliest';")
    assert entity["commandStatus"]["status"] == "SUCCESS"
    api.engine.close()
    again = api.world.engine()
    assert again.parts.properties["ksql.streams.auto.offset.reset"] == "earliest"
