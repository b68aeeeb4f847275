"""Order entry's rows: of the declared tables, repeatable, with dates in no order."""

from __future__ import annotations

import json
import re
from itertools import islice
from random import Random
from typing import Any

from bifrost.generators.logons import CUSTOMER_COUNT, CUSTOMERS, LOGONS, ORDERS, records, rows
from bifrost.generators.program import Workload
from bifrost.settings import PROJECT

SCHEMA = (PROJECT / "data" / "postgres" / "01-order-entry.sql").read_text()


def some(seed: int, count: int = 400) -> list[tuple[str, dict[str, Any]]]:
    return list(islice(rows(Random(seed), 1), count))


def columns(table: str) -> set[str]:
    body = SCHEMA.split(f"CREATE TABLE {table} (")[1].split(");")[0]
    return set(re.findall(r"^  (\w+)", body, re.MULTILINE))


def test_customers_come_first_then_logons_and_orders():
    found = [table for table, _ in some(1)]

    assert found[:CUSTOMER_COUNT] == [CUSTOMERS] * CUSTOMER_COUNT
    assert set(found[CUSTOMER_COUNT:]) == {LOGONS, ORDERS}


def test_rows_have_columns_of_their_tables():
    for table, row in some(1):
        assert row.keys() <= columns(table), table


def test_the_same_seed_makes_the_same_rows():
    assert some(3) == some(3) != some(4)


def test_order_dates_are_in_no_order_and_hours_have_several():
    dates = [row["order_date"] for table, row in some(1, 2000) if table == ORDERS]

    assert dates != sorted(dates)
    assert {date[:4] for date in dates} == {"2007", "2008", "2009", "2010", "2011"}
    hours = [(row["order_date"][:13], row["order_status"]) for table, row in some(1, 2000) if table == ORDERS]
    assert len(set(hours)) < len(hours)


def test_somebody_logs_on_who_is_not_known():
    assert any(row["customer_id"] > CUSTOMER_COUNT for table, row in some(1, 2000) if table == LOGONS)


def test_a_record_names_its_table_and_holds_the_row_as_json():
    sent = list(islice(records(Workload(1.0, seed=3)), 100))

    assert [(record.topic, json.loads(record.payload)) for record in sent] == some(3, 100)
