"""What the tests of the topology share: JSON records in, JSON rows out."""

import json

from bifrost.engine.testing.driver import Driver


def driver_of(statements, **options):
    """A driver that has run the statements."""
    driver = Driver(**options)
    driver.run(statements)
    return driver


def send(driver, topic, key, value, timestamp=0, headers=None):
    """Sends a record with a text key and a JSON value (None: a tombstone)."""
    data = None if value is None else json.dumps(value).encode()
    driver.produce(topic, None if key is None else str(key).encode(), data, timestamp, headers)


def received(driver, topic):
    """Text key and JSON value of the records of a topic."""
    return [
        (
            None if record.key is None else record.key.decode(),
            None if record.value is None else json.loads(record.value),
        )
        for record in driver.topic(topic).records
    ]


def windowed(driver, topic):
    """Text key, window start, JSON value and time of the records of a topic with time-windowed keys."""
    return [
        (
            record.key[:-8].decode(),
            int.from_bytes(record.key[-8:], "big"),
            None if record.value is None else json.loads(record.value),
            record.timestamp,
        )
        for record in driver.topic(topic).records
    ]


def problems(driver):
    """Kind and text of all problems that queries reported."""
    return [(problem.kind, problem.message) for query in driver.queries.values() for problem in query.problems]


STREAM = "CREATE STREAM S (K STRING KEY, A INT, B STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
TABLE = "CREATE TABLE T (K STRING PRIMARY KEY, N INT, C STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
