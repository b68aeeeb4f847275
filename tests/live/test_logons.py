"""Order entry live: rows of PostgreSQL, and what becomes of them, computed here a second time."""

import io
import json
import os
import signal
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import fastavro
import psycopg
import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from bifrost.clients import ksqldb
from bifrost.generators.logons import ORDERS, order
from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually, eventually_equal

Row = dict[str, Any]
LONDON = ZoneInfo("Europe/London")
COUNTED, BAD, CHANGED, KILLED, RESTARTED = 1_000, 2_000, 3_000, 4_000, 5_000
"""What the status of a test's orders begins at, so that tests do not count each other's."""
AFTER_KILL_S = 120.0


@pytest.fixture
def database(platform: Platform) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(platform.endpoints["postgres"], autocommit=True) as connection:
        yield connection


def fresh() -> int:
    """An id that nobody else has."""
    return uuid.uuid4().int % 10**15


def documents(platform: Platform, index: str, **query: Any) -> list[Row]:
    """The documents that a query finds, with their ids."""
    body = {"size": 2_000, "query": query, "sort": "_doc"}
    answer = requests.post(f"{platform.endpoints['search']}/{index}/_search", json=body, timeout=10)
    answer.raise_for_status()
    return [{"_id": hit["_id"], **hit["_source"]} for hit in answer.json()["hits"]["hits"]]


def statuses(first: int) -> Row:
    return {"ORDER_STATUS": {"gte": first, "lt": first + 1_000}}


def count_orders(platform: Platform, first: int) -> int:
    return sum(int(found["ORDER_COUNT"]) for found in documents(platform, "orders_agg_hourly", range=statuses(first)))


def add(database: psycopg.Connection[Any], table: str, **row: Any) -> None:
    columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))


def add_order(database: psycopg.Connection[Any], status: int, date: str = "2008-04-21 16:20:00") -> None:
    add(database, "soe.orders", order_id=fresh(), order_date=date, order_status=status, order_total=10)


@pytest.mark.far_end("postgres", "search", "inbox")
def test_a_logon_becomes_a_document_and_an_alert_for_inside_sales(
    platform: Platform, database: psycopg.Connection[Any]
) -> None:
    name = f"hansen{uuid.uuid4().hex[:16]}"
    known = {"cust_first_name": "rick", "cust_last_name": name, "customer_since": "2006-12-16"}
    important, young = fresh(), fresh()
    add(database, "soe.customers", customer_id=important, customer_class="Business", **known)
    recent = {**known, "customer_since": "2025-01-01", "cust_last_name": f"{name}-young"}
    add(database, "soe.customers", customer_id=young, customer_class="Business", **recent)

    def delivered() -> bool:
        for customer in (young, important):
            add(database, "soe.logon", logon_id=fresh(), customer_id=customer, logon_date="2003-07-03 05:53:03")
        return any(f"rick {name}, Business customer for" in text for text in texts(platform))

    eventually(delivered, "the alert")
    years = (datetime.now(UTC) - datetime(2006, 12, 16, tzinfo=UTC)).days / 365
    assert f"rick {name}, Business customer for {years:.1f} years, has just logged on" in texts(platform)
    assert not any(f"{name}-young" in text for text in texts(platform))
    eventually(lambda: bool(named(platform, f"rick {name}")), "its document")
    found = named(platform, f"rick {name}")[0]
    assert found["_id"] == str(found["LOGON_ID"])
    assert found["LOGON_DATE"] == datetime(2003, 7, 3, 5, 53, 3, tzinfo=UTC).timestamp() * 1000
    assert found["CUSTOMER_SINCE_YRS"] == pytest.approx(years, abs=0.01)
    eventually(
        lambda: bool(documents(platform, "logon_enriched_business", term={"C_CUSTOMER_ID": important})),
        "its document among business customers'",
    )


def named(platform: Platform, name: str) -> list[Row]:
    return documents(platform, "logon_enriched", term={"CUST_FULL_NAME.keyword": name})


def texts(platform: Platform) -> list[str]:
    answer = requests.get(f"{platform.endpoints['console']}/api/messages", timeout=10)
    return [message["text"] for message in answer.json()]


@pytest.mark.far_end("postgres", "search")
def test_a_deleted_customer_is_not_known_any_more(platform: Platform, database: psycopg.Connection[Any]) -> None:
    customer = fresh()
    add(
        database, "soe.customers", customer_id=customer, cust_first_name="a", cust_last_name="b", customer_class="Prime"
    )

    def newest_name() -> Any:
        logon = fresh()
        add(database, "soe.logon", logon_id=logon, customer_id=customer, logon_date="2003-07-03 05:53:03")
        found: list[Row] = []

        def is_there() -> bool:
            found[:] = documents(platform, "logon_enriched", term={"LOGON_ID": logon})
            return bool(found)

        eventually(is_there, "the document of a logon")
        return found[0]["CUST_LAST_NAME"]

    eventually(lambda: newest_name() == "b", "a logon of the customer by name")
    database.execute("DELETE FROM soe.customers WHERE customer_id = %s", (customer,))
    eventually(lambda: newest_name() is None, "a logon of nobody")


def test_orders_by_the_hour_are_what_is_computed_here(platform: Platform, database: psycopg.Connection[Any]) -> None:
    random, first_id = Random(7), fresh()
    rows = [order(random, first_id + number) for number in range(500)]
    # The hour that comes twice in autumn: the text does not say which, so it is the first.
    rows += [{**order(random, first_id + 500), "order_date": "2010-10-31 01:30:00"}]
    hours: dict[tuple[int, datetime], list[int]] = defaultdict(list)
    for row in rows:
        row["order_status"] += COUNTED
        local = datetime.fromisoformat(row["order_date"]).replace(tzinfo=LONDON, minute=0, second=0)
        hours[row["order_status"], local].append(row["order_total"])
        add(database, ORDERS, **row)

    wanted = {identity(status, local): summary(totals) for (status, local), totals in hours.items()}

    def found() -> dict[str, tuple[float, ...]]:
        return {
            document["_id"]: tuple(float(document[name]) for name in SUMMED)
            for document in documents(platform, "orders_agg_hourly", range=statuses(COUNTED))
        }

    eventually_equal(found, wanted)
    with ksqldb.from_settings(platform.settings) as client:
        rows_of_table = client.pull(
            f"SELECT STATUS_AND_HOUR, {', '.join(SUMMED)} FROM ORDERS_AGG_HOURLY_WITH_WINDOW "
            f"WHERE ORDER_STATUS >= {COUNTED} AND ORDER_STATUS < {COUNTED + 1_000};"
        )
    assert {row["STATUS_AND_HOUR"]: tuple(float(row[name]) for name in SUMMED) for row in rows_of_table} == wanted


SUMMED = ("ORDER_COUNT", "MAX_ORDER_TOTAL", "MIN_ORDER_TOTAL", "SUM_ORDER_TOTAL", "AVG_ORDER_TOTAL")


def identity(status: int, local: datetime) -> str:
    offset = local.strftime("%z")
    return f"{status} {local:%Y-%m-%d %H:%M}{'Z' if offset == '+0000' else f'{offset[:3]}:{offset[3:]}'}"


def summary(totals: list[int]) -> tuple[float, ...]:
    return len(totals), max(totals), min(totals), sum(totals), sum(totals) / len(totals)


def test_dates_that_cannot_be_parsed_are_null_and_logged_and_make_no_other_order_late(
    platform: Platform, database: psycopg.Connection[Any]
) -> None:
    topic = "ora-ogg-SOE-ORDERS-avro"
    registry = platform.endpoints["schema_registry"]
    found = requests.get(f"{registry}/subjects/{topic}-value/versions/latest", timeout=10).json()
    row = {"order_id": fresh(), "order_date": "26.07.2011", "order_status": BAD, "order_total": 1.0}
    encoded = io.BytesIO()
    schema = fastavro.parse_schema(json.loads(found["schema"]))
    fastavro.schemaless_writer(encoded, schema, {field["name"]: row.get(field["name"]) for field in schema["fields"]})
    producer = Producer({"bootstrap.servers": platform.endpoints["kafka"]})
    producer.produce(topic, b"\x00" + int(found["id"]).to_bytes(4, "big") + encoded.getvalue())
    assert producer.flush(SOON_S) == 0
    add_order(database, BAD + 1, "2999-01-01 00:00:00")
    add_order(database, BAD + 2, "infinity")
    add_order(database, BAD + 3)
    eventually(lambda: count_orders(platform, BAD) > 0, "the good order behind them")
    assert [found["ORDER_STATUS"] for found in documents(platform, "orders_agg_hourly", range=statuses(BAD))] == [
        BAD + 3
    ]
    eventually(lambda: "26.07.2011" in processing_log(platform), "its entry in the processing log")


def processing_log(platform: Platform) -> str:
    """All that the log says, as text."""
    config = {"bootstrap.servers": platform.endpoints["kafka"], "group.id": f"live-{fresh()}"}
    consumer = Consumer(config)
    try:
        place = TopicPartition(f"{platform.settings.get('KSQL_SERVICE_ID', 'default_')}ksql_processing_log", 0, 0)
        end = consumer.get_watermark_offsets(place, timeout=10)[1]
        consumer.assign([place])
        values: list[bytes] = []
        while len(values) < end and (message := consumer.poll(5)) is not None:
            values.append(message.value() or b"")
        return b"\n".join(values).decode()
    finally:
        consumer.close()


class Load:
    """Adds orders from a separate thread, each until the database has it, for the length of a block."""

    def __init__(self, platform: Platform, status: int) -> None:
        self._url = platform.settings.local_postgres()
        self._status = status
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.added = 0

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(SOON_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as database:
                    while not self._stop.is_set():
                        add_order(database, self._status)
                        self.added += 1
                        self._stop.wait(0.02)
            except psycopg.OperationalError:
                self._stop.wait(0.2)

    def wait_for(self, count: int) -> None:
        eventually(lambda: self.added >= count, f"{count} orders in the database")


def test_a_column_that_comes_and_goes_under_load_loses_no_order(
    platform: Platform, database: psycopg.Connection[Any]
) -> None:
    with Load(platform, CHANGED) as load:
        load.wait_for(50)
        database.execute("ALTER TABLE soe.orders ADD COLUMN channel TEXT DEFAULT 'web'")
        load.wait_for(load.added + 50)
        database.execute("ALTER TABLE soe.orders DROP COLUMN channel")
        load.wait_for(load.added + 50)
    eventually_equal(lambda: count_orders(platform, CHANGED), load.added)


def test_a_killed_database_comes_back_and_no_order_is_lost_or_doubled(platform: Platform) -> None:
    pid = platform.supervisor.component("postgres").pid
    assert pid is not None
    with Load(platform, KILLED) as load:
        load.wait_for(50)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: platform.supervisor.component("postgres").pid not in (pid, None), "the next server")
        load.wait_for(load.added + 50)
    with psycopg.connect(platform.settings.local_postgres()) as again:
        (committed,) = again.execute(
            "SELECT count(*) FROM soe.orders WHERE order_status = %s", (KILLED,)
        ).fetchone() or (0,)
    # What the server had committed when it was killed may be one more than the client knows.
    assert load.added <= committed <= load.added + 1
    eventually_equal(lambda: count_orders(platform, KILLED), committed, AFTER_KILL_S)


def test_the_capture_restarts_after_changes_to_other_tables(
    platform: Platform, database: psycopg.Connection[Any]
) -> None:
    """The slot never passes the offset that Connect stored: PostgreSQL forgets what lies before the slot."""
    database.execute("CREATE TABLE IF NOT EXISTS public.not_captured (id int)")
    try:
        (written,) = database.execute("SELECT pg_current_wal_lsn()").fetchone() or (None,)
        database.execute("INSERT INTO public.not_captured SELECT generate_series(1, 1000)")

        def slot_has_passed() -> bool:
            # A slot that no change of its tables moves would keep the whole write-ahead log.
            database.execute("INSERT INTO public.not_captured VALUES (0)")
            query = "SELECT confirmed_flush_lsn > %s::pg_lsn FROM pg_replication_slots WHERE slot_name = 'order_entry'"
            return (database.execute(query, (written,)).fetchone() or (False,))[0]

        eventually(slot_has_passed, "a slot that moves", AFTER_KILL_S)
    finally:
        database.execute("DROP TABLE public.not_captured")

    platform.run("restart", "postgres-soe")

    first = count_orders(platform, RESTARTED)
    add_order(database, RESTARTED)
    eventually_equal(lambda: count_orders(platform, RESTARTED), first + 1, AFTER_KILL_S)


def test_the_table_of_wifi_statistics_is_the_one_of_ksqldb(
    platform: Platform, database: psycopg.Connection[Any]
) -> None:
    platform.run("demo", "wifi", "--rate", "200", "--count", "300")
    columns, days = "SUBTYPE, WINDOW_DAY, PACKET_COUNT, EARLIEST_TIME, LATEST_TIME", recent_days()

    def in_ksqldb() -> set[tuple[Any, ...]]:
        with ksqldb.from_settings(platform.settings) as client:
            rows = {tuple(row.values()) for row in client.pull(f"SELECT {columns} FROM PCAP_STATS;")}
        return {row for row in rows if row[1] in days}

    def in_postgres() -> set[tuple[Any, ...]]:
        rows = database.execute(f"SELECT {columns} FROM wifi.pcap_stats").fetchall()
        return {row for row in rows if row[1] in days}

    eventually(lambda: in_ksqldb() == in_postgres() != set(), "the same rows in both")


def recent_days() -> set[str]:
    """Today, and tomorrow if that begins meanwhile: of days long ago the table of ksqlDB keeps only what it must."""
    now = time.time()
    return {f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}" for at in (now, now + SOON_S)}
