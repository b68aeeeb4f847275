"""Rows that an aggregate cannot add, and failures that are not the row's fault."""

import random

import pytest

from bifrost.engine.functions.library import Library
from bifrost.engine.functions.registry import default_registry
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.state.key_value_store import MemoryKeyValueStore
from bifrost.engine.state.session_store import MemorySessionStore
from bifrost.engine.state.window_store import MemoryWindowStore
from bifrost.engine.testing.driver import RunningQuery
from bifrost.errors import StateError
from tests.engine.topology.queries import STREAM, driver_of, problems, received, send, windowed
from tests.engine.topology.test_aggregates import sessions

DECIMALS = "CREATE STREAM S (K STRING KEY, A DECIMAL(2, 0)) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
TABLE = "CREATE TABLE T (K STRING PRIMARY KEY, G STRING, A DECIMAL(2, 0)) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
GROUPED = TABLE + "CREATE TABLE O AS SELECT G, COUNT(*) AS N, SUM(A) AS T FROM T GROUP BY G;"


def summed(window):
    return DECIMALS + f"CREATE TABLE O AS SELECT K, SUM(A) AS N FROM S WINDOW {window} GROUP BY K;"


def feed(driver, *rows):
    for key, value, timestamp in rows:
        send(driver, "s", key, {"A": value}, timestamp)


def change(driver, key, group, value):
    send(driver, "t", key, None if group is None else {"G": group, "A": value})


def restart(driver):
    (query,) = driver.queries.values()
    driver.queries[query.plan.query_id] = RunningQuery(query.plan, query.compiled, before=query)


def latest(driver, key):
    return [row for found, row in received(driver, "O") if found == key][-1]


def test_a_rejected_row_leaves_the_merged_sessions_as_they_were():
    driver = driver_of(summed("SESSION (5 MILLISECONDS)"))
    feed(driver, ("a", 60, 0), ("a", 30, 10), ("a", 50, 5))
    assert [kind for kind, _ in problems(driver)] == ["processing"]
    assert sessions(driver) == [("a", 0, 0, 60, 0), ("a", 10, 10, 30, 10)]
    feed(driver, ("a", 1, 12))
    assert sessions(driver)[-1] == ("a", 10, 12, 31, 12)


def test_sessions_that_cannot_be_merged_stay_as_they_were():
    driver = driver_of(summed("SESSION (5 MILLISECONDS)"))
    feed(driver, ("a", 60, 0), ("a", 60, 10), ("a", 0, 5), ("a", 1, 1))
    assert sessions(driver)[-2:] == [("a", 0, 0, None, 0), ("a", 0, 1, 61, 1)]


def test_a_rejected_row_is_in_none_of_its_hopping_windows():
    driver = driver_of(summed("HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 5 MILLISECONDS)"))
    feed(driver, ("a", 60, 12), ("a", 50, 7))
    assert [row[:3] for row in windowed(driver, "O")] == [("a", 5, {"N": 60}), ("a", 10, {"N": 60})]
    feed(driver, ("a", 1, 3))
    assert windowed(driver, "O")[-1][:3] == ("a", 0, {"N": 1})


@pytest.mark.parametrize("window", ["", "WINDOW TUMBLING (SIZE 1 SECOND)"])
def test_a_rejected_row_leaves_its_group_as_it_was(window):
    driver = driver_of(DECIMALS + f"CREATE TABLE O AS SELECT K, SUM(A) AS N, COUNT(*) AS C FROM S {window} GROUP BY K;")
    feed(driver, ("a", 60, 1), ("a", 50, 2), ("a", 30, 3))
    rows = [row[2] for row in windowed(driver, "O")] if window else [row for _, row in received(driver, "O")]
    assert rows == [{"N": 60, "C": 1}, {"N": 90, "C": 2}]


def test_a_row_of_a_table_that_was_rejected_is_not_subtracted_later():
    driver = driver_of(GROUPED)
    change(driver, "a", "g", 60)
    change(driver, "b", "g", 50)
    assert latest(driver, "g") == {"N": 1, "T": 60}
    change(driver, "b", None, None)
    assert latest(driver, "g") == {"N": 1, "T": 60}
    change(driver, "a", None, None)
    assert latest(driver, "g") == {"N": 0, "T": 0}


def test_the_only_row_of_a_group_can_be_rejected_and_deleted():
    driver = driver_of(GROUPED.replace("SUM(A)", "SUM(A * 99)").replace("DECIMAL(2, 0)", "INT"))
    change(driver, "a", "g", 2_000_000_000)
    change(driver, "a", "h", 1)
    assert latest(driver, "h")["N"] == 1


def test_a_rejected_change_still_removes_the_old_row():
    driver = driver_of(GROUPED)
    change(driver, "a", "g", 60)
    change(driver, "b", "g", 10)
    change(driver, "b", "g", 50)
    assert latest(driver, "g") == {"N": 1, "T": 60}
    change(driver, "b", "g", 20)
    assert latest(driver, "g") == {"N": 2, "T": 80}


def test_one_of_two_equal_rows_was_rejected():
    driver = driver_of(GROUPED)
    for key in ("a", "b"):
        change(driver, key, "g", 60)
    change(driver, "a", None, None)
    change(driver, "b", None, None)
    assert latest(driver, "g") == {"N": 0, "T": 0}


def test_a_row_that_cannot_be_subtracted_stays_in_its_group():
    driver = driver_of(GROUPED)
    for key, value in (("a", 60), ("b", -50), ("c", 60)):
        change(driver, key, "g", value)
    assert latest(driver, "g") == {"N": 3, "T": 70}
    change(driver, "b", None, None)
    assert latest(driver, "g") == {"N": 3, "T": 70}
    change(driver, "b", "g", -50)
    assert latest(driver, "g") == {"N": 3, "T": 70}
    assert [kind for kind, _ in problems(driver)] == ["processing"]


def test_a_restored_query_remembers_what_it_rejected():
    driver = driver_of(GROUPED)
    change(driver, "a", "g", 60)
    change(driver, "b", "g", 50)
    restart(driver)
    change(driver, "b", None, None)
    assert latest(driver, "g") == {"N": 1, "T": 60}


@pytest.mark.parametrize(
    ("window", "store"),
    [
        ("", MemoryKeyValueStore),
        ("WINDOW TUMBLING (SIZE 1 SECOND)", MemoryWindowStore),
        ("WINDOW SESSION (1 SECOND)", MemorySessionStore),
    ],
)
@pytest.mark.parametrize("error", [StateError("disk full"), KeyError("a bug")])
def test_a_failing_store_is_not_taken_for_a_bad_row(monkeypatch, window, store, error):
    def put(*_):
        raise error

    monkeypatch.setattr(store, "put", put)
    driver = driver_of(STREAM + f"CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S {window} GROUP BY K;")
    with pytest.raises(type(error)):
        send(driver, "s", "a", {"A": 1})
    assert problems(driver) == []


def test_a_bug_in_an_expression_is_not_taken_for_a_bad_row():
    library = Library("STRING")

    @library.scalar("BROKEN", "text STRING -> STRING", description="A function of ours with a bug.")
    def broken(text):
        raise AssertionError("a bug")

    statements = STREAM + "CREATE STREAM O AS SELECT K, BROKEN(B) AS X FROM S;"
    driver = driver_of(statements, functions=default_registry().extended((library,)))
    with pytest.raises(AssertionError):
        send(driver, "s", "a", {"A": 1, "B": "x"})


UDF = """
from bifrost.engine.functions.udf import Aggregator, Library

FUNCTIONS = Library("STRING")


@FUNCTIONS.scalar("FETCHED", "text STRING -> STRING", description="Fails.")
def fetched(text):
    raise OSError("no route to host")


@FUNCTIONS.table("LISTED", "text STRING -> STRING", description="Fails.")
def listed(text):
    raise OSError("no route to host")


@FUNCTIONS.aggregate("GATHERED", "text STRING -> STRING", description="Fails.")
def gathered(context):
    def add(state, text):
        raise OSError("no route to host")

    return Aggregator(lambda: "", add, lambda state: state)
"""


@pytest.mark.parametrize(
    "call",
    [
        "FETCHED(B) AS X FROM S",
        "LISTED(B) AS X FROM S",
        "GATHERED(B) AS X FROM S GROUP BY K",
    ],
)
def test_whatever_a_user_defined_function_raises_concerns_its_row_only(tmp_path, call):
    (tmp_path / "fetched.py").write_text(UDF, encoding="utf-8")
    kind = "TABLE" if "GROUP" in call else "STREAM"
    driver = driver_of(STREAM + f"CREATE {kind} O AS SELECT K, {call};", functions=registry_of(tmp_path))
    send(driver, "s", "a", {"A": 1, "B": "x"})
    assert "OSError: no route to host" in problems(driver)[0][1]


def test_a_row_that_could_not_be_subtracted_is_subtracted_as_soon_as_possible():
    driver = driver_of(GROUPED)
    for key, value in (("a", 60), ("b", -50), ("c", 60)):
        change(driver, key, "g", value)
    change(driver, "b", None, None)
    assert latest(driver, "g") == {"N": 3, "T": 70}
    change(driver, "c", None, None)
    assert latest(driver, "g") == {"N": 1, "T": 60}


@pytest.mark.parametrize("seed", range(20))
def test_a_group_whose_rows_are_all_gone_is_empty_whatever_was_rejected(seed):
    chance = random.Random(seed)
    driver = driver_of(GROUPED)
    keys, groups = "abcde", "gh"
    for _ in range(60):
        if chance.random() < 0.2:
            change(driver, chance.choice(keys), None, None)
        else:
            change(driver, chance.choice(keys), chance.choice(groups), chance.randrange(-99, 100))
        if chance.random() < 0.1:
            restart(driver)
    for key in keys:
        change(driver, key, None, None)
    assert {row["N"] for _, row in received(driver, "O")} <= set(range(6))
    for group in groups:
        assert latest(driver, group) == {"N": 0, "T": 0}
