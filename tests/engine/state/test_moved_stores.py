"""What a running query writes after its stores have moved to disk is on disk."""

import pytest

from bifrost.engine.state.budget import StateBudget
from bifrost.engine.state.task_state import TaskState
from bifrost.engine.testing.driver import Driver

SOURCES = """
CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM O (K STRING KEY, A INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON');
CREATE TABLE T (K STRING PRIMARY KEY, A STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE TABLE U (K STRING PRIMARY KEY, A STRING) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');
"""
QUERIES = {
    "stream-table join": "CREATE STREAM R AS SELECT S.K, S.A, T.A FROM S JOIN T ON S.K = T.K;",
    "copy of a table": "CREATE TABLE R AS SELECT * FROM T;",
    "table-table join": "CREATE TABLE R AS SELECT T.K, T.A, U.A FROM T JOIN U ON T.K = U.K;",
    "foreign-key join": "CREATE TABLE R AS SELECT T.K, T.A, U.A FROM T JOIN U ON T.A = U.K;",
    "count": "CREATE TABLE R AS SELECT K, COUNT(*) AS C FROM S GROUP BY K;",
    "count of a table": "CREATE TABLE R AS SELECT A, COUNT(*) AS C FROM T GROUP BY A;",
    "windows": "CREATE TABLE R AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY K;",
    "sessions": "CREATE TABLE R AS SELECT K, COUNT(*) AS C FROM S WINDOW SESSION (1 HOUR) GROUP BY K;",
    "stream-stream join": "CREATE STREAM R AS SELECT S.K, S.A, O.A FROM S JOIN O WITHIN 1 HOUR ON S.K = O.K;",
}


class Query:
    """The tasks of a query, with their state in folders."""

    def __init__(self, statement, folder):
        driver = Driver(live=False)
        driver.run(SOURCES + statement)
        (query,) = driver.queries.values()
        compiled = query.compiled
        self.tasks = [
            compiled.new_task(number, emit=lambda *_: None, log=pytest.fail, changelog=lambda *_: None)
            for number in range(compiled.subtopologies)
        ]
        self.inputs = {entry.topic: self.tasks[entry.subtopology] for entry in compiled.inputs}
        self.states = [
            TaskState(folder / f"{number}", task.stores(), StateBudget(), lambda: 0)
            for number, task in enumerate(self.tasks)
        ]
        for task, state in zip(self.tasks, self.states, strict=True):
            state.load(dict.fromkeys(task.stores(), ("topic", 0, 0)))

    def send(self, key):
        for topic, value in (
            ("u", b'{"A": "x"}'),
            ("t", f'{{"A": "{key}"}}'.encode()),
            ("s", b'{"A": 1}'),
            ("o", b'{"A": 1}'),
        ):
            if topic in self.inputs:
                self.inputs[topic].process(topic, [(key.encode(), value, 0, 0, 0, None)])

    def move(self):
        for task, state in zip(self.tasks, self.states, strict=True):
            for name in task.stores():
                state.move(name)

    def sizes(self):
        return {name: len(store) for task in self.tasks for name, store in task.stores().items()}

    def close(self):
        for state in self.states:
            state.close(clean=False)


@pytest.mark.parametrize("statement", QUERIES.values(), ids=QUERIES)
def test_rows_that_arrive_after_a_move_are_on_disk(statement, tmp_path):
    moved, expected = Query(statement, tmp_path / "moved"), Query(statement, tmp_path / "expected")
    for query in (moved, expected):
        query.send("a")
    moved.move()
    for query in (moved, expected):
        query.send("b")
    assert moved.sizes() == expected.sizes()
    assert any(expected.sizes().values())
    moved.close()
    expected.close()
