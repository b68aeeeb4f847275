"""Queries, types and names in ksqlDB: what counts as running, what as changed, and how commands are written."""

import pytest

from bifrost.deployer.live.ownership import Owned, Ownership
from bifrost.deployer.plan.actions import ActionKind
from bifrost.errors import NotReady, PlanRefused, Refused
from tests.deployer.conftest import CUSTOMERS, RATINGS
from tests.fakes.http_server import Fault

INSERT = (
    RATINGS
    + "INSERT INTO ALERTS SELECT R.USER_ID, R.STARS, C.EMAIL FROM RATINGS R JOIN CUSTOMERS C ON R.USER_ID = C.ID;"
)
TYPED = "CREATE TYPE ADDRESS AS STRUCT<STREET STRING, LINES ARRAY<STRING>>;\n" + RATINGS


def changes(plan) -> list[str]:
    return [f"{action.kind} {action.resource} {action.name}" for action in plan.changes]


def insert_query(fakes) -> str:
    return next(query for query in fakes.ksqldb.queries if query.startswith("INSERTQUERY"))


def test_an_insert_query_in_error_fails_up(project, fakes):
    project.write("ksql/ratings.sql", INSERT)
    fakes.up(project.declared())
    query = insert_query(fakes)
    fakes.ksqldb.queries[query] |= {"state": "ERROR", "errors": [{"errorMessage": "X: a\nCaused by: Y: no such topic"}]}

    with pytest.raises(NotReady, match=f"query {query}: is ERROR: Y: no such topic"):
        fakes.up(project.declared())


def test_an_insert_query_that_vanishes_after_its_start_fails_up(project, fakes):
    project.write("ksql/ratings.sql", INSERT)
    fakes.up(project.declared())
    start = fakes.ksqldb._start
    fakes.ksqldb.queries.pop(insert_query(fakes))
    fakes.ksqldb._start = lambda query_id, text, sink: (
        None if query_id.startswith("INSERT") else start(query_id, text, sink)
    )

    with pytest.raises(NotReady, match=r"query of INSERT INTO ALERTS \(ratings 1\): is missing"):
        fakes.up(project.declared())


@pytest.mark.parametrize("counts", [{"PAUSED": 1}, {"RUNNING": 1, "PAUSED": 1}, {"RUNNING": 0, "PAUSED": 2}])
def test_a_query_that_a_server_counts_as_paused_is_resumed(project, fakes, counts):
    fakes.up(project.declared())
    query = next(query for query in fakes.ksqldb.queries if "ALERTS" in query)
    fakes.ksqldb.queries[query]["statusCount"] = counts

    plan = fakes.plan(project.declared())

    assert changes(plan) == [f"update query {query}"]
    assert plan.changes[0].reason == "is PAUSED by a command; it is resumed (ALERTS)"


def test_a_query_with_an_error_on_one_of_several_servers_fails_up(project, fakes):
    fakes.up(project.declared())
    query = next(query for query in fakes.ksqldb.queries if "ALERTS" in query)
    fakes.ksqldb.queries[query]["statusCount"] = {"RUNNING": 1, "ERROR": 1}

    with pytest.raises(NotReady, match=f"query {query}: is ERROR"):
        fakes.up(project.declared())


def test_a_changed_type_is_planned_and_replaced(project, fakes):
    project.write("ksql/ratings.sql", TYPED)
    fakes.up(project.declared())
    assert changes(fakes.plan(project.declared())) == []
    project.write("ksql/ratings.sql", TYPED.replace("LINES ARRAY<STRING>", "ZIP DECIMAL(5, 0), LINES ARRAY<INT>"))

    plan, _ = fakes.up(project.declared())

    (action,) = plan.changes
    assert (action.kind, action.name) == (ActionKind.REPLACE, "ADDRESS")
    assert action.reason == (
        "STRUCT<`STREET` STRING, `LINES` ARRAY<STRING>> -> "
        "STRUCT<`STREET` STRING, `ZIP` DECIMAL(5, 0), `LINES` ARRAY<INTEGER>>"
    )
    assert changes(fakes.plan(project.declared())) == []


@pytest.mark.parametrize(
    ("old", "new", "is_changed"),
    [
        ("INT", "INTEGER", False),
        ("VARCHAR", "STRING", False),
        ("INT", "BIGINT", True),
        ("DECIMAL(4, 2)", "DECIMAL(4,2)", False),
        ("DECIMAL(4, 2)", "DECIMAL(5, 2)", True),
        ("MAP<STRING, INT>", "MAP<STRING, BIGINT>", True),
        ("STRUCT<A INT>", "STRUCT<a INT>", False),
        ("STRUCT<A INT>", "STRUCT<`a` INT>", True),
        ("ARRAY<STRUCT<A INT>>", "ARRAY<STRUCT<A INT, B INT>>", True),
    ],
)
def test_types_are_compared_by_what_they_mean(project, fakes, old, new, is_changed):
    project.write("ksql/ratings.sql", f"CREATE TYPE T AS {old};\n{RATINGS}")
    fakes.up(project.declared())
    project.write("ksql/ratings.sql", f"CREATE TYPE T AS {new};\n{RATINGS}")

    assert bool(changes(fakes.plan(project.declared()))) is is_changed


def test_commands_for_a_person_quote_names_that_need_it(project, fakes):
    named = CUSTOMERS.replace("CUSTOMERS_SRC_REKEY", "`customers re-key`").replace(
        "'`customers re-key`'", "'customers_rekey'"
    )
    named = named.replace("WITH (PARTITIONS=1", "WITH (KAFKA_TOPIC='customers_rekey', PARTITIONS=1")
    project.write("ksql/customers.sql", named)
    fakes.up(project.declared())
    fakes.platform.ksqldb.execute("CREATE STREAM THEIRS AS SELECT * FROM `customers re-key`;")
    project.write("ksql/customers.sql", named.replace("PARTITION BY K->ID", "PARTITION BY EMAIL"))

    with pytest.raises(PlanRefused) as caught:
        fakes.up(project.declared())

    assert "THEIRS, which no file declares, must be dropped first" in str(caught.value)
    assert "DROP STREAM `customers re-key`;" in caught.value.commands
    assert "TERMINATE `CSAS_customers re-key_1`;" in caught.value.commands
    assert "DROP TABLE CUSTOMERS;" in caught.value.commands


def test_a_source_that_is_dropped_while_the_plan_reads_is_no_error(project, fakes):
    fakes.up(project.declared())
    described = fakes.ksqldb._answer

    def drop_after_listing(tree, text):
        found = described(tree, text)
        if text.startswith(("LIST STREAMS", "LIST TABLES")):
            fakes.ksqldb.sources.pop("ALERTS", None)
        return found

    fakes.ksqldb._answer = drop_after_listing

    assert "ALERTS" in {action.name for action in fakes.plan(project.declared()).actions}


STARTING = {"error_code": 50300, "message": "KSQL is not yet ready to serve requests."}


def test_a_server_that_is_starting_is_waited_for_with_progress(project, fakes):
    fakes.up(project.declared())
    fakes.servers["ksqldb"].faults.append(Fault("GET", "/info", 503, STARTING, times=20))

    plan = fakes.plan(project.declared())

    assert changes(plan) == []
    assert len(fakes.waits) == 20
    assert fakes.waits[-1] == "ksqlDB is not ready yet; waiting (38 s)"


def test_a_server_that_never_starts_is_an_error(project, fakes):
    fakes.servers["ksqldb"].faults.append(Fault("GET", "/info", 503, STARTING, times=9999))

    with pytest.raises(NotReady, match="KSQL is not yet ready to serve requests"):
        fakes.plan(project.declared())


def test_a_server_that_stops_and_starts_again_is_not_read_as_empty(project, fakes):
    fakes.up(project.declared())
    queries = dict(fakes.ksqldb.queries)
    fakes.ksqldb.queries.popitem()
    stopped = Fault("POST", "/ksql", 500, {"message": "Worker executor closed"}, times=5)
    steps = [lambda: fakes.ksqldb.queries.clear(), lambda: fakes.servers["ksqldb"].faults.append(stopped)]
    sleep = fakes.clock.sleep

    def stop_and_start(seconds):
        sleep(seconds)
        if steps:
            steps.pop(0)()
        elif not stopped.times:
            fakes.ksqldb.queries.update(queries)

    fakes.clock.sleep = stop_and_start

    assert changes(fakes.plan(project.declared())) == []
    assert any("checking whether ksqlDB is stopping" in text for text in fakes.waits)
    assert any("ksqlDB is stopping; waiting" in text for text in fakes.waits)


def test_another_system_that_is_away_is_not_waited_for(project, fakes):
    fakes.servers["connect"].faults.append(Fault("GET", "/connectors", 503, {"message": "x"}, times=9999))

    with pytest.raises(NotReady, match="Kafka Connect"):
        fakes.plan(project.declared())
    assert fakes.waits == []


def foreign(fakes, text: str) -> None:
    """A statement that other people run on the same server."""
    fakes.platform.ksqldb.execute(text)


class TestPruning:
    def test_what_other_people_made_is_kept(self, project, fakes):
        fakes.up(project.declared())
        foreign(fakes, "CREATE STREAM THEIRS AS SELECT * FROM RATINGS;")
        foreign(fakes, "INSERT INTO THEIRS SELECT * FROM RATINGS;")
        before = dict(fakes.ksqldb.queries)

        plan, _ = fakes.up(project.declared(), prune=True)

        assert plan.changes == ()
        assert {(item.resource, item.name, item.owned) for item in plan.undeclared} == {
            ("query", "CSAS_THEIRS_3", False),
            ("query", "INSERTQUERY_4", False),
            ("statement", "THEIRS", False),
        }
        assert (fakes.ksqldb.queries, "THEIRS" in fakes.ksqldb.sources) == (before, True)

    def test_what_this_project_made_is_removed(self, project, fakes):
        project.write("ksql/ratings.sql", INSERT)
        fakes.up(project.declared())
        project.write("ksql/ratings.sql", RATINGS.split(";")[0] + ";")

        plan, _ = fakes.up(project.declared(), prune=True)

        assert changes(plan) == [
            "delete query CSAS_ALERTS_2",
            "delete query INSERTQUERY_3",
            "delete statement ALERTS",
        ]
        assert [(item.resource, item.name) for item in fakes.plan(project.declared()).undeclared] == [
            ("topic", "ALERTS")
        ]
        assert "bifrost|statement|ALERTS" not in fakes.owned.content

    def test_a_name_that_was_dropped_and_made_again_by_others_is_theirs(self, project, fakes):
        project.write("ksql/extra.sql", "CREATE STREAM EXTRA AS SELECT * FROM RATINGS;")
        fakes.up(project.declared())
        (project.root / "ksql/extra.sql").unlink()
        fakes.up(project.declared(), prune=True)
        foreign(fakes, "CREATE STREAM EXTRA AS SELECT * FROM CUSTOMERS_SRC;")

        plan, _ = fakes.up(project.declared(), prune=True)

        assert plan.changes == ()

    def test_what_others_read_is_kept_and_named(self, project, fakes):
        project.write("ksql/extra.sql", "CREATE STREAM EXTRA AS SELECT * FROM RATINGS;")
        fakes.up(project.declared())
        (project.root / "ksql/extra.sql").unlink()
        foreign(fakes, "CREATE STREAM THEIRS AS SELECT * FROM EXTRA;")

        plan, _ = fakes.up(project.declared(), prune=True)

        assert "EXTRA" in fakes.ksqldb.sources
        (kept,) = [item for item in plan.undeclared if (item.resource, item.name) == ("statement", "EXTRA")]
        assert kept.kept_because == "read by CSAS_THEIRS_4, THEIRS, which stays"

    def test_the_query_of_a_source_table_is_dropped_with_its_table(self, project, fakes):
        table = "CREATE SOURCE TABLE ST (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='ratings', FORMAT='JSON');"
        project.write("ksql/extra.sql", table)
        fakes.up(project.declared())
        fakes.ksqldb._start("CST_ST_171", table, "ST")
        (project.root / "ksql/extra.sql").unlink()

        plan, _ = fakes.up(project.declared(), prune=True)

        assert changes(plan) == ["delete statement ST"]
        assert not [text for text in fakes.ksqldb.statements if text.startswith("TERMINATE")]

    def test_a_deployment_that_stops_half_way_has_recorded_what_it_made(self, project, fakes):
        fakes.ksqldb.subjects_needed = lambda tree: "x" if tree.name == "ALERTS" else None
        with pytest.raises(Refused):
            fakes.up(project.declared())

        assert "bifrost|statement|RATINGS" in fakes.owned.content

    def test_two_projects_on_one_cluster_keep_apart(self, project, fakes):
        fakes.up(project.declared())
        assert Ownership(fakes.owned, "other").read() == Owned()

    def test_a_declared_insert_with_a_star_is_not_undeclared(self, project, fakes):
        project.write("ksql/extra.sql", "INSERT INTO ALERTS SELECT * FROM ALERTS;")
        fakes.up(project.declared())
        assert fakes.plan(project.declared()).undeclared == ()


def test_a_failed_query_that_is_dropped_before_its_cause_is_read_is_no_crash(project, fakes):
    fakes.up(project.declared())
    query = next(query for query in fakes.ksqldb.queries if "ALERTS" in query)
    fakes.ksqldb.queries[query]["state"] = "ERROR"
    gone = Fault("POST", "/ksql", 400, {"message": "Query with id:X does not exist"}, times=99)
    execute = fakes.platform.ksqldb.execute

    def only_explain_fails(text, **options):
        if text.startswith("EXPLAIN"):
            fakes.servers["ksqldb"].faults.append(gone)
        try:
            return execute(text, **options)
        finally:
            fakes.servers["ksqldb"].faults.clear()

    fakes.platform.ksqldb.execute = only_explain_fails

    with pytest.raises(NotReady, match=f"query {query}: is ERROR .log:"):
        fakes.up(project.declared())


def test_an_insert_that_a_stopping_server_has_ended_already_is_not_started_twice(project, fakes):
    project.write("ksql/ratings.sql", INSERT)
    fakes.up(project.declared())
    query = insert_query(fakes)
    ended = fakes.ksqldb.queries.pop(query)
    sleep = fakes.clock.sleep

    def start_again(seconds):
        sleep(seconds)
        fakes.ksqldb.queries[query] = ended

    fakes.clock.sleep = start_again

    assert changes(fakes.plan(project.declared())) == []
    assert "INSERT INTO ALERTS (ratings 1): no query; checking whether ksqlDB is stopping" in fakes.waits


def test_an_insert_that_stays_missing_is_planned(project, fakes):
    fakes.up(project.declared())
    project.write("ksql/ratings.sql", INSERT)
    assert changes(fakes.plan(project.declared())) == ["create statement INSERT INTO ALERTS (ratings 1)"]
