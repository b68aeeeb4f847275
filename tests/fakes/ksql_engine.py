"""The embedded engine behind its REST API, over a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.server.app import ServerIdentity, create_app, quick_lookups
from tests.engine.runtime.engines import World
from tests.server.serving import served

EARLIEST = {"auto.offset.reset": "earliest"}
ORDERS = (
    "CREATE STREAM ORDERS (ID VARCHAR KEY, CUSTOMER VARCHAR, AMOUNT DOUBLE, UNITS BIGINT) "
    "WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');"
    "CREATE TABLE CUSTOMERS (ID VARCHAR PRIMARY KEY, NAME VARCHAR) "
    "WITH (KAFKA_TOPIC='customers', PARTITIONS=1, VALUE_FORMAT='JSON');"
)
TOTALS = (
    "CREATE TABLE TOTALS AS SELECT C.NAME NAME, COUNT(*) AS N, SUM(O.AMOUNT) AS TOTAL FROM ORDERS O "
    "JOIN CUSTOMERS C ON O.CUSTOMER = C.ID WHERE O.AMOUNT > 1 GROUP BY C.NAME HAVING COUNT(*) > 0 EMIT CHANGES;"
)


class RunningEngine:
    """An engine with its cluster (`world`) and the address of its API."""

    def __init__(self, world: Any, engine: Any, url: str) -> None:
        self.world = world
        self.engine = engine
        self.url = url

    def client(self) -> KsqlClient:
        return KsqlClient(Connection("ksqlDB", self.url, patience_s=0))

    def run(self, text: str) -> list[dict[str, Any]]:
        body = {"ksql": text, "streamsProperties": EARLIEST}
        answer = httpx.post(f"{self.url}/ksql", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def order(self, key: str, amount: float, customer: str = "c1", units: int = 1) -> None:
        self.world.send("orders", {"CUSTOMER": customer, "AMOUNT": amount, "UNITS": units}, key, timestamp=1000)

    def open_queries(self) -> list[str]:
        """The push queries that the server runs now."""
        found = self.run("LIST QUERIES;")[0]["queries"]
        return [query["id"] for query in found if query["queryType"] == "PUSH"]


@contextmanager
def running_engine() -> Iterator[RunningEngine]:
    world = World()
    engine = world.engine()
    try:
        with served(
            create_app(engine, ServerIdentity("test_", "cluster-1", "127.0.0.1:8088")), quick_lookups(engine)
        ) as url:
            yield RunningEngine(world, engine, url)
    finally:
        world.close()
