"""Plans that are used again for another key are those that planning would have made."""

import pytest

from bifrost.engine.statements.client_session import ClientSession
from bifrost.errors import BifrostError
from tests.engine.runtime.engines import World, execute

SETUP = (
    "CREATE STREAM S (K STRING KEY, I INT, L BIGINT, D DOUBLE, A INT) "
    "WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');"
    "CREATE TABLE N AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;"
    "CREATE TABLE W AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY K EMIT CHANGES;"
    "CREATE TABLE `where k` AS SELECT I AS `a = 1`, COUNT(*) AS C FROM S GROUP BY I EMIT CHANGES;"
    "CREATE TABLE NI AS SELECT I, COUNT(*) AS C FROM S GROUP BY I EMIT CHANGES;"
    "CREATE TABLE NL AS SELECT L, COUNT(*) AS C FROM S GROUP BY L EMIT CHANGES;"
    "CREATE TABLE ND AS SELECT D, COUNT(*) AS C FROM S GROUP BY D EMIT CHANGES;"
    "CREATE TABLE N2 WITH (KEY_FORMAT='JSON') AS SELECT K, I, COUNT(*) AS C FROM S GROUP BY K, I EMIT CHANGES;"
)
LITERALS = ("1", "2", "-3", "007", "2147483648", "-2147483648", "1.5", "1e3", "'a'", "'b'", "'it''s'", "'a\\n'", "NULL")
TEXTS = (
    "SELECT * FROM N WHERE K = {};",
    "select k, c + 1 as x from n where k={}",
    "SELECT * FROM W WHERE K = {}  ;  ",
    "SELECT * FROM W WHERE K = 'a' AND WINDOWSTART = {};",
    "SELECT * FROM W WHERE WINDOWSTART = {} AND K = 'a';",
    "SELECT * FROM NI WHERE I = {};",
    "SELECT 1 AS ONE, 'x' AS X, * FROM NI WHERE I = {};",
    "SELECT * FROM NI WHERE I = 1 OR I = {};",
    "SELECT * FROM NI WHERE I = 1 AND I = {};",
    "SELECT * FROM NI WHERE I = 1 -- I = {}",
    "SELECT * FROM NI WHERE I /* = 1 */ = {}",
    "SELECT * FROM NI WHERE C = {};",
    "SELECT * FROM NI WHERE I > {};",
    "SELECT * FROM NI WHERE I = {} LIMIT 1;",
    "SELECT * FROM `where k` WHERE `a = 1` = {};",
    "SELECT * FROM NL WHERE L = {};",
    "SELECT * FROM ND WHERE D = {};",
    "SELECT * FROM N2 WHERE K = 'a' AND I = {};",
    "SELECT * FROM N2 WHERE I = {};",
    "SELECT * FROM MISSING WHERE I = {};",
)


@pytest.fixture(scope="module")
def engine():
    world = World()
    made = world.engine()
    execute(made, SETUP)
    yield made
    world.close()


def planned(engine, text):
    try:
        return engine.plan_query(text, ClientSession())
    except BifrostError as error:
        return str(error)


@pytest.mark.parametrize("text", TEXTS)
def test_a_plan_for_another_key_is_that_of_planning(engine, text):
    texts = [text.format(literal) for literal in LITERALS]
    fresh = []
    for entry in texts:
        engine.state.changed()
        fresh.append(planned(engine, entry))
    engine.state.changed()
    for _ in range(2):
        assert [planned(engine, entry) for entry in texts] == fresh


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SELECT * FROM N WHERE K = 'a';", "SELECT * FROM N WHERE K = 'b';"),
        ("SELECT * FROM NI WHERE I = 1;", "SELECT * FROM NI WHERE I = -20;"),
        ("SELECT * FROM NL WHERE L = 3000000000;", "SELECT * FROM NL WHERE L = 4000000000;"),
        ("SELECT C FROM W WHERE K='a';", "SELECT C FROM W WHERE K='';"),
    ],
)
def test_a_lookup_that_differs_in_its_key_is_not_planned_again(engine, monkeypatch, first, second):
    engine.state.changed()
    planned(engine, first)
    with monkeypatch.context() as patched:
        patched.setattr(engine, "_planned_query", None)
        found = engine.plan_query(second, ClientSession())
    engine.state.changed()
    assert found == planned(engine, second)


def test_variables_and_properties_are_part_of_a_plan(engine):
    text = "SELECT * FROM NI WHERE I = 1;"
    scans = ClientSession.of({"ksql.query.pull.table.scan.enabled": "false"}, {})
    variables = ClientSession.of({}, {"key": "2"})
    engine.state.changed()
    assert engine.plan_query(text, ClientSession()).lookups[0].key == (1,)
    assert engine.plan_query("SELECT * FROM NI WHERE I = ${key};", variables).lookups[0].key == (2,)
    assert engine.plan_query("SELECT * FROM NI WHERE I = 3;", scans).lookups[0].key == (3,)
    assert engine.plan_query("SELECT * FROM N WHERE K = '${key}';", variables).lookups[0].key == ("2",)
    assert engine.plan_query("SELECT * FROM N WHERE K = '${key}';", ClientSession()).lookups[0].key == ("${key}",)


def test_a_dropped_table_is_not_found_by_an_earlier_plan(engine):
    execute(engine, "CREATE TABLE T AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;")
    assert planned(engine, "SELECT * FROM T WHERE K = 'a';").lookups[0].key == ("a",)
    execute(engine, "DROP TABLE T;")
    assert "T does not exist" in planned(engine, "SELECT * FROM T WHERE K = 'b';")
