"""SHOW, DESCRIBE, EXPLAIN: the same entities as ksqlDB."""

import json

import pytest

STRING = {"type": "STRING", "fields": None, "memberSchema": None}


def test_streams_and_tables(orders):
    (streams,) = orders.run("SHOW STREAMS;")
    assert streams == {
        "@type": "streams",
        "statementText": "SHOW STREAMS;",
        "streams": [
            {
                "type": "STREAM",
                "name": "ORDERS",
                "topic": "orders",
                "keyFormat": "KAFKA",
                "valueFormat": "JSON",
                "isWindowed": False,
            }
        ],
        "warnings": [],
    }
    (tables,) = orders.run("LIST TABLES;")
    assert [table["name"] for table in tables["tables"]] == ["STATS"]


def test_queries(orders):
    (entity,) = orders.run("SHOW QUERIES;")
    (query,) = entity["queries"]
    assert query.pop("queryString").startswith("CREATE TABLE STATS WITH (CLEANUP_POLICY='compact'")
    assert query == {
        "sinks": ["STATS"],
        "sinkKafkaTopics": ["STATS"],
        "id": "CTAS_STATS_1",
        "statusCount": {"RUNNING": 1},
        "queryType": "PERSISTENT",
        "state": "RUNNING",
    }


def test_describe(orders):
    source = orders.run("DESCRIBE ORDERS;")[0]["sourceDescription"]
    assert source["fields"][0] == {"name": "ID", "schema": STRING, "type": "KEY"}
    assert source["fields"][2]["schema"]["parameters"] == {"precision": 10, "scale": 2}
    assert source["fields"][4]["schema"] == {"type": "ARRAY", "fields": None, "memberSchema": STRING}
    assert (source["partitions"], source["replication"], source["extended"]) == (1, 1, False)
    assert source["sourceConstraints"] == ["STATS"]
    assert [query["id"] for query in source["readQueries"]] == ["CTAS_STATS_1"]
    assert source["statistics"] == ""
    assert source["clusterStatistics"] == []


def test_describe_extended_counts_what_was_read_and_written(orders):
    read = orders.run("DESCRIBE ORDERS EXTENDED;")[0]["sourceDescription"]
    assert "consumer-total-messages:         2 consumer-total-bytes:" in read["statistics"]
    assert {entry["name"] for entry in read["clusterStatistics"]} == {
        "consumer-messages-per-sec",
        "consumer-total-messages",
        "consumer-total-bytes",
    }
    written = orders.run("DESCRIBE STATS EXTENDED;")[0]["sourceDescription"]
    assert (
        "messages-per-sec:      0.02   total-messages:         2     last-message: 2023-11-14T22:13:20Z"
        in (written["statistics"])
    )
    (summary,) = written["queryOffsetSummaries"]
    assert summary["groupId"] == "_confluent-ksql-test_query_CTAS_STATS_1"
    assert summary["topicSummaries"] == [
        {
            "kafkaTopic": "orders",
            "offsets": [{"partition": 0, "logStartOffset": 0, "logEndOffset": 2, "consumerOffset": 2}],
        }
    ]


def test_bad_records_are_counted(orders):
    orders.world.send("orders", b"no json", "o9")
    orders.world.cluster.wait_for(lambda: orders.engine.parts.launcher.log.count("CTAS_STATS_1").entries == 1)
    source = orders.run("DESCRIBE STATS EXTENDED;")[0]["sourceDescription"]
    assert source["errorStats"].startswith("failed-messages:         1     last-failed: ")
    assert source["clusterErrorStats"][0]["value"] == 1.0


def test_all_at_once(orders):
    (entity,) = orders.run("DESCRIBE STREAMS EXTENDED;")
    assert [source["name"] for source in entity["sourceDescriptions"]] == ["ORDERS"]
    (entity,) = orders.run("SHOW TABLES EXTENDED;")
    assert [source["name"] for source in entity["sourceDescriptions"]] == ["STATS"]
    (entity,) = orders.run("SHOW QUERIES EXTENDED;")
    (query,) = entity["queryDescriptions"]
    assert query["tasksMetadata"][0]["taskId"] == "0_0"
    assert query["ksqlHostQueryStatus"] == {"127.0.0.1:8088": "RUNNING"}


def test_topics(orders):
    (entity,) = orders.run("SHOW TOPICS;")
    names = ("STATS", "orders", "test_ksql_processing_log")
    assert entity["topics"] == [{"name": name, "replicaInfo": [1]} for name in names]
    (entity,) = orders.run("SHOW ALL TOPICS;")
    assert "_confluent-ksql-test__command_topic" in [topic["name"] for topic in entity["topics"]]
    (entity,) = orders.run("SHOW TOPICS EXTENDED;")
    assert entity["@type"] == "kafka_topics_extended"
    assert entity["topics"][1] == {
        "name": "orders",
        "replicaInfo": [1],
        "consumerCount": 1,
        "consumerGroupCount": 1,
    }


def test_explain_a_query(orders):
    query = orders.run("EXPLAIN CTAS_STATS_1;")[0]["queryDescription"]
    assert query["executionPlan"].startswith(
        " > [ SINK ] | Schema: ID STRING KEY, N BIGINT | Logger: CTAS_STATS_1.STATS"
    )
    assert "def process_" in query["topology"]
    assert query["overriddenProperties"] == {"auto.offset.reset": "earliest"}
    assert query["consumerGroupId"] == "_confluent-ksql-test_query_CTAS_STATS_1"
    assert orders.refused("EXPLAIN NOPE_1;")["message"].startswith("Query with id:NOPE_1 does not exist")


def test_explain_a_statement(orders):
    query = orders.run("EXPLAIN SELECT ID FROM ORDERS WHERE AMOUNT > 1 EMIT CHANGES;")[0]["queryDescription"]
    assert query["statementText"] == "SELECT ID FROM ORDERS WHERE AMOUNT > 1 EMIT CHANGES;"
    assert (query["queryType"], query["state"], query["sources"]) == ("PUSH", None, ["ORDERS"])
    assert [field["name"] for field in query["fields"]] == ["ID", "ID"]
    assert orders.run("SHOW QUERIES;")[0]["queries"][0]["id"] == "CTAS_STATS_1"


def test_functions(api):
    (entity,) = api.run("SHOW FUNCTIONS;")
    assert {"name": "SUBSTRING", "type": "SCALAR", "category": "STRING"} in entity["functions"]
    (entity,) = api.run("DESCRIBE FUNCTION COUNT;")
    assert (entity["name"], entity["type"]) == ("COUNT", "AGGREGATE")
    assert entity["functions"][0]["returnType"] == "BIGINT"
    (entity,) = api.run("DESCRIBE FUNCTION LPAD;")
    descriptions = {part["name"]: part["description"] for part in entity["functions"][0]["arguments"]}
    assert descriptions["targetLen"] == "The length of the result."
    assert "NOPE" in api.refused("DESCRIBE FUNCTION NOPE;")["message"]


def test_types_come_and_go(api):
    (entity,) = api.run("CREATE TYPE POINT AS STRUCT<X INT, Y INT>;")
    assert entity["commandId"] == "type/POINT/create"
    fields = api.run("SHOW TYPES;")[0]["types"]["POINT"]["fields"]
    assert [field["name"] for field in fields] == ["X", "Y"]
    api.run("DROP TYPE POINT;")
    assert api.run("SHOW TYPES;")[0]["types"] == {}


def test_variables(api):
    answer = api.ksql("SHOW VARIABLES;", variables={"a": "b"})
    assert answer.json()[0]["variables"] == [{"name": "A", "value": "b"}]


def test_properties(api):
    answer = api.ksql("SHOW PROPERTIES;", properties={"ksql.streams.num.stream.threads": "2"})
    properties = {entry["name"]: entry for entry in answer.json()[0]["properties"]}
    assert properties["ksql.service.id"]["value"] == "test_"
    assert properties["ksql.streams.num.stream.threads"]["value"] == "2"
    assert properties["ksql.streams.auto.offset.reset"]["editable"] is True
    assert answer.json()[0]["overwrittenProperties"] == ["ksql.streams.num.stream.threads"]


@pytest.mark.parametrize("text", ["RUN SCRIPT 'x';", "SPOOL OFF;"])
def test_what_belongs_to_the_shell(api, text):
    assert api.refused(text)["@type"] == "statement_error"


def test_answers_are_json_all_through(orders):
    for text in ("SHOW QUERIES EXTENDED;", "DESCRIBE ORDERS EXTENDED;", "SHOW FUNCTIONS;", "SHOW PROPERTIES;"):
        assert json.loads(orders.ksql(text).content)
