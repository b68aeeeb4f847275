"""/query, /query-stream and /close-query: the forms of rows on the wire."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

V1, JSON, DELIMITED = "application/vnd.ksql.v1+json", "application/json", "application/vnd.ksqlapi.delimited.v1"
PUSH = "SELECT ID, AMOUNT, PRICE, TS, TAGS FROM ORDERS EMIT CHANGES LIMIT 1;"
ROW = '["o1",1.5,12.50,"1970-01-01T00:00:01.000",["a"]]'
SCHEMA = "`ID` STRING, `AMOUNT` DOUBLE, `PRICE` DECIMAL(10, 2), `TS` TIMESTAMP, `TAGS` ARRAY<STRING>"
NAMES = '"columnNames":["ID","AMOUNT","PRICE","TS","TAGS"]'
TYPES = '"columnTypes":["STRING","DOUBLE","DECIMAL(10, 2)","TIMESTAMP","ARRAY<STRING>"]'


def body(answer):
    assert answer.status_code == 200, answer.text
    return re.sub(r'"(transient_[A-Z]+|query)_\d+"', r'"\1_N"', answer.text)


@pytest.mark.parametrize("path", ["/query", "/query-stream"])
def test_push_as_objects(orders, path):
    answer = orders.query(PUSH, path, V1)
    assert answer.headers["content-type"] == V1
    assert body(answer) == (
        f'[{{"header":{{"queryId":"transient_ORDERS_N","schema":"{SCHEMA}"}}}},\n'
        f'{{"row":{{"columns":{ROW}}}}},\n'
        '{"finalMessage":"Limit Reached"}]\n'
    )


@pytest.mark.parametrize("path", ["/query", "/query-stream"])
def test_push_as_lines(orders, path):
    answer = orders.query(PUSH, path, DELIMITED)
    assert answer.headers["content-type"] == DELIMITED
    assert body(answer) == f'{{"queryId":"transient_ORDERS_N",{NAMES},{TYPES}}}\n{ROW}\n'


def test_push_as_an_array(orders):
    answer = orders.query(PUSH, "/query-stream", JSON)
    assert answer.headers["content-type"] == JSON
    assert body(answer) == f'[{{"queryId":"transient_ORDERS_N",{NAMES},{TYPES}}},{ROW}]'


@pytest.mark.parametrize(
    ("path", "accept", "media_type"), [("/query", JSON, V1), ("/query", "*/*", V1), ("/query-stream", "*/*", DELIMITED)]
)
def test_forms_where_none_is_asked_for(orders, path, accept, media_type):
    assert orders.query(PUSH, path, accept).headers["content-type"] == media_type


def test_pull_as_objects_marks_keys_and_has_no_final_message(orders):
    assert body(orders.query("SELECT * FROM STATS WHERE ID = 'o1';")) == (
        '[{"header":{"queryId":"query_N","schema":"`ID` STRING KEY, `N` BIGINT"}},\n{"row":{"columns":["o1",1]}}]'
    )


def test_a_pull_query_of_a_client_that_names_no_media_type_ends_with_a_line_break(orders):
    text = body(orders.query("SELECT * FROM STATS WHERE ID = 'o1';", accept="*/*"))
    assert text.endswith('{"row":{"columns":["o1",1]}}]\n')


def test_pull_without_rows(orders):
    header = '[{"header":{"queryId":"query_N","schema":"`ID` STRING KEY, `N` BIGINT"}}]'
    assert body(orders.query("SELECT * FROM STATS WHERE ID = 'none';")) == header


def test_pull_as_lines(orders):
    assert body(orders.query("SELECT * FROM STATS WHERE ID = 'o1';", "/query-stream", DELIMITED)) == (
        '{"queryId":"query_N","columnNames":["ID","N"],"columnTypes":["STRING","BIGINT"]}\n["o1",1]\n'
    )


def test_a_stream_without_emit_is_read_to_its_end(orders):
    lines = body(orders.query("SELECT ID FROM ORDERS;")).splitlines()
    assert lines[1:] == [
        '{"row":{"columns":["o1"]}},',
        '{"row":{"columns":["o2"]}},',
        '{"finalMessage":"Query Completed"}]',
    ]


def test_a_deleted_row_is_a_tombstone(orders):
    orders.run(
        "CREATE TABLE T (K STRING PRIMARY KEY, A INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');"
    )
    orders.world.send("t", {"A": 1}, "x")
    orders.world.send("t", None, "x")
    lines = body(orders.query("SELECT * FROM T EMIT CHANGES LIMIT 2;")).splitlines()
    assert lines[2] == '{"row":{"columns":["x",null],"tombstone":true}},'


@pytest.mark.parametrize("path", ["/query", "/query-stream"])
def test_refusals(orders, path):
    answer = orders.query("SELECT * FROM NOPE EMIT CHANGES;", path)
    assert answer.status_code == 400
    assert answer.json() == {
        "@type": "statement_error",
        "error_code": 40001,
        "message": "Exception while preparing statement: NOPE does not exist.",
        "statementText": "SELECT * FROM NOPE EMIT CHANGES;",
        "entities": [],
    }


def test_a_syntax_error_is_told_with_its_cause(orders):
    message = orders.query("SELEC;").json()["message"]
    assert message.endswith("Statement: SELEC;\nCaused by: line 1:1: Syntax error at line 1:1")


def test_only_queries_are_taken(orders):
    answer = orders.query("SHOW STREAMS;")
    assert (answer.status_code, answer.json()["error_code"]) == (400, 40000)
    assert "not supported for this resource" in answer.json()["message"]


def test_rows_come_while_the_query_runs_and_closing_it_ends_the_answer(orders):
    request = {"sql": "SELECT ID FROM ORDERS EMIT CHANGES;", "properties": {"auto.offset.reset": "earliest"}}
    with orders.http.stream("POST", "/query-stream", json=request, headers={"Accept": DELIMITED}) as answer:
        lines = answer.iter_lines()
        query_id = json.loads(next(lines))["queryId"]
        assert [json.loads(next(lines)) for _ in range(2)] == [["o1"], ["o2"]]
        assert orders.run("SHOW QUERIES;")[0]["queries"][-1]["queryType"] == "PUSH"
        orders.world.send("orders", {"AMOUNT": 1}, "o3")
        assert json.loads(next(lines)) == ["o3"]
        assert orders.post("/close-query", {"queryId": query_id}).status_code == 200
        assert list(lines) == []


def test_a_reader_that_goes_away_ends_its_query(orders):
    request = {"ksql": "SELECT ID FROM ORDERS EMIT CHANGES;", "streamsProperties": {}}
    with orders.http.stream("POST", "/query", json=request) as answer:
        next(answer.iter_lines())
        assert orders.engine.push_queries
    orders.world.cluster.wait_for(lambda: not orders.engine.push_queries)


def test_closing_an_unknown_query(orders):
    answer = orders.post("/close-query", {"queryId": "nope"})
    assert (answer.status_code, answer.json()["message"]) == (400, "No query with id nope")


def test_an_idle_push_query_sends_empty_lines_that_json_readers_skip(orders):
    request = {"ksql": "SELECT ID FROM ORDERS EMIT CHANGES LIMIT 3;"}
    request["streamsProperties"] = {"auto.offset.reset": "earliest"}
    received = b""
    with orders.http.stream("POST", "/query", json=request, headers={"Accept": V1}) as answer:
        for chunk in answer.iter_raw():
            received += chunk
            if chunk == b"\n":
                orders.world.send("orders", {"AMOUNT": 1}, "o3")
    rows = json.loads(received)
    assert [row["row"]["columns"] for row in rows if "row" in row] == [["o1"], ["o2"], ["o3"]]
    assert received.endswith(b"]\n")


def test_a_push_query_can_be_terminated_by_a_statement(orders):
    request = {"sql": "SELECT ID FROM ORDERS EMIT CHANGES;", "properties": {}}
    with orders.http.stream("POST", "/query-stream", json=request, headers={"Accept": DELIMITED}) as answer:
        lines = answer.iter_lines()
        query_id = json.loads(next(lines))["queryId"]
        assert orders.run(f"TERMINATE {query_id};") == [
            {
                "@type": "terminate_query",
                "statementText": f"TERMINATE {query_id};",
                "queryId": query_id,
                "wasTerminated": True,
                "warnings": [],
            }
        ]
        assert list(lines) == []
    orders.world.cluster.wait_for(lambda: not orders.engine.push_queries)
    assert orders.refused(f"TERMINATE {query_id};")["message"] == f"Unknown queryId: {query_id}"


@pytest.mark.parametrize("path", ["/ksql", "/query"])
def test_a_request_waits_for_the_command_that_it_names(orders, path):
    orders.engine.parts.properties["ksql.server.command.response.timeout.ms"] = "50"
    statement = "SHOW STREAMS;" if path == "/ksql" else "SELECT * FROM STATS WHERE ID = 'o1';"
    last = orders.engine.last_command

    def answer(number):
        return orders.post(path, {"ksql": statement, "commandSequenceNumber": number})

    assert answer(last).status_code == 200
    assert answer(-1).status_code == 200
    assert answer(None).status_code == 200
    late = answer(last + 1)
    assert (late.status_code, late.json()["error_code"]) == (503, 50301)
    assert late.json()["message"].endswith(f"command sequence number: {last + 1}")
    assert answer("soon").status_code == 400


def test_a_request_continues_once_the_command_is_carried_out(orders):
    following = orders.engine.last_command + 1
    body = {"ksql": "DESCRIBE LATER;", "commandSequenceNumber": following}
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(httpx.post, f"{orders.http.base_url}/ksql", json=body, timeout=10)
        orders.run("CREATE STREAM LATER AS SELECT * FROM ORDERS;")
        assert waiting.result(10).status_code == 200


def test_print(orders):
    answer = orders.query("PRINT 'orders' FROM BEGINNING LIMIT 2;")
    lines = [line for line in answer.text.splitlines() if line]
    assert lines[:2] == ["Key format: KAFKA_STRING", "Value format: JSON or KAFKA_STRING"]
    assert lines[2] == (
        "rowtime: 1970/01/01 00:00:01.000 Z, key: o1, "
        'value: {"AMOUNT": 1.5, "PRICE": 12.5, "TS": 1000, "TAGS": ["a"]}, partition: 0'
    )
    assert len(lines) == 4


def test_print_every_second_record(orders):
    answer = orders.query("PRINT 'orders' FROM BEGINNING INTERVAL 2 LIMIT 1;")
    assert "key: o1" in answer.text
    assert "key: o2" not in answer.text


def test_print_with_a_negative_limit_is_refused(orders):
    answer = orders.query("PRINT 'orders' FROM BEGINNING LIMIT -1;")
    assert answer.status_code == 400
    assert answer.json()["message"] == "LIMIT must not be negative, but is -1."


def test_print_of_a_topic_that_is_not_there(orders):
    assert "Could not find topic 'nope'" in orders.query("PRINT 'nope';").json()["message"]


def test_http2_by_prior_knowledge(orders):
    with httpx.Client(base_url=orders.http.base_url, http1=False, http2=True, verify=False, timeout=10) as client:
        answer = client.post(
            "/query-stream",
            json={"sql": PUSH, "properties": {"auto.offset.reset": "earliest"}},
            headers={"Accept": DELIMITED},
        )
    assert answer.http_version == "HTTP/2"
    assert answer.text.splitlines()[1] == ROW
