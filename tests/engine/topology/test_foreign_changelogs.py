"""Changelog records that another program wrote: a state error that names the store, never a crash of another kind."""

import random

import msgpack
import pytest

from bifrost.errors import StateError
from tests.engine.topology.queries import STREAM, driver_of, send

STATEMENTS = {
    "key-value": "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;",
    "window": "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY K;",
    "session": "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW SESSION (1 HOUR) GROUP BY K;",
    "buffer": "CREATE STREAM R (K STRING KEY, A INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON');"
    "CREATE STREAM O AS SELECT S.K, S.A FROM S JOIN R WITHIN 1 HOUR ON S.K = R.K;",
}
FOREIGN = [
    b"",
    b"k",
    b"\xc1",
    b"\xc1\x00",
    b'{"A":1}',
    b"\xff" * 40,
    *(
        msgpack.packb(value)
        for value in (None, 1, "k", [], ["k"], [1, 2, 3], {"a": 1}, [None] * 6, [[1]], [0, "x", "k"])
    ),
]


def task_of(kind):
    (query,) = driver_of(STREAM + STATEMENTS[kind]).queries.values()
    return next(task for task in query.tasks.values() if task.changelogged())


@pytest.mark.parametrize("kind", STATEMENTS)
def test_foreign_records_are_a_state_error_or_have_no_effect(kind):
    task = task_of(kind)
    for store in task.changelogged():
        for key in FOREIGN:
            for value in (None, *FOREIGN):
                try:
                    task.restore(store, key, value)
                except StateError as error:
                    assert "delete the query's internal topics" in str(error)


@pytest.mark.parametrize("kind", STATEMENTS)
def test_random_bytes_are_a_state_error_or_have_no_effect(kind):
    chance = random.Random(7)
    task = task_of(kind)
    for _ in range(3_000):
        key, value = (chance.randbytes(chance.randrange(12)) for _ in range(2))
        store = chance.choice(task.changelogged())
        try:
            task.restore(store, key, value)
        except StateError as error:
            assert "delete the query's internal topics" in str(error)


def test_a_task_works_after_a_refused_record():
    driver = driver_of(STREAM + STATEMENTS["key-value"])
    (query,) = driver.queries.values()
    (task,) = query.tasks.values()
    (store,) = task.changelogged()
    with pytest.raises(StateError, match=store):
        task.restore(store, msgpack.packb(["k"]), msgpack.packb(1))
    send(driver, "s", "k", {"A": 1})
    assert len(driver.topic("O").records) == 1
