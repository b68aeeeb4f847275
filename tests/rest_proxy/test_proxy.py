"""The REST proxy over librdkafka's mock of a cluster: what a client of Confluent's gets from it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from bifrost.errors import SettingError, Unreachable
from bifrost.rest_proxy.app import allowed_origins
from bifrost.rest_proxy.consumer_instances import IDLE_TIMEOUT_S
from bifrost.rest_proxy.formats import Schemas
from bifrost.settings import Settings
from tests.rest_proxy.conftest import AVRO, BINARY, DEADLINE_S, JSON, OPTIONAL, PLAIN, USER, Proxy, serving


def test_the_documents_two_avro_records_go_in_and_come_out(fresh_proxy: Proxy, topic: str):
    proxy = fresh_proxy
    records = [{"value": {"username": "testUser"}}, {"value": {"username": "testUser2"}}]
    answer = proxy.produce(topic, AVRO, value_schema=json.dumps(USER), records=records)

    assert answer.status_code == 200
    assert (
        answer.json()
        == {
            "key_schema_id": None,
            "value_schema_id": 1,
            "offsets": [
                {"partition": answer.json()["offsets"][0]["partition"], "offset": 0, "error_code": None, "error": None},
                {"partition": answer.json()["offsets"][1]["partition"], "offset": 1, "error_code": None, "error": None},
            ],
        }
        or len({place["partition"] for place in answer.json()["offsets"]}) > 1
    )
    again = proxy.produce(topic, AVRO, value_schema_id=1, records=records)
    assert again.json()["value_schema_id"] == 1

    made = proxy.post("/consumers/my_avro_consumer", {"format": "avro", "auto.offset.reset": "smallest"})
    path = "/consumers/my_avro_consumer/instances/rest-consumer-1"
    assert made.json() == {"instance_id": "rest-consumer-1", "base_uri": f"{proxy.http.base_url}{path}"}
    found: list[dict[str, Any]] = []
    end = time.monotonic() + DEADLINE_S
    while len(found) < 4 and time.monotonic() < end:
        found += proxy.http.get(f"{path}/topics/{topic}").json()
    assert [record["value"]["username"] for record in found].count("testUser2") == 2
    assert found[0].keys() == {"key", "value", "partition", "offset"}
    assert proxy.http.delete(path).status_code == 204
    assert proxy.http.delete(path).json() == {"error_code": 40403, "message": "Consumer instance not found."}


def test_json_with_keys_partitions_and_timestamps(proxy: Proxy, topic: str):
    record = {"key": "k", "value": {"stars": 5, "message": "grüße ✈"}, "partition": 0, "timestamp": 1_600_000_000_000}
    assert proxy.produce(topic, records=[record]).json()["offsets"][0]["partition"] == 0
    path = proxy.reader("g-json", topic, "json")

    (found,) = proxy.read(path, JSON)
    assert found == {"topic": topic, "key": "k", "value": record["value"], "partition": 0, "offset": 0}


def test_binary_is_base64(proxy: Proxy, topic: str):
    value = base64.b64encode(b"\x00\xff").decode()
    assert proxy.produce(topic, BINARY, records=[{"value": value}]).status_code == 200

    (found,) = proxy.read(proxy.reader("g-binary", topic, "binary"), BINARY)
    assert (found["key"], found["value"]) == (None, value)


def test_a_group_continues_at_its_committed_offset(proxy: Proxy, topic: str):
    proxy.produce(topic, records=[{"value": number, "partition": 0} for number in range(4)])
    first = proxy.reader("g-commit", topic, "json", **{"auto.commit.enable": "false"})
    assert len(proxy.read(first, JSON, 4)) == 4
    places = [{"topic": topic, "partition": 0, "offset": 1}]
    assert proxy.post(f"{first}/offsets", {"offsets": places}).status_code == 200
    proxy.http.delete(first)

    second = proxy.reader("g-commit", topic, "json")
    assert [record["value"] for record in proxy.read(second, JSON, 2)] == [2, 3]
    assert proxy.http.post(f"{second}/offsets").status_code == 200
    asked = {"partitions": [{"topic": topic, "partition": 0}]}
    answer = proxy.http.request("GET", f"{second}/offsets", content=json.dumps(asked), headers={"Content-Type": PLAIN})
    assert answer.json() == {"offsets": [{"topic": topic, "partition": 0, "offset": 4, "metadata": ""}]}


@pytest.mark.parametrize(
    ("media", "body", "status", "code", "message"),
    [
        (JSON, "{", 400, 400, "Bad Request"),
        (JSON, "[" * 100_000, 400, 400, "Bad Request"),
        ("text/plain", "{}", 415, 415, "Unsupported Media Type"),
        (JSON, "[]", 422, 422, "the request must be a JSON object"),
        (JSON, "{}", 422, 422, "records must be a list"),
        (JSON, '{"records": [1]}', 422, 422, "a record must be a JSON object"),
        (JSON, '{"records": [{"valeu": 1}]}', 422, 422, "Unrecognized field: valeu"),
        (JSON, '{"records": [{"value": 1, "partition": 99}]}', 404, 40402, "Partition not found."),
        (JSON, '{"records": [{"value": 1, "partition": "0"}]}', 422, 422, "partition must be an integer"),
        (BINARY, '{"records": [{"value": "*"}]}', 422, 422, "not base64"),
        (BINARY, '{"records": [{"value": 7}]}', 422, 422, "base64"),
        (AVRO, '{"records": [{"value": {}}]}', 422, 42202, "does not include value schema"),
        (
            AVRO,
            '{"value_schema_id": 4711, "records": [{"value": {}}]}',
            408,
            40801,
            "Schema registration or lookup failed",
        ),
        (AVRO, '{"value_schema": "{", "records": [{"value": {}}]}', 408, 40801, "Schema registration or lookup failed"),
        (AVRO, '{"value_schema": {"type": "int"}, "records": [{"value": 1}]}', 408, 40801, "a schema must be a string"),
        (AVRO, '{"value_schema": "{\\"type\\": \\"rec\\"}", "records": [{"value": 1}]}', 408, 40801, "unknown type"),
        (
            AVRO,
            '{"value_schema": "{\\"type\\": \\"record\\"}", "records": [{"value": 1}]}',
            408,
            40801,
            "required field",
        ),
        (AVRO, '{"value_schema": "5", "records": [{"value": 1}]}', 408, 40801, "not an Avro schema"),
        (AVRO, '{"value_schema_id": "x", "records": [{"value": 1}]}', 408, 40801, "a schema id must be an integer"),
        (AVRO, '{"value_schema_id": true, "records": [{"value": 1}]}', 408, 40801, "a schema id must be an integer"),
        (JSON, '{"records": [{"value": 1, "timestamp": "now"}]}', 422, 422, "timestamp must be an integer"),
        (JSON, '{"records": [{"value": 1, "timestamp": 99999999999999999999}]}', 422, 422, "timestamp"),
        (JSON, '{"records": [{"value": 1, "timestamp": -5}]}', 422, 422, "timestamp"),
        (JSON, '{"records": [{"value": 1, "partition": -1}]}', 404, 40402, "Partition not found."),
        (JSON, '{"records": [{"value": 1, "partition": 99999999999999999999}]}', 404, 40402, "Partition not found."),
        (JSON, '{"records": [{"value": "\\ud800"}]}', 400, 400, "not valid Unicode"),
        (JSON, '{"records": {}}', 422, 422, "records must be a list"),
        (JSON, "null", 422, 422, "the request must be a JSON object"),
        (JSON, "", 400, 400, "empty"),
        (BINARY, '{"records": [{"value": "AA="}]}', 422, 422, "not base64"),
        (BINARY, '{"records": [{"value": "é"}]}', 422, 422, "not base64"),
    ],
)
def test_errors_are_answered_as_json(
    proxy: Proxy, topic: str, media: str, body: str, status: int, code: int, message: str
):
    answer = proxy.http.post(f"/topics/{topic}", content=body, headers={"Content-Type": media})

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert message in answer.json()["message"]


@pytest.mark.parametrize("value", [{}, {"username": 7}, {"username": None}, "text", None, []])
def test_json_that_does_not_fit_its_avro_schema_is_refused(proxy: Proxy, topic: str, value: Any):
    records = [{"value": {"username": "fits"}}, {"value": value}]
    answer = proxy.produce(topic, AVRO, value_schema=json.dumps(USER), records=records)

    assert (answer.status_code, answer.json()["error_code"]) == (422, 42203)
    assert answer.json()["message"].startswith("Conversion of JSON to Avro failed: ")


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int", 2**31), ("int", 1.5), ("int", True), ("int", "1"), ("long", 2**63), ("boolean", 1), ("double", "1")],
)
def test_a_number_must_be_in_the_range_of_its_type(proxy: Proxy, topic: str, kind: str, value: Any):
    answer = proxy.produce(topic, AVRO, value_schema=json.dumps(kind), records=[{"value": value}])

    assert (answer.status_code, answer.json()["error_code"]) == (422, 42203)
    assert kind in answer.json()["message"]


def test_a_union_names_its_branch(proxy: Proxy, topic: str):
    records = [{"value": {"a": {"string": "x"}}, "partition": 0}, {"value": {"a": None}, "partition": 0}]
    assert proxy.produce(topic, AVRO, value_schema=json.dumps(OPTIONAL), records=records).status_code == 200

    found = proxy.read(proxy.reader("g-union", topic, "avro"), AVRO, 2)
    assert [record["value"] for record in found] == [{"a": {"string": "x"}}, {"a": None}]


BIG = 12345678901234567890123


def test_integers_beyond_64_bits_keep_their_digits(proxy: Proxy, topic: str):
    body = f'{{"records": [{{"value": {{"card": {BIG}, "pi": 3.5}}, "key": [-{BIG}]}}]}}'
    assert proxy.http.post(f"/topics/{topic}", content=body, headers={"Content-Type": JSON}).status_code == 200

    path = proxy.reader("g-big", topic, "json")
    answer = proxy.http.get(f"{path}/records?timeout=5000", headers={"Accept": JSON})
    assert f'"card":{BIG}' in answer.text and f"[-{BIG}]" in answer.text


@pytest.mark.parametrize("number", ["1e400", "-1e999"])
def test_a_number_that_no_double_holds_is_refused_and_not_written_as_null(proxy: Proxy, topic: str, number: str):
    body = f'{{"records": [{{"value": {number}}}]}}'
    answer = proxy.http.post(f"/topics/{topic}", content=body, headers={"Content-Type": JSON})

    assert (answer.status_code, answer.json()["error_code"]) == (400, 400)
    assert "a number is too large" in answer.json()["message"]


DEFAULTED = {"type": "record", "name": "D", "fields": [{"name": "color", "type": "string", "default": "red"}]}


def test_a_misspelt_field_is_refused_although_the_field_has_a_default(proxy: Proxy, topic: str):
    answer = proxy.produce(topic, AVRO, value_schema=json.dumps(DEFAULTED), records=[{"value": {"colour": "blue"}}])

    assert (answer.status_code, answer.json()["error_code"]) == (422, 42203)
    expected = "Conversion of JSON to Avro failed: colour: D has no such field; did you mean color?"
    assert answer.json()["message"] == expected


def test_an_avro_value_is_read_as_it_was_sent(proxy: Proxy, topic: str):
    union = ["null", "int", "long", {"type": "map", "values": ["null", "float"]}]
    values = [{"long": 5}, {"int": 5}, None, {"map": {"a": {"float": "NaN"}, "b": None}}]
    records = [{"value": value, "partition": 0} for value in values]
    assert proxy.produce(topic, AVRO, value_schema=json.dumps(union), records=records).status_code == 200

    found = proxy.read(proxy.reader("g-exact", topic, "avro"), AVRO, 4)
    assert [record["value"] for record in found] == values


def test_records_of_a_registry_that_does_not_answer_are_not_skipped(
    proxy: Proxy, topic: str, monkeypatch: pytest.MonkeyPatch
):
    proxy.produce(topic, AVRO, value_schema='"int"', records=[{"value": 1, "partition": 0}])
    path = proxy.assigned("g-away", (topic, 0), format="avro")
    with monkeypatch.context() as patched:
        patched.setattr(Schemas, "read", _unreachable)
        answers = [proxy.http.get(f"{path}/records?timeout=5000", headers={"Accept": AVRO}) for _ in range(2)]
    assert [answer.json()["error_code"] for answer in answers] == [50003, 50003]

    assert [record["value"] for record in proxy.read(path, AVRO, 1)] == [1]


def _unreachable(_schemas: Schemas, _data: bytes) -> Any:
    raise Unreachable("Schema Registry", "schema", "no answer")


def test_records_in_another_format_than_the_consumers_are_reported(proxy: Proxy, topic: str):
    proxy.produce(topic, BINARY, records=[{"value": base64.b64encode(b"{").decode()}])
    path = proxy.reader("g-wrong", topic, "json")
    end = time.monotonic() + DEADLINE_S
    answer = proxy.http.get(f"{path}/records", headers={"Accept": JSON})
    while answer.status_code == 200 and time.monotonic() < end:
        answer = proxy.http.get(f"{path}/records", headers={"Accept": JSON})

    assert (answer.status_code, answer.json()["error_code"]) == (500, 50002)
    assert "is not json" in answer.json()["message"]


def test_instances_have_one_format_and_one_name(proxy: Proxy, topic: str):
    assert proxy.post("/consumers/g", {"name": "one", "format": "json"}).status_code == 200
    path = "/consumers/g/instances/one"

    assert proxy.post("/consumers/g", {"name": "one", "format": "json"}).json()["error_code"] == 40902
    assert proxy.http.get(f"{path}/records", headers={"Accept": AVRO}).json()["error_code"] == 40601
    assert proxy.http.get(f"{path}/records", headers={"Accept": "text/html"}).status_code == 406
    assert "not subscribed" in proxy.http.get(f"{path}/records", headers={"Accept": JSON}).json()["message"]
    assert proxy.post(f"{path}/subscription", {"topics": topic}).status_code == 422
    proxy.post(f"{path}/subscription", {"topics": [topic]})
    assert proxy.http.get(f"{path}/subscription").json() == {"topics": [topic]}
    assert proxy.http.delete(f"{path}/subscription").status_code == 204
    assert proxy.http.get(f"{path}/subscription").json() == {"topics": []}


@pytest.mark.parametrize(
    "body", [{"format": "xml"}, {"auto.offset.reset": "none"}, {"format": ["json"]}, {"surprise": 1}, []]
)
def test_a_consumer_that_makes_no_sense_is_refused(proxy: Proxy, body: Any):
    assert proxy.post("/consumers/g", body).status_code == 422


def test_a_consumer_that_never_comes_back_is_closed(proxy: Proxy, topic: str):
    lost, kept = proxy.reader("g-lost", topic, "json"), proxy.reader("g-kept", topic, "json")
    proxy.clock.now = IDLE_TIMEOUT_S
    proxy.http.get(f"{kept}/subscription")
    proxy.clock.now = IDLE_TIMEOUT_S + 1
    proxy.instances.close_idle()

    assert proxy.http.get(f"{lost}/subscription").json()["error_code"] == 40403
    assert proxy.http.get(f"{kept}/subscription").status_code == 200


def test_topics_are_described(proxy: Proxy, topic: str):
    assert topic in proxy.http.get("/topics").json()
    partition = {"partition": 0, "leader": 1, "replicas": [{"broker": 1, "leader": True, "in_sync": True}]}
    assert proxy.http.get(f"/topics/{topic}/partitions").json()[0] == partition
    assert proxy.http.get(f"/topics/{topic}/partitions/0").json() == partition
    assert proxy.http.get(f"/topics/{topic}/partitions/99").json()["error_code"] == 40402
    assert proxy.http.get(f"/topics/{topic}/partitions/0/offsets").json() == {"beginning_offset": 0, "end_offset": 0}
    assert proxy.http.get(f"/topics/{topic}/partitions/99/offsets").json()["error_code"] == 40402
    assert proxy.http.get("/brokers").json() == {"brokers": [1]}
    assert proxy.http.get("/nowhere").json() == {"error_code": 404, "message": "HTTP 404 Not Found"}
    assert proxy.http.get("/").json() == {}


def test_an_answer_is_in_the_json_that_was_asked_for(proxy: Proxy):
    for media in (JSON, PLAIN, "application/vnd.kafka.v1+json"):
        assert proxy.http.get("/topics", headers={"Accept": media}).headers["content-type"] == media


def test_a_request_that_is_too_large_is_refused(proxy: Proxy, topic: str):
    body = json.dumps({"records": [{"value": "x" * (17 * 1024 * 1024)}]})
    answer = proxy.http.post(f"/topics/{topic}", content=body, headers={"Content-Type": JSON})

    assert (answer.status_code, answer.json()["error_code"]) == (413, 413)
    assert "send fewer records" in answer.json()["message"]


def test_a_record_that_kafka_refuses_is_reported_beside_the_others(proxy: Proxy, topic: str):
    records = [{"value": "fits"}, {"value": "x" * 1_100_000}]
    answer = proxy.produce(topic, records=records)

    good, bad = answer.json()["offsets"]
    assert (answer.status_code, good["error_code"]) == (200, None)
    assert (bad["offset"], bad["error_code"]) == (None, 50002)
    assert "too large" in bad["error"].lower()


def test_a_request_without_a_type_is_refused(proxy: Proxy, topic: str):
    # A page of another origin could send it unasked.
    answer = proxy.http.post(f"/topics/{topic}", content=b'{"records": [{"value": "MQ=="}]}')

    assert (answer.status_code, answer.json()["error_code"]) == (415, 415)


PAGE = "https://shop.example"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


def test_pages_of_other_origins_are_kept_out(proxy: Proxy, topic: str):
    answer = proxy.http.options(f"/topics/{topic}", headers=PREFLIGHT)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    refused = proxy.http.get("/topics", headers={"Origin": PAGE})
    assert (refused.status_code, refused.json()["error_code"]) == (403, 403)
    assert PAGE in refused.json()["message"]
    assert "access-control-allow-origin" not in refused.headers
    assert proxy.http.get("/topics").status_code == 200


def test_another_hosts_name_is_kept_out_even_where_all_origins_are_allowed(cluster: dict[str, str]):
    with serving(cluster, "*") as proxy:
        assert proxy.http.get("/topics", headers={"Host": "rebound.example"}).status_code == 403
        assert proxy.http.get("/topics", headers={"Origin": PAGE}).status_code == 200


def test_pages_of_an_allowed_origin_may_post(cluster: dict[str, str]):
    with serving(cluster, PAGE) as proxy:
        answer = proxy.http.options("/topics/any", headers=PREFLIGHT)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
        assert "content-type" in answer.headers["access-control-allow-headers"].lower()
        assert proxy.http.options("/topics/any", headers={**PREFLIGHT, "Origin": "https://evil.example"}).is_error
        assert proxy.http.get("/nowhere", headers={"Origin": PAGE}).headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize(
    ("text", "origins"),
    [("", ()), ("*", ("*",)), ("https://a.example, http://b:8080", ("https://a.example", "http://b:8080"))],
)
def test_origins_are_a_setting(text: str, origins: tuple[str, ...]):
    assert allowed_origins(Settings({"REST_PROXY_ALLOW_ORIGIN": text})) == origins


@pytest.mark.parametrize("text", ["shop.example", "https://", "https://a.example/path", "ftp://a"])
def test_an_invalid_origin_is_refused(text: str):
    with pytest.raises(SettingError, match="is not an origin; use https"):
        allowed_origins(Settings({"REST_PROXY_ALLOW_ORIGIN": text}))
