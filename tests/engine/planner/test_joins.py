"""Joins: kinds, keys of the result, repartitioning, refusals."""

from __future__ import annotations

import pytest

from bifrost.engine.plan.steps import ForeignKeyTableTableJoin, StreamStreamJoin, StreamTableJoin
from bifrost.sql.tree import JoinKind
from tests.engine.planner.planning import StatementPlanner, step_of, steps


def test_a_stream_is_rekeyed_for_a_table(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X AS SELECT O.CUSTOMER, O.ID, C.NAME FROM ORDERS O LEFT JOIN CUSTOMERS C ON O.CUSTOMER = C.ID;"
    )
    assert planner.schema("X") == "`CUSTOMER` INTEGER KEY, `O_ID` BIGINT, `NAME` STRING"
    join = step_of(planned, "StreamTableJoin")
    assert isinstance(join, StreamTableJoin)
    assert (join.kind, join.key_name) == (JoinKind.LEFT, "O_CUSTOMER")
    assert steps(planned).count("StreamSelectKey") == 1


def test_equal_keys_are_joined_without_repartition(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X AS SELECT O.ID, S.CARRIER FROM ORDERS O JOIN SHIPMENTS S WITHIN (1 MINUTE, 2 HOURS) "
        "GRACE PERIOD 5 SECONDS ON O.ID = S.ORDER_ID;"
    )
    join = step_of(planned, "StreamStreamJoin")
    assert isinstance(join, StreamStreamJoin)
    assert (join.before_ms, join.after_ms, join.grace_ms) == (60_000, 7_200_000, 5_000)
    assert "StreamSelectKey" not in steps(planned)
    assert planner.schema("X") == "`ID` BIGINT KEY, `CARRIER` STRING"


def test_the_selected_side_names_the_key(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM X AS SELECT C.ID AS WHO, O.TOTAL FROM ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER = C.ID;")
    assert planner.schema("X") == "`WHO` INTEGER KEY, `TOTAL` DOUBLE"


def test_sides_of_the_condition_may_be_swapped(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM X AS SELECT C.ID, O.TOTAL FROM ORDERS O JOIN CUSTOMERS C ON C.ID = O.CUSTOMER;")
    assert planner.schema("X") == "`C_ID` INTEGER KEY, `TOTAL` DOUBLE"


def test_star_prefixes_all_columns(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM X AS SELECT C.*, O.TOTAL FROM ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER = C.ID;")
    assert planner.schema("X") == "`C_ID` INTEGER KEY, `C_NAME` STRING, `C_COUNTRY` STRING, `TOTAL` DOUBLE"


def test_full_outer_joins_have_a_synthetic_key(planner: StatementPlanner) -> None:
    from_ = "FROM ORDERS O FULL OUTER JOIN SHIPMENTS S WITHIN 1 HOUR ON O.ID = S.ORDER_ID"
    planner.run(f"CREATE STREAM X AS SELECT ROWKEY AS K, O.ID, S.CARRIER {from_};")
    assert planner.schema("X") == "`K` BIGINT KEY, `ID` BIGINT, `CARRIER` STRING"
    assert "ROWKEY was added as a synthetic key column" in planner.refusal(
        f"CREATE STREAM Y AS SELECT O.ID, S.CARRIER {from_};"
    )


def test_joins_by_expressions_have_a_synthetic_key(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE STREAM X AS SELECT ROWKEY, O.TOTAL, S.CARRIER FROM ORDERS O JOIN SHIPMENTS S WITHIN 1 HOUR "
        "ON O.ID + 1 = S.ORDER_ID + 1;"
    )
    assert planner.schema("X") == "`ROWKEY` BIGINT KEY, `TOTAL` DOUBLE, `CARRIER` STRING"


def test_later_joins_reuse_the_key(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE TABLE LIMITS (ID INT PRIMARY KEY, MAXIMUM DOUBLE) "
        "WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', PARTITIONS=2);"
    )
    planned = planner.query(
        "CREATE STREAM X AS SELECT L.ID, O.TOTAL, C.NAME, L.MAXIMUM FROM ORDERS O "
        "JOIN CUSTOMERS C ON O.CUSTOMER = C.ID LEFT JOIN LIMITS L ON C.ID = L.ID;"
    )
    assert steps(planned).count("StreamSelectKey") == 1
    assert planner.schema("X") == "`L_ID` INTEGER KEY, `TOTAL` DOUBLE, `NAME` STRING, `MAXIMUM` DOUBLE"


def test_a_second_join_on_another_column_rekeys_again(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X AS SELECT O.CUSTOMER, O.TOTAL, S.CARRIER, C.NAME FROM ORDERS O JOIN SHIPMENTS S WITHIN 1 HOUR "
        "ON O.ID = S.ORDER_ID JOIN CUSTOMERS C ON O.CUSTOMER = C.ID;"
    )
    assert steps(planned).count("StreamSelectKey") == 1
    contexts = [step_of(planned, name).context for name in ("StreamStreamJoin", "StreamTableJoin")]
    assert contexts == ["L_Join", "Join"]


def test_tables_join_on_their_primary_keys(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE TABLE LIMITS (ID INT PRIMARY KEY, MAXIMUM INT) "
        "WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', PARTITIONS=2);"
    )
    planned = planner.query(
        "CREATE TABLE X AS SELECT C.ID, NAME, MAXIMUM FROM CUSTOMERS C LEFT JOIN LIMITS L ON C.ID = L.ID;"
    )
    assert "TableTableJoin" in steps(planned)
    assert planner.schema("X") == "`C_ID` INTEGER KEY, `NAME` STRING, `MAXIMUM` INTEGER"


def test_tables_join_by_foreign_key_and_keep_the_left_key(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE TABLE COUNTRIES (CODE STRING PRIMARY KEY, LABEL STRING) "
        "WITH (KAFKA_TOPIC='co', VALUE_FORMAT='JSON', PARTITIONS=2);"
    )
    join = "FROM CUSTOMERS C JOIN COUNTRIES L ON C.COUNTRY = L.CODE"
    planned = planner.query(f"CREATE TABLE X AS SELECT C.ID, NAME, LABEL {join};")
    assert planner.schema("X") == "`ID` INTEGER KEY, `NAME` STRING, `LABEL` STRING"
    step = step_of(planned, "ForeignKeyTableTableJoin")
    assert isinstance(step, ForeignKeyTableTableJoin)
    assert "Missing column: `ID`." in planner.refusal(f"CREATE TABLE Y AS SELECT NAME, LABEL {join};")
    assert "RIGHT OUTER JOIN on a foreign key is not supported" in planner.refusal(
        "CREATE TABLE Y AS SELECT * FROM CUSTOMERS C RIGHT JOIN COUNTRIES L ON C.COUNTRY = L.CODE;"
    )


def test_keys_in_another_format_are_written_again(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE TABLE NOTES (ID INT PRIMARY KEY, NOTE STRING) "
        "WITH (KAFKA_TOPIC='n', KEY_FORMAT='JSON', VALUE_FORMAT='JSON', PARTITIONS=2);"
    )
    planned = planner.query("CREATE TABLE X AS SELECT C.ID, NAME, NOTE FROM CUSTOMERS C JOIN NOTES N ON C.ID = N.ID;")
    assert step_of(planned, "TableSelectKey").context == "RightSourceKeyed-SelectKey"


@pytest.mark.parametrize(
    ("join", "words"),
    [
        ("ORDERS O JOIN SHIPMENTS S ON O.ID = S.ORDER_ID", "Stream-Stream joins must have a WITHIN clause"),
        ("ORDERS O JOIN CUSTOMERS C WITHIN 1 HOUR ON O.CUSTOMER = C.ID", "window definition was provided for a Stream"),
        ("ORDERS O JOIN CUSTOMERS C ON O.ID = C.ID", "types don't match. Got O.ID{BIGINT} = C.ID{INTEGER}."),
        ("ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER > C.ID", "Only equality join criteria is supported."),
        ("ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER = C.ID AND O.ID = 1", "multiple conditions are not yet supported"),
        ("ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER = 1", "must contain references from exactly one source."),
        ("ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER = O.ID", "reference exactly one source and not the same source"),
        ("ORDERS O JOIN CUSTOMERS C ON TAGS[1] = C.NAME", "joins require to join on the table's primary key."),
        ("ORDERS O JOIN ORDERS P WITHIN 1 HOUR ON O.ID = P.ID", "self joins are not yet supported"),
        ("ORDERS O FULL JOIN CUSTOMERS C ON O.CUSTOMER = C.ID", "full-outer join not supported for stream-table join"),
        ("CUSTOMERS C JOIN ORDERS O ON O.CUSTOMER = C.ID", "table-stream joins are not supported"),
        ("ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER = C.NOPE", "JOIN ON column 'C.NOPE' cannot be resolved."),
        ("ORDERS O JOIN CUSTOMERS C ON ID = C.ID", "Column 'ID' is ambiguous. Could be O.ID or C.ID."),
    ],
)
def test_refusals(planner: StatementPlanner, join: str, words: str) -> None:
    assert words in planner.refusal(f"CREATE STREAM X AS SELECT * FROM {join};")


def test_joined_topics_must_have_equal_partition_counts(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM FEW (ID BIGINT KEY, N INT) WITH (KAFKA_TOPIC='f', VALUE_FORMAT='JSON', PARTITIONS=1);")
    assert "`ORDERS` partitions = 2; `FEW` partitions = 1." in planner.refusal(
        "CREATE STREAM X AS SELECT * FROM ORDERS JOIN FEW WITHIN 1 HOUR ON ORDERS.ID = FEW.ID;"
    )


def test_windowed_sources_join_only_windowed_sources(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE STREAM W (ID BIGINT KEY, N INT) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', PARTITIONS=2,"
        " WINDOW_TYPE='SESSION');"
    )
    assert "`W` is SESSION windowed\n`ORDERS` is not windowed" in planner.refusal(
        "CREATE STREAM X AS SELECT * FROM W JOIN ORDERS WITHIN 1 HOUR ON W.ID = ORDERS.ID;"
    )


def test_session_windows_join_only_session_windows(planner: StatementPlanner) -> None:
    for name, window in (("A", "SESSION"), ("B", "SESSION"), ("C", "HOPPING"), ("D", "TUMBLING")):
        size = "" if window == "SESSION" else ", WINDOW_SIZE='10 SECONDS'"
        planner.run(
            f"CREATE STREAM {name} (ID BIGINT KEY, N INT) WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON',"
            f" PARTITIONS=2, WINDOW_TYPE='{window}'{size});"
        )
    join = "CREATE STREAM X AS SELECT * FROM {} L JOIN {} R WITHIN 1 HOUR ON L.ID = R.ID;"
    assert "Incompatible windowed sources.\nLeft source: SESSION\nRight source: HOPPING" in planner.refusal(
        join.format("A", "C")
    )
    assert "Left source: TUMBLING\nRight source: SESSION" in planner.refusal(join.format("D", "B"))
    for left, right in (("A", "B"), ("C", "D")):
        assert planner.query(join.format(left, right).replace("X", f"X{left}")).sink.is_windowed


@pytest.mark.parametrize("key_format", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_windowed_sources_with_registered_keys_can_be_joined(planner: StatementPlanner, key_format: str) -> None:
    for name in ("A", "B"):
        planner.run(
            f"CREATE STREAM {name} (ID BIGINT KEY, N INT) WITH (KAFKA_TOPIC='{name}', KEY_FORMAT='{key_format}',"
            " VALUE_FORMAT='JSON', PARTITIONS=2, WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');"
        )
    planned = planner.query("CREATE STREAM X AS SELECT * FROM A JOIN B WITHIN 1 HOUR ON A.ID = B.ID;")
    assert planned.sink.is_windowed
    assert "Implicit repartitioning of windowed sources is not supported" in planner.refusal(
        "CREATE STREAM Y AS SELECT * FROM A JOIN B WITHIN 1 HOUR ON A.N = B.N;"
    )


@pytest.mark.parametrize(
    ("within", "words"),
    [
        ("-1 SECONDS", "WITHIN must not be negative, but is -1 SECONDS."),
        ("(1 SECOND, -2 SECONDS)", "WITHIN must not be negative"),
        ("(-1 SECONDS, 2 SECONDS)", "WITHIN must not be negative"),
        ("1 HOUR GRACE PERIOD -1 HOURS", "The GRACE PERIOD of a join must not be negative"),
        ("9223372036854775807 DAYS", "WITHIN is too long"),
    ],
)
def test_joins_with_impossible_durations_are_refused(planner: StatementPlanner, within: str, words: str) -> None:
    assert words in planner.refusal(
        f"CREATE STREAM X AS SELECT * FROM ORDERS O JOIN SHIPMENTS S WITHIN {within} ON O.ID = S.ORDER_ID;"
    )


@pytest.mark.parametrize(
    ("left", "right", "is_written_again"),
    [
        ("KAFKA", "JSON", False),
        ("DELIMITED", "AVRO", False),
        ("AVRO", "KAFKA", False),
        ("AVRO", "AVRO", True),
        ("JSON_SR", "AVRO", True),
    ],
)
def test_foreign_key_joins_accept_other_formats_and_partition_counts(
    planner: StatementPlanner, left: str, right: str, is_written_again: bool
) -> None:
    for name, key_format, partitions in (("A", left, 2), ("B", right, 3)):
        planner.run(
            f"CREATE TABLE {name} (ID BIGINT PRIMARY KEY, OTHER BIGINT) WITH (KAFKA_TOPIC='{name}',"
            f" KEY_FORMAT='{key_format}', VALUE_FORMAT='JSON', PARTITIONS={partitions});"
        )
    planned = planner.query("CREATE TABLE X AS SELECT A.ID, B.OTHER AS O FROM A JOIN B ON A.OTHER = B.ID;")
    assert "ForeignKeyTableTableJoin" in steps(planned)
    assert ("TableSelectKey" in steps(planned)) is is_written_again
    assert "the number of partitions don't match" in planner.refusal(
        "CREATE TABLE Y AS SELECT A.ID, B.OTHER AS O FROM A JOIN B ON A.ID = B.ID;"
    )
