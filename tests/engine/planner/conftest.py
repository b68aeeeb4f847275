"""Sources that most plans start from."""

from __future__ import annotations

import pytest

from tests.engine.planner.planning import StatementPlanner


@pytest.fixture
def planner() -> StatementPlanner:
    """A stream of orders, a table of customers keyed by id, a stream of shipments keyed by order."""
    made = StatementPlanner()
    made.run(
        "CREATE STREAM ORDERS (ID BIGINT KEY, CUSTOMER INT, TOTAL DOUBLE, ADDRESS STRUCT<TOWN STRING, ZIP INT>,"
        " TAGS ARRAY<STRING>) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=2);",
        "CREATE TABLE CUSTOMERS (ID INT PRIMARY KEY, NAME STRING, COUNTRY STRING)"
        " WITH (KAFKA_TOPIC='customers', VALUE_FORMAT='JSON', PARTITIONS=2);",
        "CREATE STREAM SHIPMENTS (ORDER_ID BIGINT KEY, CARRIER STRING)"
        " WITH (KAFKA_TOPIC='shipments', VALUE_FORMAT='JSON', PARTITIONS=2);",
    )
    return made
