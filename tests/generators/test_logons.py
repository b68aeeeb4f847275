"""Order entry's changes: of the declared schemas, repeatable, with dates in no order."""

from __future__ import annotations

import io
import json
from itertools import islice
from random import Random
from typing import Any

import fastavro

from bifrost.clients import avro
from bifrost.generators.logons import CUSTOMERS, KNOWN, LOGONS, ORDERS, TOPICS, changes
from bifrost.generators.sending import Record
from bifrost.settings import PROJECT

SCHEMAS = {topic: avro.parsed((PROJECT / "topics" / "schemas" / f"{topic}-value.avsc").read_text()) for topic in TOPICS}


def some(seed: int, count: int = 400) -> list[Record]:
    return list(
        islice(changes(Random(seed), lambda topic, row: avro.encoded(7, SCHEMAS[topic], row), 1, lambda: 1e9), count)
    )


def rows(found: list[Record], topic: str) -> list[dict[str, Any]]:
    return [
        fastavro.schemaless_reader(io.BytesIO(change.payload[avro.HEAD :]), SCHEMAS[topic], None)  # type: ignore[misc]
        for change in found
        if change.topic == topic
    ]


def test_customers_come_first_then_logons_and_orders_of_declared_topics():
    found = some(1)

    assert [change.topic for change in found[:KNOWN]] == [CUSTOMERS] * KNOWN
    assert {change.topic for change in found[KNOWN:]} == {LOGONS, ORDERS}
    assert set(TOPICS) == json.loads((PROJECT / "topics" / "logons.json").read_text()).keys()


def test_the_same_seed_makes_the_same_changes():
    assert some(3) == some(3) != some(4)


def test_order_dates_are_in_no_order():
    dates = [row["ORDER_DATE"] for row in rows(some(1), ORDERS)]

    assert dates != sorted(dates)
    assert {date[:4] for date in dates} == {"2007", "2008", "2009", "2010", "2011"}


def test_the_key_holds_all_columns_as_the_capture_writes_it():
    change = next(change for change in some(1) if change.topic == ORDERS)
    (row,) = rows([change], ORDERS)

    assert change.key is not None
    assert change.key.decode().startswith(f"{row['ORDER_ID']}_{row['ORDER_DATE']}_")
