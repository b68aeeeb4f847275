import json
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import BUSY, KsqlClient, quote_name, quote_text
from bifrost.errors import NotReady, Refused, Unreachable
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, Fault, running

HEADER = b'{"queryId":"transient_1","columnNames":["ID","N"],"columnTypes":["STRING","BIGINT"]}\n'


@pytest.fixture
def server():
    with running(FakeServer(lambda request: Answer(200, []))) as fake:
        yield fake


@pytest.fixture
def client(server):
    with KsqlClient(Connection("ksqlDB", server.url, busy=BUSY, clock=FakeClock())) as found:
        yield found


def command(status: str, message: str = "", sequence: int = 7) -> dict:
    return {
        "@type": "currentStatus",
        "statementText": "CREATE STREAM X;",
        "commandId": "stream/`X`/create",
        "commandStatus": {"status": status, "message": message, "queryId": "CSAS_X_1"},
        "commandSequenceNumber": sequence,
    }


def test_a_command_is_waited_for_and_its_number_sent_with_the_next(client, server):
    answers = [
        Answer(200, [command("QUEUED")]),
        Answer(200, {"status": "EXECUTING"}),
        Answer(200, {"status": "SUCCESS"}),
    ]
    server.respond = lambda request: answers.pop(0) if answers else Answer(200, [])

    (entity,) = client.execute("CREATE STREAM X;", properties={"auto.offset.reset": "earliest"})
    client.execute("CREATE STREAM Y;")

    assert entity["commandStatus"]["status"] == "SUCCESS"
    first, status, _, following = server.requests
    assert first.body == {"ksql": "CREATE STREAM X;", "streamsProperties": {"auto.offset.reset": "earliest"}}
    assert status.path == "/status/stream/`X`/create"
    assert following.body["commandSequenceNumber"] == 7


def test_a_failed_command_is_refused_with_its_message(client, server):
    server.respond = lambda request: Answer(200, [command("ERROR", "no such topic")])

    with pytest.raises(Refused, match="no such topic"):
        client.execute("CREATE STREAM X;")


def test_a_command_that_never_ends(client, server):
    server.respond = lambda request: Answer(
        200, [command("QUEUED")] if request.method == "POST" else command("QUEUED")["commandStatus"]
    )

    with pytest.raises(NotReady, match="QUEUED after 60 s"):
        client.execute("CREATE STREAM X;")


def test_an_error_is_the_servers_own_message(client, server):
    body = {
        "@type": "statement_error",
        "error_code": 40001,
        "message": "line 1:1: Syntax Error",
        "statementText": "SELEC",
    }
    server.faults.append(Fault("POST", "/ksql", 400, body))

    with pytest.raises(Refused) as caught:
        client.execute("SELEC;")
    assert caught.value.body == "line 1:1: Syntax Error"


def test_a_statement_is_never_sent_twice_when_the_answer_is_lost(client, server):
    server.faults.append(Fault("POST", "/ksql", hang_up=True, carried_out=True))

    with pytest.raises(Unreachable):
        client.execute("CREATE STREAM X;")
    assert len(server.requests) == 1


def test_rows_are_read_across_chunk_borders(client, server):
    chunks = (HEADER[:20], HEADER[20:] + b'["a",', b"1]\n\n[", b'"b",null]\n')
    server.respond = lambda request: Answer(200, chunks=chunks)

    with closing(client.stream("SELECT * FROM X EMIT CHANGES;")) as rows:
        assert (rows.columns, rows.types, rows.query_id) == (("ID", "N"), ("STRING", "BIGINT"), "transient_1")
        assert list(rows) == [["a", 1], ["b", None]]


def test_an_error_in_the_middle_of_a_query(client, server):
    problem = json.dumps({"@type": "generic_error", "error_code": 50000, "message": "broker gone"}).encode()
    server.respond = lambda request: Answer(200, chunks=(HEADER, b'["a",1]\n', problem))

    with closing(client.stream("SELECT * FROM X EMIT CHANGES;")) as rows, pytest.raises(Refused, match="broker gone"):
        list(rows)


def test_pull_gives_dictionaries(client, server):
    server.respond = lambda request: Answer(200, chunks=(HEADER, b'["a",1]\n'))

    assert client.pull("SELECT * FROM X;") == [{"ID": "a", "N": 1}]
    assert server.requests[0].body == {"sql": "SELECT * FROM X;", "properties": {}}


def test_a_refused_query(client, server):
    server.faults.append(Fault("POST", "/query-stream", 400, {"message": "X does not exist."}))

    with pytest.raises(Refused, match=r"400 X does not exist\."):
        client.stream("SELECT * FROM X;")


def test_listings(client, server):
    source = {"name": "X", "type": "STREAM", "topic": "x", "keyFormat": "JSON", "valueFormat": "AVRO"}
    query = {
        "id": "CSAS_Y_1",
        "queryString": "CREATE ...",
        "sinks": ["Y"],
        "state": "RUNNING",
        "queryType": "PERSISTENT",
    }
    pushed = {**query, "id": "transient_9", "queryType": "PUSH"}
    found = {
        "LIST STREAMS;": {"streams": [source]},
        "LIST TABLES;": {"tables": []},
        "LIST QUERIES;": {"queries": [query, pushed]},
    }
    server.respond = lambda request: Answer(200, [found[request.body["ksql"]]])

    assert [stream.topic for stream in client.streams()] == ["x"]
    assert client.tables() == ()
    assert [entry.id for entry in client.queries()] == ["CSAS_Y_1"]


def test_describe_puts_keys_first_and_keeps_the_case_of_names(client, server):
    fields = [{"name": "V", "schema": {"type": "STRING"}}, {"name": "K", "schema": {"type": "INTEGER"}, "type": "KEY"}]
    described = {"name": "x", "type": "TABLE", "topic": "t", "partitions": 2, "statement": "CREATE", "fields": fields}
    server.respond = lambda request: Answer(200, [{"sourceDescription": described}])

    found = client.describe("x")

    assert found.columns == (("K", "INTEGER"), ("V", "STRING"))
    assert server.requests[0].body["ksql"] == "DESCRIBE `x` EXTENDED;"


def test_print_gives_lines(client, server):
    server.respond = lambda request: Answer(200, chunks=(b"Key format: KAFKA\n", b"\n\nrowtime: 1, ", b"key: a\n"))

    assert list(client.print_topic("PRINT 'x';")) == ["Key format: KAFKA", "rowtime: 1, key: a"]


@given(st.text())
def test_quoted_text_cannot_be_left(text):
    inside = quote_text(text)[1:-1]
    assert inside.replace("''", "") == text.replace("'", "")
    assert inside.count("'") == 2 * text.count("'")


def test_quoted_name():
    assert quote_name("a`b") == "`a``b`"


@pytest.mark.parametrize("text", ["<html>", "{", "[1,", "null", "7", '{"a": 1}', "\x00", "[" * 100_000])
def test_a_malformed_result_is_refused(server, client, text):
    server.respond = lambda request: Answer(200, text=text)

    with pytest.raises(Refused, match="ksqlDB: query SELECT 1;"):
        client.stream("SELECT 1;")


def test_rows_that_break_off_are_an_error_after_the_good_ones(server, client):
    header = b'{"queryId":"q","columnNames":["A"],"columnTypes":["INTEGER"]}\n'
    server.respond = lambda request: Answer(chunks=(header, b"[1]\n", b"[2"))
    with closing(client.stream("SELECT * FROM X EMIT CHANGES;")) as rows:
        found = iter(rows)
        assert next(found) == [1]
        with pytest.raises(Refused, match="not JSON"):
            next(found)
