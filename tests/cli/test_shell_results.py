"""How the shell shows descriptions and other answers, and rows in columns."""

import pytest

from bifrost.cli.shell.results import show_entity
from bifrost.cli.shell.rows import RowLayout, layout

SOURCE = {
    "name": "ORDERS",
    "type": "TABLE",
    "windowType": "TUMBLING",
    "fields": [
        {"name": "ID", "type": "KEY", "schema": {"type": "INTEGER"}},
        {"name": "NOTE", "schema": {"type": "STRING"}},
        {"name": "LINES", "schema": {"type": "ARRAY", "memberSchema": {"type": "DOUBLE"}}},
    ],
    "keyFormat": "KAFKA",
    "valueFormat": "JSON",
    "topic": "orders",
    "partitions": 1,
    "replication": 1,
    "statement": "CREATE TABLE ORDERS ...;",
    "readQueries": [{"id": "CTAS_X_1", "state": "RUNNING", "queryString": "CREATE TABLE X\n AS ...;"}],
    "writeQueries": [],
    "clusterStatistics": [{"host": "h:8088", "name": "total-messages", "value": 3, "timestamp": 1700000000000}],
    "clusterErrorStats": [],
    "queryOffsetSummaries": [
        {
            "groupId": "g1",
            "topicSummaries": [
                {
                    "kafkaTopic": "orders",
                    "offsets": [{"partition": 0, "logStartOffset": 0, "logEndOffset": 9, "consumerOffset": 5}],
                }
            ],
        }
    ],
}


def shown(entity) -> list[str]:
    screen = Lines()
    show_entity(entity, screen)
    return [line.rstrip() for line in screen.said]


class Lines:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def test_describe():
    assert shown({"@type": "sourceDescription", "sourceDescription": {**SOURCE, "extended": False}}) == [
        "Name                 : ORDERS",
        " Field | Type",
        "----------------------------------------------------------------",
        " ID    | INTEGER          (primary key) (Window type: TUMBLING)",
        " NOTE  | VARCHAR(STRING)",
        " LINES | ARRAY<DOUBLE>",
        "----------------------------------------------------------------",
        "For runtime statistics and query details run: DESCRIBE <Stream,Table> EXTENDED;",
    ]


def test_describe_extended():
    lines = shown({"@type": "sourceDescription", "sourceDescription": {**SOURCE, "extended": True}})
    assert lines[:7] == [
        "Name                 : ORDERS",
        "Type                 : TABLE",
        "Timestamp field      : Not set - using <ROWTIME>",
        "Key format           : KAFKA",
        "Value format         : JSON",
        "Kafka topic          : orders (partitions: 1, replication: 1)",
        "Statement            : CREATE TABLE ORDERS ...;",
    ]
    assert "CTAS_X_1 (RUNNING) : CREATE TABLE X AS ...;" in lines
    assert " h:8088 | total-messages | 3.00  | 2023-11-14T22:13:20.000Z" in lines
    assert lines[-9:] == [
        "Consumer Group       : g1",
        "",
        "Kafka topic          : orders",
        "Max lag              : 4",
        "",
        " Partition | Start Offset | End Offset | Offset | Lag",
        "------------------------------------------------------",
        " 0         | 0            | 9          | 5      | 4",
        "------------------------------------------------------",
    ]


def test_describe_function():
    function = {
        "@type": "describe_function",
        "name": "LPAD",
        "description": "Pads a\n  text.",
        "author": "Confluent",
        "version": "",
        "path": "internal",
        "type": "SCALAR",
        "functions": [
            {
                "arguments": [
                    {"name": "input", "type": "VARCHAR", "description": "the text"},
                    {"name": "", "type": "INT", "description": "", "isVariadic": True},
                ],
                "returnType": "VARCHAR",
                "description": "Pads on the left.",
            }
        ],
    }
    assert shown(function) == [
        "Name        : LPAD",
        "Author      : Confluent",
        "Overview    : Pads a text.",
        "Type        : SCALAR",
        "Jar         : internal",
        "Variations  :",
        "",
        "\tVariation   : LPAD(input VARCHAR, INT[])",
        "\tReturns     : VARCHAR",
        "\tDescription : Pads on the left.",
        "\tinput       : the text",
    ]


def test_describe_connector():
    status = {
        "name": "C",
        "type": "source",
        "connector": {"state": "RUNNING", "worker_id": "w:8083"},
        "tasks": [{"id": 0, "state": "FAILED", "trace": "A: password=hunter22\n at x"}],
    }
    described = {"@type": "connector_description", "connectorClass": "x.Y", "status": status, "topics": ["t"]}
    assert shown(described) == [
        "Name                 : C",
        "Class                : x.Y",
        "Type                 : source",
        "State                : RUNNING",
        "WorkerId             : w:8083",
        "",
        " Task ID | State  | Error Trace",
        "----------------------------------------------",
        " 0       | FAILED | A: password=******** at x",
        "----------------------------------------------",
        "",
        "Related topics",
        "--------------",
        "t",
    ]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (
            {"@type": "connector_info", "info": {"name": "C", "config": {"database.password": "hunter22"}}},
            ["Created connector C"],
        ),
        ({"@type": "drop_connector", "connectorName": "C"}, ['Dropped connector "C"']),
        ({"@type": "terminate_query", "queryId": "Q_1", "wasTerminated": True}, ["Terminated query Q_1"]),
        ({"@type": "warning_entity", "message": "Connector C already exists"}, ["Connector C already exists"]),
        (
            {
                "@type": "type_list",
                "types": {
                    "T": {"type": "STRUCT", "fields": [{"name": "A", "schema": {"type": "INTEGER"}}]},
                    "N": {"type": "DECIMAL", "parameters": {"precision": 4, "scale": 2}},
                },
            },
            [
                " Type Name | Schema",
                "-------------------------------",
                " N         | DECIMAL(4, 2)",
                " T         | STRUCT<A INTEGER>",
                "-------------------------------",
            ],
        ),
        (
            {"@type": "assert_topic", "topicName": "t", "exists": True},
            ["topicName            t", "exists               true"],
        ),
    ],
)
def test_other_answers(entity, expected):
    assert shown(entity) == expected


def test_explain():
    query = {
        "id": "CSAS_X_1",
        "statementText": "CREATE STREAM X AS ...;",
        "fields": [],
        "sources": ["A"],
        "sinks": ["X"],
        "executionPlan": " > [ SINK ] | ...\n",
        "topology": "Topologies: ...",
        "overriddenProperties": {"auto.offset.reset": "earliest"},
        "ksqlHostQueryStatus": {"h:8088": "RUNNING"},
        "queryErrors": [{"timestamp": 1700000000000, "errorMessage": "no such topic"}],
        "statistics": [
            {"name": "lag_records", "labels": {"topic": "a"}, "value": 12345},
            {"name": "commit_seconds_sum", "labels": {}, "value": 0.25},
            {"name": "restarts_total", "labels": {}, "value": 0},
        ],
    }
    lines = shown({"@type": "queryDescription", "queryDescription": query})
    assert lines[:3] == [
        "ID                   : CSAS_X_1",
        "SQL                  : CREATE STREAM X AS ...;",
        "Host Query Status    : {h:8088=RUNNING}",
    ]
    for line in (" > [ SINK ] | ...", " auto.offset.reset | earliest", "2023-11-14T22:13:20.000Z no such topic"):
        assert line in lines
    assert any(line.split() == ["lag_records", "|", "a", "|", "12,345"] for line in lines)
    assert any(line.split() == ["commit_seconds_sum", "|", "|", "0.250"] for line in lines)
    assert "restarts_total" not in "".join(lines)


@pytest.mark.parametrize(
    ("value", "wraps", "expected"),
    [
        ("abc", True, ["|abc   |"]),
        ("abcdefgh", True, ["|abcdef|", "|gh    |"]),
        ("abcdefgh", False, ["|abc...|"]),
        ("日本語テスト", True, ["|日本語|", "|テスト|"]),
        ("a\nb", True, ["|a\\nb  |"]),
        ("", True, ["|      |"]),
        (None, True, ["|null  |"]),
        (True, True, ["|true  |"]),
        ({"A": 1}, True, ['|{"A": |', "|1}    |"]),
    ],
)
def test_rows_stay_in_their_columns(value, wraps, expected):
    assert list(RowLayout(("X",), 6, wraps).row([value])) == expected


def test_many_columns_share_a_narrow_screen():
    assert layout([f"C{n}" for n in range(50)], 80).width == 5
    assert layout(["A", "B"], 81).width == 39
    assert layout([], 80).width > 0
