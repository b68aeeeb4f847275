"""What a plan says about each kind of change that people make to statements, and in which order it replaces them."""

from dataclasses import replace

import pytest

from bifrost.deployer.plan.replace_choices import ReplaceChoices
from bifrost.deployer.plan.statement_changes import StatementScope
from bifrost.deployer.plan.statements import plan_statements
from tests.deployer.plan.planned_server import PlannedServer, losses, steps

SHOP = """SET 'auto.offset.reset' = 'earliest';
CREATE TYPE PLACE AS STRUCT<TOWN STRING>;
CREATE STREAM ORDERS (ID BIGINT KEY, CUSTOMER INT, TOTAL DOUBLE, TOWN STRING, SPOT PLACE)
  WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');
CREATE TABLE PEOPLE (ID INT PRIMARY KEY, NAME STRING) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON');
CREATE SOURCE TABLE RATES (ID INT PRIMARY KEY, RATE DOUBLE) WITH (KAFKA_TOPIC='rates', VALUE_FORMAT='JSON');
CREATE STREAM BIG WITH (VALUE_FORMAT='AVRO') AS SELECT ID, CUSTOMER, TOTAL FROM ORDERS WHERE TOTAL > 10;
CREATE STREAM BY_CUSTOMER AS SELECT CUSTOMER, TOTAL, ID FROM ORDERS PARTITION BY CUSTOMER;
CREATE STREAM NAMED AS SELECT B.CUSTOMER AS CUSTOMER, B.TOTAL AS TOTAL, P.NAME AS NAME
  FROM BY_CUSTOMER B LEFT JOIN PEOPLE P ON B.CUSTOMER = P.ID;
CREATE TABLE TOTALS AS SELECT CUSTOMER, SUM(TOTAL) AS TOTAL FROM ORDERS GROUP BY CUSTOMER;
CREATE TABLE HOURLY AS SELECT CUSTOMER, COUNT(*) AS N FROM ORDERS
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 10 MINUTES) GROUP BY CUSTOMER;
CREATE STREAM ALERTS AS SELECT * FROM NAMED WHERE TOTAL > 1000;
CREATE STREAM COPY (ID BIGINT KEY, TOTAL DOUBLE) WITH (KAFKA_TOPIC='copy', VALUE_FORMAT='JSON', PARTITIONS=2);
INSERT INTO COPY SELECT ID, TOTAL FROM ORDERS;
"""
INSERT = "INSERT INTO COPY (shop 1)"
RECORDS = dict.fromkeys(("BIG", "BY_CUSTOMER", "NAMED", "TOTALS", "HOURLY", "ALERTS", "copy"), 7)
ES = {"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "topics": "ALERTS"}
S3 = {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": "ALERTS, BIG"}


@pytest.fixture
def shop(tmp_path):
    return PlannedServer(
        tmp_path,
        SHOP,
        records=RECORDS,
        unread={"ALERTS": {"alerts.big_order": 0, "connect-to-s3": 0, "reports": 3}},
        connectors={"to-es": ES, "to-s3": S3},
        alerts={"big_order": "ALERTS"},
    )


def edit(old: str, new: str) -> str:
    assert SHOP.count(old) == 1, old
    return SHOP.replace(old, new)


def summary(actions) -> list[str]:
    return [f"{action.kind} {action.name}: {action.reason}" for action in actions]


UNCHANGED = {
    "another form": ("WHERE TOTAL > 10;", "where total>10 EMIT CHANGES;"),
    "a comment": ("WHERE TOTAL > 10;", "-- large orders\nWHERE TOTAL > 10;"),
}


@pytest.mark.parametrize(("old", "new"), UNCHANGED.values(), ids=UNCHANGED)
def test_what_changes_no_meaning_changes_nothing(shop, old, new):
    assert summary(shop.changed(edit(old, new))) == []


IN_PLACE = {
    "another filter": (
        "TOTAL > 10;",
        "TOTAL > 20;",
        "update BIG: in place: filter changed; continues from its committed offsets",
    ),
    "a column at the end": (
        "SELECT ID, CUSTOMER, TOTAL FROM",
        "SELECT ID, CUSTOMER, TOTAL, TOWN FROM",
        "update BIG: in place: columns added: TOWN; continues from its committed offsets",
    ),
    "another expression of the same type": (
        "SELECT ID, CUSTOMER, TOTAL FROM",
        "SELECT ID, CUSTOMER, TOTAL * 2 AS TOTAL FROM",
        "update BIG: in place: columns changed; continues from its committed offsets",
    ),
    "a filter of an aggregation over columns that it reads": (
        "SUM(TOTAL) AS TOTAL FROM ORDERS",
        "SUM(TOTAL) AS TOTAL FROM ORDERS WHERE TOTAL > 0",
        "update TOTALS: in place: filter changed; continues from its committed offsets",
    ),
    "HAVING over an aggregate that is computed already": (
        "SUM(TOTAL) AS TOTAL FROM ORDERS GROUP BY CUSTOMER",
        "SUM(TOTAL) AS TOTAL FROM ORDERS GROUP BY CUSTOMER HAVING SUM(TOTAL) > 5",
        "update TOTALS: in place: HAVING changed; continues from its committed offsets",
    ),
    "a column at the end of a source": (
        "TOWN STRING, SPOT PLACE)",
        "TOWN STRING, SPOT PLACE, NOTE STRING)",
        "update ORDERS: in place: columns added: NOTE",
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), IN_PLACE.values(), ids=IN_PLACE)
def test_what_ksqldb_upgrades_is_changed_in_place_and_loses_nothing(shop, old, new, expected):
    (action,) = shop.changed(edit(old, new))

    assert summary([action]) == [expected]
    assert action.loss == ()
    (run,) = action.operations
    assert run.statement.text.startswith("CREATE OR REPLACE ")


REPLACED = {
    "a column in the middle": (
        "SELECT ID, CUSTOMER, TOTAL FROM",
        "SELECT ID, TOWN, CUSTOMER, TOTAL FROM",
        ["BIG: SELECT differs; in place, ksqlDB adds columns at the end only (CUSTOMER, TOTAL changed"],
        "topic BIG keeps its 7 records and gets about as many again",
    ),
    "another type of a column in a registry": (
        "SELECT ID, CUSTOMER, TOTAL FROM",
        "SELECT ID, CUSTOMER, CAST(TOTAL AS STRING) AS TOTAL FROM",
        ["BIG: SELECT differs"],
        "topic BIG is deleted with its 7 records, because it cannot be kept (column TOTAL: DOUBLE -> STRING, which the "
        "schema registry refuses) [delete]",
    ),
    "the size of a window": (
        "SIZE 1 HOUR",
        "SIZE 2 HOURS",
        ["HOURLY: WINDOW differs; ksqlDB does not change a query with a window in place"],
        "topic HOURLY keeps its 7 records and gets their rows again",
    ),
    "a grace period": (
        "10 MINUTES",
        "20 MINUTES",
        ["HOURLY: WINDOW differs; ksqlDB does not change a query with a window in place"],
        "its state is rebuilt from all records of ORDERS",
    ),
    "a filter of a window": (
        "FROM ORDERS\n  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 10 MINUTES)",
        "FROM ORDERS\n  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 10 MINUTES) WHERE TOTAL > 1",
        ["HOURLY: WHERE differs; ksqlDB does not change a query with a window in place"],
        "its state is rebuilt from all records of ORDERS",
    ),
    "GROUP BY": (
        "SELECT CUSTOMER, SUM(TOTAL) AS TOTAL FROM ORDERS GROUP BY CUSTOMER",
        "SELECT TOWN, SUM(TOTAL) AS TOTAL FROM ORDERS GROUP BY TOWN",
        ["TOTALS: SELECT differs"],
        "topic TOTALS is deleted with its 7 records, because it cannot be kept (key: INTEGER -> STRING) [delete]",
    ),
    "a filter of an aggregation over another column": (
        "SUM(TOTAL) AS TOTAL FROM ORDERS",
        "SUM(TOTAL) AS TOTAL FROM ORDERS WHERE TOWN = 'x'",
        ["TOTALS: WHERE differs; ksqlDB does not change what an aggregation computes"],
        "its state is rebuilt from all records of ORDERS",
    ),
    "HAVING over another aggregate": (
        "SUM(TOTAL) AS TOTAL FROM ORDERS GROUP BY CUSTOMER",
        "SUM(TOTAL) AS TOTAL FROM ORDERS GROUP BY CUSTOMER HAVING MAX(TOTAL) > 5",
        ["TOTALS: HAVING differs; ksqlDB does not change what an aggregation computes"],
        "its state is rebuilt from all records of ORDERS",
    ),
    "PARTITION BY": (
        "FROM ORDERS PARTITION BY CUSTOMER",
        "FROM ORDERS PARTITION BY CUSTOMER + 1",
        ["BY_CUSTOMER: "],
        "ksqlDB would refuse",
    ),
    "the kind of a join": (
        "LEFT JOIN",
        "INNER JOIN",
        ["NAMED: FROM differs; ksqlDB does not change a query with a join in place", "ALERTS: recreated: reads NAMED"],
        "topic NAMED keeps its 7 records and gets about as many again",
    ),
    "a filter of a join": (
        "ON B.CUSTOMER = P.ID;",
        "ON B.CUSTOMER = P.ID WHERE P.NAME IS NOT NULL;",
        ["NAMED: WHERE differs; ksqlDB does not change a query with a join in place", "ALERTS: recreated: reads NAMED"],
        "its state is rebuilt from all records of BY_CUSTOMER, PEOPLE",
    ),
    "another source": (
        "TOTAL FROM ORDERS WHERE TOTAL > 10",
        "TOTAL FROM BY_CUSTOMER WHERE TOTAL > 10",
        ["BIG: FROM differs"],
        "[delete]",
    ),
    "the format of keys": (
        "CREATE TABLE TOTALS AS",
        "CREATE TABLE TOTALS WITH (KEY_FORMAT='JSON') AS",
        ["TOTALS: WITH KEY_FORMAT: declared JSON, not set"],
        "because it cannot be kept (key format: KAFKA -> JSON) [delete]",
    ),
    "the format of values": (
        "CREATE STREAM ALERTS AS",
        "CREATE STREAM ALERTS WITH (VALUE_FORMAT='AVRO') AS",
        ["ALERTS: WITH VALUE_FORMAT: declared AVRO, not set"],
        "because it cannot be kept (value format: JSON -> AVRO) [delete]",
    ),
    "the number of partitions": (
        "CREATE STREAM ALERTS AS",
        "CREATE STREAM ALERTS WITH (PARTITIONS=3) AS",
        ["ALERTS: WITH PARTITIONS: 2 -> 3"],
        "because it cannot be kept (partitions: 2 -> 3) [delete]",
    ),
    "a column of a source table": (
        "(ID INT PRIMARY KEY, RATE DOUBLE)",
        "(ID INT PRIMARY KEY, RATE DOUBLE, NOTE STRING)",
        ["RATES: columns: "],
        "",
    ),
}


@pytest.mark.parametrize(("old", "new", "reasons", "loss"), REPLACED.values(), ids=REPLACED)
def test_what_ksqldb_does_not_upgrade_is_replaced_with_all_that_reads_it(shop, old, new, reasons, loss):
    actions = shop.changed(edit(old, new))

    if "would refuse" in loss:
        assert loss in actions[0].reason
        assert actions[0].is_blocked
        return
    assert all(action.kind == "replace" for action in actions), summary(actions)
    assert len(actions) == len(reasons)
    for action, reason in zip(actions, reasons, strict=True):
        assert f"{action.name}: {action.reason}".startswith(reason)
    assert loss in "\n".join(losses(actions[0]))


def test_readers_are_dropped_first_and_created_last(shop):
    actions = shop.changed(edit("LEFT JOIN", "INNER JOIN"))

    assert [steps(action) for action in actions] == [
        [
            "BeginRebuild",
            "terminate CSAS_NAMED_7",
            "terminate CSAS_ALERTS_10",
            "AwaitReaders",
            "StopService",
            "drop ALERTS",
            "drop NAMED",
            "run NAMED",
        ],
        ["run ALERTS", "FinishRebuild"],
    ]


def test_readers_of_a_kept_topic_are_named_with_the_number_of_records(shop):
    _, alerts = shop.changed(edit("LEFT JOIN", "INNER JOIN"))

    assert losses(alerts) == [
        "it computes everything again from all records of NAMED [replace]",
        "topic ALERTS keeps its 7 records and gets about 2 times as many again (--from latest or --delete-topic avoids "
        "that) [replace]",
        "sink to-es overwrites the same documents or rows about 14 records again [replace]",
        "sink to-s3 writes about 14 records a second time [replace]",
        "alert big_order sends nothing for the records that are computed again, nor for those that arrive during the "
        "change [replace]",
        "consumer group reports reads about 14 records again [replace]",
    ]


def test_from_latest_repeats_nothing_and_says_what_is_left_out(shop):
    named, alerts = shop.changed(edit("LEFT JOIN", "INNER JOIN"), ReplaceChoices(read_from="latest"))

    assert losses(named) == [
        "its state so far is lost; it continues with new records of BY_CUSTOMER, PEOPLE: those that arrive during the "
        "change are left out [replace]"
    ]
    assert len(losses(alerts)) == 1
    assert alerts.operations[0].statement.properties["auto.offset.reset"] == "latest"


def test_a_deleted_topic_takes_what_is_declared_on_it_and_moves_its_sinks(tmp_path):
    text = SHOP + "CREATE STREAM AGAIN (CUSTOMER INT KEY, NAME STRING) WITH (KAFKA_TOPIC='NAMED', VALUE_FORMAT='JSON');"
    shop = PlannedServer(tmp_path, text, records=RECORDS, connectors={"to-es": ES, "to-s3": S3})
    choices = ReplaceChoices(topics="delete")

    named, alerts, again = shop.changed(text.replace("LEFT JOIN", "INNER JOIN"), choices)

    assert "topic NAMED is deleted with its 7 records [replace]" in losses(named)
    assert again.reason == "recreated: reads topic NAMED, which is deleted"
    assert [step for step in steps(named) if step.startswith("drop")] == [
        "drop ALERTS and topic ALERTS",
        "drop AGAIN",
        "drop NAMED and topic NAMED",
    ]
    assert any(
        "to-es reads the new topic from its start" in loss and "delete the index" in loss for loss in losses(alerts)
    )
    assert any("to-s3 reads the new topic from its start" in loss for loss in losses(alerts))


def test_what_is_declared_on_a_kept_topic_stays(tmp_path):
    text = SHOP + "CREATE STREAM AGAIN (CUSTOMER INT KEY, NAME STRING) WITH (KAFKA_TOPIC='NAMED', VALUE_FORMAT='JSON');"
    shop = PlannedServer(tmp_path, text, records=RECORDS)

    named, alerts = shop.changed(text.replace("LEFT JOIN", "INNER JOIN"))

    assert (named.name, alerts.name) == ("NAMED", "ALERTS")
    assert "AGAIN, which is declared on that topic, reads about 7 records again [replace]" in losses(named)


def test_a_topic_that_cannot_be_kept_is_not_kept_silently(shop):
    (action,) = shop.changed(
        edit("CREATE STREAM ALERTS AS", "CREATE STREAM ALERTS WITH (PARTITIONS=3) AS"), ReplaceChoices(topics="keep")
    )

    assert action.kind == "blocked"
    assert "topic ALERTS cannot be kept (partitions: 2 -> 3): use --delete-topic" in action.reason


def test_services_that_run_elsewhere_are_named(shop):
    shop.has_supervisor = False

    _, alerts = shop.changed(edit("LEFT JOIN", "INNER JOIN"))

    text = "alert big_order: alerts runs elsewhere: stop it before, or it sends messages again for about 14 records"
    assert f"{text} [replace]" in losses(alerts)


def test_alerts_are_repeated_on_request(shop):
    actions = shop.changed(edit("LEFT JOIN", "INNER JOIN"), ReplaceChoices(repeat_alerts=True))

    assert "alert big_order sends messages again for about 14 records [replace]" in losses(actions[1])
    assert "StopService" not in steps(actions[0])


def test_a_changed_source_takes_everything_along(shop):
    actions = shop.changed(edit("TOTAL DOUBLE, TOWN STRING", "TOTAL DOUBLE, TOWN INT"))

    assert [action.name for action in actions] == [
        "ORDERS",
        "BIG",
        "BY_CUSTOMER",
        "NAMED",
        "TOTALS",
        "HOURLY",
        "ALERTS",
        INSERT,
    ]
    assert {action.kind for action in actions} == {"replace"}
    assert actions[0].loss == ()
    assert steps(actions[-1]) == [f"run {INSERT}", "FinishRebuild"]


def test_a_changed_type_changes_what_uses_it(shop):
    actions = shop.changed(edit("STRUCT<TOWN STRING>", "STRUCT<TOWN STRING, ZIP INT>"))

    assert [action.name for action in actions][:3] == ["PLACE", "ORDERS", "BIG"]
    assert steps(actions[0]) == ["DropLiveType", "run PLACE"]


def test_a_changed_insert_ends_its_former_query(shop):
    shop.owned_queries = frozenset({"INSERTQUERY_12"})

    (action,) = shop.changed(edit("SELECT ID, TOTAL FROM ORDERS;", "SELECT ID, TOTAL FROM ORDERS WHERE TOTAL > 5;"))

    assert action.reason == "WHERE differs; takes the place of query INSERTQUERY_12"
    assert steps(action) == ["BeginRebuild", "terminate INSERTQUERY_12", f"run {INSERT}", "FinishRebuild"]
    assert "topic copy keeps its 7 records and gets about as many again" in losses(action)[1]


def test_a_query_that_others_inserted_is_not_ended(shop):
    (action,) = shop.changed(edit("SELECT ID, TOTAL FROM ORDERS;", "SELECT ID, TOTAL FROM ORDERS WHERE TOTAL > 5;"))

    assert (action.kind, steps(action)) == ("create", [f"run {INSERT}"])


def test_what_other_people_read_is_not_dropped(shop):
    shop.foreign = "CREATE STREAM THEIRS AS SELECT * FROM NAMED;"

    named, *_ = shop.changed(edit("LEFT JOIN", "INNER JOIN"))

    assert named.kind == "blocked"
    assert "THEIRS, which no file declares, must be dropped first" in named.reason
    assert "DROP STREAM THEIRS;" in named.manual_steps


def test_what_prune_removes_is_no_obstacle(shop):
    shop.foreign = "CREATE STREAM OURS AS SELECT * FROM NAMED;"

    named, *_ = shop.changed(edit("LEFT JOIN", "INNER JOIN"), pruned=frozenset({"OURS", "CSAS_OURS_13"}))

    assert [step for step in steps(named) if "OURS" in step] == ["terminate CSAS_OURS_13", "drop OURS"]


def test_a_renamed_stream_is_created_and_its_former_name_is_given(shop):
    shop.owned_statements = frozenset({"ALERTS"})

    (action,) = shop.changed(edit("CREATE STREAM ALERTS", "CREATE STREAM WARNINGS"))

    assert action.reason == "is missing; ALERTS, which no file declares any more, is the same: --prune drops it"


def test_a_longer_retention_changes_the_topic_first_and_a_shorter_one_is_a_loss(shop):
    (longer,) = shop.changed(edit("CREATE STREAM ALERTS AS", "CREATE STREAM ALERTS WITH (RETENTION_MS=900000000) AS"))
    (shorter,) = shop.changed(edit("CREATE STREAM ALERTS AS", "CREATE STREAM ALERTS WITH (RETENTION_MS=60000) AS"))

    assert steps(longer) == ["AlterTopic", "run ALERTS"]
    assert (longer.kind, losses(longer)) == ("update", [])
    assert losses(shorter) == ["topic ALERTS loses its records older than 60 s [delete]"]


def test_a_star_takes_up_a_new_column_in_the_same_run_where_that_is_legal(shop):
    shop.text = SHOP.replace("SELECT ID, CUSTOMER, TOTAL FROM", "SELECT * FROM").replace(
        # After PARTITION BY, the former key is the last column, so a further one would come before it.
        "SELECT CUSTOMER, TOTAL, ID FROM ORDERS PARTITION",
        "SELECT * FROM ORDERS PARTITION",
    )

    actions = shop.changed(shop.text.replace("SPOT PLACE)", "SPOT PLACE, NOTE STRING)"))

    assert summary(actions) == [
        "update ORDERS: in place: columns added: NOTE",
        "update BIG: in place: columns added: NOTE; continues from its committed offsets",
    ]


def test_a_missing_query_on_a_topic_with_records_says_that_it_repeats_them(shop):
    shop.text = SHOP.replace("CREATE STREAM ALERTS AS SELECT * FROM NAMED WHERE TOTAL > 1000;\n", "")

    (action,) = shop.changed(SHOP)

    assert action.kind == "create"
    assert losses(action)[0] == (
        "topic ALERTS holds 7 records already, and the query writes them again (--from latest or --delete-topic avoids "
        "that) [replace]"
    )
    assert steps(action) == ["BeginRebuild", "AwaitReaders", "StopService", "run ALERTS", "FinishRebuild"]
    (latest,) = shop.changed(SHOP, ReplaceChoices(read_from="latest"))
    assert (losses(latest), steps(latest)) == ([], ["run ALERTS"])


def test_what_is_not_selected_is_recreated_only_with_what_it_reads(shop):
    everything = shop.declared(edit("LEFT JOIN", "INNER JOIN").replace("SIZE 1 HOUR", "SIZE 2 HOURS"))
    names = ("PLACE", "ORDERS", "PEOPLE", "BY_CUSTOMER", "NAMED")
    selected = replace(everything, statements=tuple(each for each in everything.statements if each.name in names))

    actions = plan_statements(selected, shop.live(), StatementScope(everything))

    assert [action.name for action in actions if action.is_change] == ["NAMED", "ALERTS"]


def test_what_a_person_left_out_of_the_plan_is_not_dropped_with_the_rest(shop):
    text = edit("LEFT JOIN", "INNER JOIN").replace("SIZE 1 HOUR", "SIZE 2 HOURS")

    (hourly,) = shop.changed(text, changed=frozenset({"HOURLY"}))

    assert steps(hourly) == ["BeginRebuild", "terminate CTAS_HOURLY_9", "drop HOURLY", "run HOURLY", "FinishRebuild"]


def test_a_plan_of_nothing_changed_needs_no_engine(shop, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "bifrost.deployer.plan.statement_upgrades", None)
    assert shop.changed(SHOP) == []
