"""Measures the generated record functions alone: records per second of CPU, without a broker.

    python -m benchmarks.record_functions [records]

Ratings in Avro, a table of 1,000 customers; the best of four rounds in batches of 2,000. `with changelog` includes the
encoding of changelog records: one for the last change of each key in a batch.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.testing.driver import Driver, RunningQuery

STATEMENTS = """
CREATE STREAM RATINGS (K INT KEY, RATING_ID BIGINT, USER_ID INT, STARS INT, ROUTE_ID INT, RATING_TIME BIGINT,
  CHANNEL VARCHAR, MESSAGE VARCHAR) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');
CREATE TABLE CUSTOMERS (ID INT PRIMARY KEY, FIRST_NAME VARCHAR, LAST_NAME VARCHAR, EMAIL VARCHAR, CLUB_STATUS VARCHAR)
  WITH (KAFKA_TOPIC='customers', VALUE_FORMAT='AVRO');
CREATE STREAM JOINED AS SELECT R.K AS USER_ID, RATING_ID, CHANNEL, STARS, MESSAGE, CLUB_STATUS, EMAIL, FIRST_NAME,
  LAST_NAME FROM RATINGS R LEFT JOIN CUSTOMERS C ON R.K = C.ID WHERE FIRST_NAME IS NOT NULL;
CREATE STREAM FILTERED AS SELECT * FROM RATINGS WHERE STARS < 4;
CREATE TABLE COUNTED AS SELECT K, COUNT(*) AS N FROM RATINGS WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY K;
CREATE STREAM REKEYED AS SELECT * FROM RATINGS PARTITION BY CHANNEL;
"""
CUSTOMERS, BATCH, ROUNDS = 1_000, 2_000, 4
Record = tuple[bytes | None, bytes | None, int, int, int, None]


def main() -> None:
    """Print one line per query."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    driver = Driver(live=False)
    driver.run(STATEMENTS)
    topics = {"ratings": ratings(driver, count), "customers": customers(driver)}
    print(f"{'query':12} {'records/s':>12} {'with changelog':>15}")
    for query in driver.queries.values():
        plain, logged = (best_rate(query, topics, changes) for changes in (None, Changes()))
        print(f"{query.plan.sink or '':12} {plain:12,.0f} {logged:15,.0f}")


def ratings(driver: Driver, count: int) -> list[Record]:
    """Ratings of random customers, 3 ms apart."""
    chance = random.Random(1)
    source = driver.metastore.sources["RATINGS"]
    text = "airport refurb looks great, will fly outta here more!"
    rows = []
    for number in range(count):
        user = chance.randrange(CUSTOMERS)
        channel, message = chance.choice(["web", "ios", "android"]), text[: chance.randrange(20, 50)]
        value = (number, user, chance.randrange(1, 6), chance.randrange(10_000), number, channel, message)
        rows.append(((user,), value))
    return encoded(driver, source, rows)


def customers(driver: Driver) -> list[Record]:
    """Every customer once."""
    rows = [((user,), (f"First{user}", f"Last{user}", f"u{user}@example.com", "platinum")) for user in range(CUSTOMERS)]
    return encoded(driver, driver.metastore.sources["CUSTOMERS"], rows)


def encoded(driver: Driver, source: DataSource, rows: list[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> list[Record]:
    """Rows as records of the source's topic."""
    key = driver.serdes.key_serializer(source.topic, source.formats.key, source.schema.key)
    value = driver.serdes.value_serializer(source.topic, source.formats.value, source.schema.value)
    return [(key(k), value(v), 3 * number, 0, number, None) for number, (k, v) in enumerate(rows)]


class Changes(dict[tuple[Any, ...], tuple[Any, ...]]):
    """The changes since the last encoding."""

    def __call__(self, store: str, encode: Any, place: Any, row: Any, timestamp: int) -> None:
        """Add a change."""
        self[store, place] = encode, row, timestamp

    def encode(self) -> None:
        """Encode the changelog records, as a commit does."""
        for (_, place), (encode, row, timestamp) in self.items():
            encode(place, row, timestamp)
        self.clear()


def best_rate(query: RunningQuery, topics: dict[str, list[Record]], changelog: Changes | None) -> float:
    """Ratings per second of CPU in the best round."""
    produced: list[Any] = []
    compiled = query.compiled
    tasks = [
        compiled.new_task(number, emit=lambda *record: produced.append(record), log=fail, changelog=changelog)
        for number in range(compiled.subtopologies)
    ]
    places = {entry.topic: tasks[entry.subtopology] for entry in compiled.inputs}
    if "customers" in places:
        places["customers"].process("customers", topics["customers"])
    records = topics["ratings"]
    rounds = (
        one_round(places["ratings"], records, produced, Changes() if changelog is None else changelog)
        for _ in range(ROUNDS)
    )
    return max(len(records) / seconds for seconds in rounds)


def one_round(task: Any, records: list[Record], produced: list[Any], changes: Changes) -> float:
    """CPU seconds for all records."""
    produced.clear()
    started = time.process_time()
    for first in range(0, len(records), BATCH):
        task.process("ratings", records[first : first + BATCH])
        changes.encode()
    return time.process_time() - started


def fail(problem: object) -> None:
    """Fail: every record must be valid."""
    raise AssertionError(problem)


if __name__ == "__main__":
    main()
