"""/inserts-stream over HTTP/2."""

import json

import httpx
import pytest

JSON, DELIMITED = "application/json", "application/vnd.ksqlapi.delimited.v1"


@pytest.fixture
def client(orders):
    with httpx.Client(base_url=orders.http.base_url, http1=False, http2=True, verify=False, timeout=10) as made:
        yield made


def sent(client, *lines, accept=DELIMITED):
    body = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    return client.post("/inserts-stream", content=body, headers={"Accept": accept})


def test_rows_are_written_and_acknowledged_in_order(orders, client):
    rows = [
        {"ID": f"n{number}", "AMOUNT": number, "PRICE": "1.00", "TS": "1970-01-01T00:00:00.007"} for number in range(3)
    ]
    answer = sent(client, {"target": "ORDERS"}, *rows)
    assert (answer.status_code, answer.headers["content-type"]) == (200, DELIMITED)
    assert answer.text == "".join(f'{{"seq":{number},"status":"ok"}}\n' for number in range(3))
    assert orders.world.values("orders")[-1] == {"AMOUNT": 2.0, "PRICE": 1.0, "TS": 7, "TAGS": None}


def test_acknowledgements_as_an_array(client):
    answer = sent(client, {"target": "ORDERS"}, {"ID": "x"}, {"ID": "y"}, accept=JSON)
    assert answer.text == '[{"seq":0,"status":"ok"},{"seq":1,"status":"ok"}]'


def test_a_bad_row_is_told_and_those_before_it_are_written(orders, client):
    answer = sent(
        client, {"target": "ORDERS"}, {"ID": "y", "AMOUNT": 1}, {"ID": "x", "NOPE": 1}, {"ID": "z", "AMOUNT": "a"}
    )
    assert json.loads(answer.text.splitlines()[-1]) == {
        "@type": "InsertError",
        "status": "error",
        "seq": 2,
        "message": "Can't coerce a field of type class java.lang.String into type DOUBLE",
        "error_code": 40000,
    }
    orders.world.cluster.wait_for(lambda: len(orders.world.values("orders")) == 4)


@pytest.mark.parametrize("row", ["not json", "[1]"])
def test_a_row_that_is_no_object(client, row):
    answer = sent(client, {"target": "ORDERS"}, row)
    assert json.loads(answer.text)["status"] == "error"


def test_an_unknown_target(client):
    answer = sent(client, {"target": "NOPE"}, {"ID": "x"})
    assert answer.status_code == 400
    assert answer.json() == {
        "@type": "generic_error",
        "error_code": 40001,
        "message": "Cannot insert values into an unknown stream/table: `NOPE`",
    }


def test_acknowledgements_come_while_rows_are_still_sent(orders, client):
    def rows():
        yield b'{"target":"ORDERS"}\n{"ID":"first"}\n'
        orders.world.cluster.wait_for(lambda: len(orders.world.values("orders")) == 3)
        yield b'{"ID":"sec'
        yield b'ond"}'

    answer = client.post("/inserts-stream", content=rows(), headers={"Accept": DELIMITED})
    assert answer.text == '{"seq":0,"status":"ok"}\n{"seq":1,"status":"ok"}\n'


def test_http1_is_refused(orders):
    answer = sent(orders.http, {"target": "ORDERS"}, {"ID": "x"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, 40004)
