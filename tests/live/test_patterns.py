"""The pattern pipeline live: what its far ends hold, against what the events that went in say, computed here."""

from __future__ import annotations

import json
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from bifrost.generators.patterns import Event, events, int_key
from tests.live.conftest import Platform
from tests.live.waiting import eventually, eventually_equal

SOON_S = 60.0
COUNT = 700
DAY_MS = 86_400_000
TRIAL = -1
"""What marks the events that only show that the tables are there."""
LATE_MS = 2 * 3_600_000 + 60_000
"""An order is judged after its window and the grace period."""


class Topics:
    """Reads whole topics, as any client would."""

    def __init__(self, platform: Platform) -> None:
        self._options = {
            "bootstrap.servers": platform.endpoints["kafka"],
            "group.id": f"live-{time.monotonic_ns()}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }

    def all_of(self, name: str) -> list[tuple[int, bytes, Any]]:
        """(timestamp, key, value from JSON) of all records of a topic, by partition and offset."""
        consumer = Consumer(self._options)
        try:
            partitions = consumer.list_topics(name, timeout=10).topics[name].partitions
            places = [TopicPartition(name, number, 0) for number in partitions]
            ends = {place.partition: consumer.get_watermark_offsets(place, timeout=10)[1] for place in places}
            consumer.assign(places)
            found = []
            while any(position.offset < ends[position.partition] for position in self._positions(consumer, places)):
                message = consumer.poll(1)
                if message is not None and not message.error():
                    value = json.loads(payload) if (payload := message.value()) is not None else None
                    found.append((message.timestamp()[1], message.key() or b"", value))
            return found
        finally:
            consumer.close()

    @staticmethod
    def _positions(consumer: Consumer, places: list[TopicPartition]) -> list[TopicPartition]:
        return [
            place if place.offset >= 0 else TopicPartition(place.topic, place.partition, 0)
            for place in consumer.position(places)
        ]

    def partitions(self, name: str) -> int:
        """How many partitions a topic has."""
        consumer = Consumer(self._options)
        try:
            return len(consumer.list_topics(name, timeout=10).topics[name].partitions)
        finally:
            consumer.close()

    def windows(self, name: str, column: str) -> dict[tuple[bytes, int], int]:
        """What a windowed table holds in a column, by key and window start."""
        rows: dict[tuple[bytes, int], int] = {}
        for _, key, value in self.all_of(name):
            place = key[:-8], struct.unpack(">q", key[-8:])[0]
            if value is None:
                rows.pop(place, None)
            else:
                rows[place] = value[column]
        return rows

    def rows(self, name: str, *columns: str) -> Counter[tuple[Any, ...]]:
        """How often a stream of an INT key holds what: the key, then the columns."""
        return Counter(
            (int.from_bytes(key, "big", signed=True), *(value[column] for column in columns))
            for _, key, value in self.all_of(name)
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """What went in, and who reads what came out."""

    events: tuple[Event, ...]
    topics: Topics

    def to(self, topic: str) -> Iterator[Event]:
        """The events of a topic."""
        return (event for event in self.events if event.topic == topic)

    def table(self, topic: str) -> dict[int, dict[str, Any]]:
        """The last row by key."""
        return {int.from_bytes(event.key or b"", "big"): dict(event.value) for event in self.to(topic)}

    def windows(
        self, topic: str, column: str, size_ms: int, least: int, kind: str = ""
    ) -> dict[tuple[bytes, int], int]:
        """Events by a column and time, those of at least `least`."""
        counts = Counter(
            (str(event.value[column]).encode(), event.at_ms - event.at_ms % size_ms)
            for event in self.to(topic)
            if not kind or event.value["event_type"] == kind
        )
        return {place: count for place, count in counts.items() if count >= least}


@pytest.fixture(scope="module")
def sent(platform: Platform) -> Sent:
    """A few seconds of everything; the tables are there before what is joined to them."""
    random, topics = Random(25), Topics(platform)
    made = list(islice(events(random, int(time.time()) * 1000, time.time), COUNT))
    reference = [event for event in made if event.topic in ("clients", "users_table", "users")]
    rest = [event for event in made if event not in reference]
    put(platform, reference)
    client = next(event for event in reference if event.topic == "clients")
    put(platform, [replace(client, key=int_key(TRIAL), value={"TYPE": "Residential", "CREDIT_SCORE": 800})])
    vip = next(event for event in reference if event.topic == "users")
    put(platform, [replace(vip, key=int_key(TRIAL), value={"COUNTRY": "", "LEVEL": "Platinum"})])
    country = next(event for event in reference if event.topic == "users_table")
    put(platform, [replace(country, key=int_key(TRIAL), value={"COUNTRY": ""})])
    eventually(lambda: are_joined(platform, topics), "the tables are there")
    put(platform, rest)
    return Sent(tuple(made), topics)


def put(platform: Platform, found: Iterable[Event]) -> None:
    """Send events, all of them."""
    producer = Producer({"bootstrap.servers": platform.endpoints["kafka"], "linger.ms": 0})
    for event in found:
        producer.produce(event.topic, json.dumps(event.value), event.key, timestamp=event.at_ms)
        if event.topic in ("p_orders", "p_shipments"):
            # One by one: three hours pass in a moment, and a shipment must not come hours behind its order.
            assert producer.flush(SOON_S) == 0
    assert producer.flush(SOON_S) == 0


def are_joined(platform: Platform, topics: Topics) -> bool:
    """Whether events of the trial client and user come out joined."""
    now = int(time.time() * 1000)
    payment = {"payment_id": TRIAL, "user_id": TRIAL, "total": 0.0}
    click = {"user_id": TRIAL, "page": "", "action": "", "status": 200, "bytes": 0, "user_agent": "", "view_time": now}
    mortgage = {"client_id": TRIAL, "city": "", "action": ""}
    put(
        platform, [Event("payments", payment, now), Event("clickstream", click, now), Event("mortgages", mortgage, now)]
    )
    joined = [topics.rows("QUALIFIED_CLIENTS", "CITY"), topics.rows("CLICKS_FROM_VIP_USERS", "COUNTRY")]
    return all((TRIAL, "") in rows for rows in [*joined, topics.rows("ENRICHED_PAYMENTS", "COUNTRY")])


def without_trials(rows: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    return Counter({row: count for row, count in rows.items() if row[0] != TRIAL})


def eventually_same(found: Callable[[], Any], wanted: Any) -> None:
    """Returns once both agree; fails with their difference when they do not soon, or when there is nothing to see."""
    assert wanted
    eventually_equal(found, wanted)


@pytest.mark.parametrize(
    ("table", "counter", "topic", "column", "size_ms", "least", "kind"),
    [
        ("POSSIBLE_FRAUD", "ATTEMPTS", "authorization_attempts", "card_number", 300_000, 4, ""),
        ("FAILING_VEHICLES", "ERRORS", "vehicle_monitoring", "vehicle", 60_000, 3, "ERROR"),
        ("POSSIBLE_MALFUNCTION", "EVENTS", "saturation_events", "device_id", 5_000, 4, ""),
    ],
)
def test_every_window_over_its_limit_is_found_and_no_other(
    sent: Sent, table: str, counter: str, topic: str, column: str, size_ms: int, least: int, kind: str
) -> None:
    wanted = sent.windows(topic, column, size_ms, least, kind)
    eventually_same(lambda: sent.topics.windows(table, counter), wanted)


def test_orders_of_the_last_hours_without_a_shipment_are_late(sent: Sent) -> None:
    orders, shipments = list(sent.to("p_orders")), list(sent.to("p_shipments"))
    newest = max(event.at_ms for event in [*orders, *shipments])
    shipped = {event.key for event in shipments}
    late = {event.key for event in orders if event.key not in shipped and event.at_ms < newest - LATE_MS}
    eventually_same(lambda: {key for _, key, _ in sent.topics.all_of("LATE_ORDERS")}, late)


def test_the_sales_of_both_channels_are_merged_and_add_up(sent: Sent) -> None:
    sales = [*sent.to("sales_online"), *sent.to("sales_offline")]
    merged = Counter((sale.value["itemId"], sale.value["price"]) for sale in sales)
    eventually_same(
        lambda: Counter((value["ITEMID"], value["PRICE"]) for _, _, value in sent.topics.all_of("all_sales")), merged
    )
    sums: Counter[tuple[bytes, int]] = Counter()
    for sale in sales:
        sums[sale.value["itemId"].to_bytes(8, "big"), sale.at_ms - sale.at_ms % DAY_MS] += sale.value["price"]
    eventually_same(lambda: sent.topics.windows("DAILY_SALES_PER_ITEM", "TOTAL"), dict(sums))


def test_clients_whose_credit_is_good_qualify(sent: Sent) -> None:
    good = {
        number
        for number, row in sent.table("clients").items()
        if row["TYPE"] == "Residential" and row["CREDIT_SCORE"] > 750
    }
    asked = (event.value for event in sent.to("mortgages") if event.value["client_id"] in good)
    wanted = Counter((value["client_id"], value["city"], value["action"]) for value in asked)
    eventually_same(lambda: without_trials(sent.topics.rows("QUALIFIED_CLIENTS", "CITY", "ACTION")), wanted)


def test_payments_have_the_country_of_their_user_if_that_is_known(sent: Sent) -> None:
    countries = {number: row["COUNTRY"] for number, row in sent.table("users_table").items()}
    paid = [event.value for event in sent.to("payments")]
    wanted = Counter(
        (value["user_id"], value["payment_id"], countries.get(value["user_id"]), value["total"]) for value in paid
    )
    columns = ("PAYMENT_ID", "COUNTRY", "TOTAL")
    eventually_same(lambda: without_trials(sent.topics.rows("ENRICHED_PAYMENTS", *columns)), wanted)


def test_clicks_of_the_best_customers_are_told(sent: Sent) -> None:
    users = sent.table("users")
    vip = {number: row["COUNTRY"] for number, row in users.items() if row["LEVEL"] == "Platinum"}
    clicks = (event.value for event in sent.to("clickstream") if event.value["user_id"] in vip)
    wanted = Counter((click["user_id"], vip[click["user_id"]], click["page"], click["action"]) for click in clicks)
    columns = ("COUNTRY", "PAGE", "ACTION")
    eventually_same(lambda: without_trials(sent.topics.rows("CLICKS_FROM_VIP_USERS", *columns)), wanted)


def test_all_clicks_are_there_by_user_at_the_time_of_the_click(sent: Sent) -> None:
    def found() -> Counter[tuple[Any, ...]]:
        records = sent.topics.all_of("CLICKS_BY_USER_ID")
        return Counter((int(key), value["PAGE"], at) for at, key, value in records if int(key) != TRIAL)

    clicks = [event.value for event in sent.to("clickstream")]
    eventually_same(found, Counter((click["user_id"], click["page"], click["view_time"]) for click in clicks))
    assert sent.topics.partitions("CLICKS_BY_USER_ID") == 6


def test_cards_vehicles_and_devices_are_told_to_those_who_must_know(platform: Platform, sent: Sent) -> None:
    frauds = sent.windows("authorization_attempts", "card_number", 300_000, 4)
    failures = sent.windows("vehicle_monitoring", "vehicle", 60_000, 3, "ERROR")
    broken = sent.windows("saturation_events", "device_id", 5_000, 4)

    def delivered(channel: str, start: str) -> list[str]:
        answer = requests.get(f"{platform.endpoints['console']}/api/messages", timeout=10)
        texts = (message["text"] for message in answer.json() if message["channel"] == channel)
        return [text for text in texts if text.startswith(start)]

    cards = sorted({card.decode() for card, _ in frauds})
    eventually_same(lambda: sorted(text.split("`")[1] for text in delivered("fraud", "Possible fraud")), cards)
    eventually_same(lambda: len(delivered("workshop", "Vehicle")), len(failures))
    devices = {device.decode() for device, _ in broken}
    eventually_same(
        lambda: {text.split()[3].rstrip(":") for text in delivered("4242", "Possible malfunction")}, devices
    )


@pytest.mark.far_end()
def test_a_card_with_four_attempts_is_found_beside_all_that_others_send(platform: Platform) -> None:
    card, topics, now = f"far-{time.monotonic_ns()}", Topics(platform), int(time.time() * 1000)
    place = card.encode(), now - now % 300_000
    put(platform, [Event("authorization_attempts", {"card_number": card, "amount": 1.0}, now)] * 4)

    eventually(lambda: topics.windows("POSSIBLE_FRAUD", "ATTEMPTS").get(place) == 4, "the window of the card")
