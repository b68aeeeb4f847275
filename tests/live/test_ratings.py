"""The ratings pipeline from a database row and a rating to Slack's request, on real parts."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from bifrost.clients import ksqldb
from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually

PLATINUM, BRONZE = 13, 1
TEXT = (
    "`{email}` just left a bad review :disappointed:\n> {message}\n\n"
    "_Please contact them immediately and see if we can fix the issue *right here, right now*_"
)


class WebApp:
    """Sends ratings as any Kafka client would, with confluent-kafka's own Avro."""

    def __init__(self, endpoints: dict[str, str]) -> None:
        self._registry = SchemaRegistryClient({"url": endpoints["schema_registry"]})
        schema = self._registry.get_latest_version("ratings-value").schema
        self._avro = AvroSerializer(self._registry, schema, conf={"auto.register.schemas": False})
        self._producer = Producer({"bootstrap.servers": endpoints["kafka"]})

    def rate(self, user_id: int, stars: int, message: str) -> None:
        now = int(time.time() * 1000)
        rating = {
            "rating_id": now,
            "user_id": user_id,
            "stars": stars,
            "route_id": 1,
            "rating_time": now,
            "channel": "web",
            "message": message,
        }
        context = SerializationContext("ratings", MessageField.VALUE)
        self.send(self._avro(rating, context))

    def send(self, value: bytes) -> None:
        self._producer.produce("ratings", value)
        assert self._producer.flush(SOON_S) == 0

    def close(self) -> None:
        self._registry.__exit__(None, None, None)


@pytest.fixture
def app(platform: Platform) -> Iterator[WebApp]:
    with closing(WebApp(platform.endpoints)) as found:
        yield found


@pytest.fixture
def customers(platform: Platform) -> Iterator[pymysql.cursors.Cursor]:
    with platform.mysql() as database, database.cursor() as cursor:
        yield cursor


def messages(platform: Platform) -> list[dict[str, Any]]:
    answer = requests.get(f"{platform.endpoints['console']}/api/messages", timeout=10)
    return list(answer.json())


def texts_about(platform: Platform, marker: str) -> list[str]:
    return [message["text"] for message in messages(platform) if marker in message["text"]]


def fresh() -> str:
    return uuid.uuid4().hex


@pytest.mark.far_end("mysql", "inbox")
@pytest.mark.far_end("inbox")
@pytest.mark.far_end("inbox")
def test_a_platinum_customer_with_two_stars_is_told_with_the_exact_text(platform: Platform, app: WebApp) -> None:
    marker = f"{fresh()} <b>&c"
    app.rate(PLATINUM, 2, marker)
    shown = marker.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    eventually(lambda: bool(texts_about(platform, shown)), "the alert")
    (message,) = [message for message in messages(platform) if shown in message["text"]]
    assert message["text"] == TEXT.format(email="ltoopinc@icio.us", message=shown)
    assert message["channel"] == "unhappy-customers"
    assert message["username"] == "KSQL Notifications"
    assert message["icon_emoji"] == ":rocket:"


def test_three_stars_and_other_customers_are_not_told(platform: Platform, app: WebApp) -> None:
    marker = fresh()
    app.rate(PLATINUM, 3, f"{marker} three stars")
    app.rate(BRONZE, 1, f"{marker} bronze")
    app.rate(0, 1, f"{marker} nobody")
    app.rate(PLATINUM, 1, f"{marker} last")
    eventually(lambda: bool(texts_about(platform, f"{marker} last")), "the alert behind them")
    assert len(texts_about(platform, marker)) == 1


def test_a_change_in_the_database_reaches_the_next_rating(
    platform: Platform, app: WebApp, customers: pymysql.cursors.Cursor
) -> None:
    marker, mail = fresh(), f"{fresh()}@example.com"
    customers.execute("UPDATE CUSTOMERS SET club_status='platinum', email=%s WHERE id=2", (mail,))

    def delivered() -> bool:
        app.rate(2, 1, marker)
        return any(mail in text for text in texts_about(platform, marker))

    eventually(delivered, "an alert with the new e-mail")


@pytest.mark.far_end("mysql", "inbox")
def test_a_deleted_customer_is_not_told_any_more(
    platform: Platform, app: WebApp, customers: pymysql.cursors.Cursor
) -> None:
    ident, mail = 1000, f"{fresh()}@example.com"
    customers.execute(
        "INSERT INTO CUSTOMERS (id, first_name, last_name, email, gender, club_status, comments) "
        "VALUES (%s, 'A', 'B', %s, 'Female', 'platinum', 'c')",
        (ident, mail),
    )
    before = fresh()

    def delivered() -> bool:
        app.rate(ident, 1, before)
        return bool(texts_about(platform, before))

    eventually(delivered, "an alert about the new customer")
    customers.execute("DELETE FROM CUSTOMERS WHERE id=%s", (ident,))
    eventually(lambda: last_value_of_key(platform, b"1000") is None, "the tombstone on the rekeyed topic")
    after = fresh()
    app.rate(ident, 1, f"{after} deleted")
    app.rate(PLATINUM, 1, f"{after} last")
    eventually(lambda: bool(texts_about(platform, f"{after} last")), "the alert behind it")
    assert texts_about(platform, f"{after} deleted") == []


def last_value_of_key(platform: Platform, key: bytes) -> bytes | None:
    """The newest value of a key on CUSTOMERS_SRC_REKEY; the key must be there."""
    config = {"bootstrap.servers": platform.endpoints["kafka"], "group.id": fresh()}
    with closing(Consumer(config)) as consumer:
        place = TopicPartition("CUSTOMERS_SRC_REKEY", 0, 0)
        end = consumer.get_watermark_offsets(place, timeout=10)[1]
        consumer.assign([place])
        found: bytes | None = b""
        position = 0
        while position < end:
            message = consumer.poll(10)
            assert message is not None and message.error() is None
            position = (message.offset() or 0) + 1
            if message.key() == key:
                found = message.value()
        assert found != b""
        return found


def test_what_is_not_a_rating_goes_to_the_processing_log_and_the_query_goes_on(platform: Platform, app: WebApp) -> None:
    marker = fresh()
    app.send(b"not avro at all")
    app.send(b"\x00\x7f\xff\xff\xffunknown schema")
    app.rate(PLATINUM, 1, marker)
    eventually(lambda: bool(texts_about(platform, marker)), "the alert behind the bad records")
    described = statement(platform, "DESCRIBE RATINGS EXTENDED;")
    assert "failed-messages" in json.dumps(described)


@pytest.mark.far_end()
def test_a_pull_and_a_push_query_answer(platform: Platform, app: WebApp) -> None:
    marker = fresh()
    app.rate(PLATINUM, 1, marker)
    body = {
        "sql": f"SELECT EMAIL, STARS FROM RATINGS_ENRICHED WHERE MESSAGE = '{marker}' EMIT CHANGES LIMIT 1;",
        "properties": {"auto.offset.reset": "earliest"},
    }
    answer = requests.post(f"{platform.endpoints['ksqldb']}/query-stream", json=body, timeout=SOON_S)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["columnNames"] == ["EMAIL", "STARS"]
    assert lines[1] == ["ltoopinc@icio.us", 1]


def test_slack_that_asks_for_patience_gets_it(platform: Platform, app: WebApp) -> None:
    marker = fresh()
    fault = {"method": "chat.postMessage", "status": 429, "retry_after": 1, "count": 2}
    requests.post(f"{platform.endpoints['console']}/api/faults", json=fault, timeout=10).raise_for_status()
    for index in range(5):
        app.rate(PLATINUM, 1, f"{marker}-{index}-")
    eventually(lambda: len(texts_about(platform, marker)) == 5, "all five alerts")
    order = [text.split(f"{marker}-")[1][0] for text in texts_about(platform, marker)]
    assert order == ["0", "1", "2", "3", "4"]


def test_a_second_up_writes_nothing(platform: Platform) -> None:
    done = platform.run("up", "--no-demo", "--json")
    assert json.loads(done.stdout)["writes"] == 0
    assert platform.run("plan").returncode == 0


def test_plan_names_exactly_what_was_altered_by_hand(platform: Platform) -> None:
    connect = platform.endpoints["connect"]
    requests.put(f"{connect}/connectors/mysql-demo-customers/pause", timeout=10).raise_for_status()
    name = "mysql-demo-customers"

    def changes() -> list[dict[str, Any]]:
        done = platform.run("plan", "--json", check=False)
        return [action for action in json.loads(done.stdout)["actions"] if action["action"] != "keep"]

    eventually(lambda: [action["name"] for action in changes()] == [name], "plan names the paused connector")
    platform.run("up", "--no-demo")
    assert changes() == []


@pytest.mark.far_end()
def test_statements_of_the_pipeline_run(platform: Platform) -> None:
    (queries,) = statement(platform, "SHOW QUERIES;")
    sinks = {sink for query in queries["queries"] for sink in query["sinkKafkaTopics"]}
    assert {"CUSTOMERS_SRC_REKEY", "ratings-with-customer-data", "UNHAPPY_PLATINUM_CUSTOMERS"} <= sinks


def statement(platform: Platform, text: str) -> list[dict[str, Any]]:
    answer = requests.post(f"{platform.endpoints['ksqldb']}/ksql", json={"ksql": text}, timeout=SOON_S)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


@pytest.mark.far_end()
def test_the_typed_client_reads_its_rows(platform: Platform) -> None:
    with ksqldb.from_settings(platform.settings) as client:
        assert client.info().status == "RUNNING"
