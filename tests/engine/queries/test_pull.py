"""Pull queries, against tables that are being made from records on a cluster in memory."""

import pytest

from bifrost.engine.statements.client_session import ClientSession
from bifrost.errors import AnalysisError, NotReady
from tests.engine.runtime.engines import execute

SETUP = (
    "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=3, VALUE_FORMAT='JSON');"
    "CREATE TABLE N AS SELECT K, COUNT(*) AS C, SUM(A) AS T FROM S GROUP BY K EMIT CHANGES;"
    "CREATE TABLE W AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY K EMIT CHANGES;"
)


@pytest.fixture
def engine(world):
    made = world.engine()
    execute(made, SETUP)
    for key, value, time in (("a", 1, 0), ("b", 2, 1000), ("a", 3, 12_000), ("c", 4, 25_000)):
        world.send("s", {"A": value}, key, timestamp=time)
    world.cluster.wait_for(lambda: len(world.values("N")) == 4 and len(world.values("W")) == 4)
    return made


def rows(engine, text):
    return engine.query(text, ClientSession()).rows


def test_by_key(engine):
    assert rows(engine, "SELECT * FROM N WHERE K = 'a';") == [("a", 2, 4)]
    assert rows(engine, "SELECT * FROM N WHERE K = 'missing';") == []


def test_by_several_keys(engine):
    assert sorted(rows(engine, "SELECT K FROM N WHERE K IN ('a', 'c', 'x');")) == [("a",), ("c",)]


def test_all_rows_come_by_key(engine):
    assert rows(engine, "SELECT K, C FROM N;") == [("a", 2), ("b", 1), ("c", 1)]


def test_a_range_of_keys(engine):
    assert rows(engine, "SELECT K FROM N WHERE K >= 'b';") == [("b",), ("c",)]


def test_a_predicate_on_values_and_computed_columns(engine):
    assert rows(engine, "SELECT K, T * 10 AS X FROM N WHERE T > 2;") == [("a", 40), ("c", 40)]


def test_limit(engine):
    assert rows(engine, "SELECT K FROM N LIMIT 2;") == [("a",), ("b",)]


def test_windows_of_a_key(engine):
    assert rows(engine, "SELECT * FROM W WHERE K = 'a';") == [("a", 0, 10_000, 1), ("a", 10_000, 20_000, 1)]


def test_windows_within_bounds(engine):
    found = rows(engine, "SELECT WINDOWSTART, C FROM W WHERE K = 'a' AND WINDOWSTART >= 10000;")
    assert found == [(10_000, 1)]


def test_the_header_marks_keys(engine):
    header = engine.query("SELECT * FROM W WHERE K = 'a';", ClientSession()).header
    assert str(header) == "`K` STRING KEY, `WINDOWSTART` BIGINT KEY, `WINDOWEND` BIGINT KEY, `C` BIGINT"


def test_rows_are_available_after_a_restart(world, engine):
    engine.close()
    again = world.engine()
    (query, _) = again.state.queries
    world.cluster.wait_for(lambda: query.runner.state.shown == "RUNNING" and query.runner.offsets() is not None)
    world.cluster.wait_for(lambda: _answers(again))
    assert rows(again, "SELECT * FROM N WHERE K = 'a';") == [("a", 2, 4)]


def _answers(engine):
    try:
        return rows(engine, "SELECT * FROM N WHERE K = 'a';") != []
    except NotReady:
        return False


def test_a_table_that_no_query_materializes_cannot_be_queried(world, engine):
    execute(engine, "CREATE TABLE T (K STRING PRIMARY KEY) WITH (KAFKA_TOPIC='N', VALUE_FORMAT='JSON');")
    with pytest.raises(AnalysisError, match="The `T` table isn't queryable"):
        rows(engine, "SELECT * FROM T WHERE K = 'a';")
    execute(engine, "TERMINATE ALL;")
    with pytest.raises(AnalysisError, match="no running query stores its rows"):
        rows(engine, "SELECT * FROM N WHERE K = 'a';")


def test_a_plan_holds_no_longer_than_its_table(world, engine):
    text = "SELECT * FROM N WHERE K = 'a';"
    assert rows(engine, text) == rows(engine, text) == [("a", 2, 4)]
    execute(engine, "DROP TABLE N DELETE TOPIC;")
    with pytest.raises(AnalysisError, match="N does not exist"):
        rows(engine, text)
    execute(engine, "CREATE TABLE N AS SELECT K, MAX(A) AS M FROM S GROUP BY K EMIT CHANGES;")
    world.cluster.wait_for(lambda: _answers(engine))
    assert rows(engine, text) == [("a", 3)]


@pytest.mark.parametrize(
    ("expression", "literal", "key"),
    [
        ("ARRAY[A, 7]", "ARRAY[1, 7]", [1, 7]),
        ("STRUCT(N := A, T := 'x')", "STRUCT(N := 1, T := 'x')", {"N": 1, "T": "x"}),
        ("ARRAY[STRUCT(N := A)]", "ARRAY[STRUCT(N := 1)]", [{"N": 1}]),
    ],
)
def test_by_array_and_struct_keys(world, engine, expression, literal, key):
    execute(
        engine,
        f"CREATE TABLE X WITH (KEY_FORMAT='JSON') AS SELECT {expression} AS K2, COUNT(*) AS C FROM S"
        f" GROUP BY {expression} EMIT CHANGES;",
        {"auto.offset.reset": "earliest"},
    )
    world.cluster.wait_for(lambda: len(world.values("X")) == 4)
    assert rows(engine, f"SELECT * FROM X WHERE K2 = {literal};") == [(key, 1)]
    assert rows(engine, f"SELECT C FROM X WHERE K2 IN ({literal}, {literal});") == [(1,)]
    assert len(rows(engine, "SELECT * FROM X;")) == 4


NESTED = (
    "CREATE STREAM D (K STRING KEY, A ARRAY<INT>, P STRUCT<X INT, Y STRING>)"
    " WITH (KAFKA_TOPIC='d', PARTITIONS=1, VALUE_FORMAT='JSON');"
    "CREATE TABLE TA WITH (KEY_FORMAT='JSON') AS SELECT A, COUNT(*) AS N FROM D GROUP BY A;"
    "CREATE TABLE TP WITH (KEY_FORMAT='JSON') AS SELECT P, A, COUNT(*) AS N FROM D "
    "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY P, A;"
    "CREATE SOURCE TABLE TC (P STRUCT<X INT, Y STRING> PRIMARY KEY, A ARRAY<INT> PRIMARY KEY, N BIGINT) WITH "
    "(KAFKA_TOPIC='TP', KEY_FORMAT='JSON', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 HOUR');"
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM TA WHERE A = ARRAY[1, 2];", [([1, 2], 2)]),
        ("SELECT * FROM TA WHERE A IN (ARRAY[3], ARRAY[3], ARRAY[7]);", [([3], 1)]),
        ("SELECT N FROM TP WHERE P = STRUCT(X := 1, Y := 'q') AND A = ARRAY[1, 2];", [(2,)]),
        ("SELECT N FROM TC WHERE P = STRUCT(X := 1, Y := 'q') AND A = ARRAY[1, 2];", [(2,)]),
        ("SELECT N FROM TC WHERE P = STRUCT(X := 1, Y := 'z') AND A = ARRAY[1, 2];", []),
        ("SELECT N FROM TP WHERE P->X = 2;", [(1,)]),
    ],
)
def test_keys_of_arrays_and_structs(world, engine, query, expected):
    execute(engine, NESTED)
    for array, x in (([1, 2], 1), ([3], 2), ([1, 2], 1)):
        world.send("d", {"A": array, "P": {"X": x, "Y": "q"}}, "k")

    def ready():
        try:
            return rows(engine, query) == expected and rows(engine, "SELECT * FROM TC;")[0][-1] == 2
        except (NotReady, IndexError):
            return False

    world.cluster.wait_for(ready)
