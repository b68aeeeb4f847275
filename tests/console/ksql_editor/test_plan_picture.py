"""The picture of a query's execution plan."""

from __future__ import annotations

from typing import Any

from bifrost.console.ksql_editor.plan_picture import WIDTH, picture_of

# As a ksqlDB server writes it, whose plans have steps that the embedded engine does not have.
PLAN = (
    " > [ SINK ] | Schema: A_ID STRING KEY, TOTAL DECIMAL(10, 2), PART STRUCT<X INTEGER, Y MAP<STRING, INTEGER>>"
    " | Logger: CSAS_OUT_7.OUT\n"
    "\t\t > [ SUPPRESS ] | Schema: A_ID STRING KEY | Logger: CSAS_OUT_7.Suppress\n"
    "\t\t\t\t > [ PROJECT ] | Schema: A_ID STRING KEY, `odd, name` STRING | Logger: CSAS_OUT_7.Project\n"
    "\t\t\t\t\t\t > [ JOIN ] | Schema: A_ID STRING KEY | Logger: CSAS_OUT_7.Join\n"
    "\t\t\t\t\t\t\t\t > [ JOIN ] | Schema: A_ID STRING KEY | Logger: CSAS_OUT_7.L_Join\n"
    "\t\t\t\t\t\t\t\t\t\t > [ SOURCE ] | Schema: ID STRING KEY | Logger: CSAS_OUT_7.KafkaTopic_L.Source\n"
    "\t\t\t\t\t\t\t\t\t\t > [ SOURCE ] | Schema: ID STRING KEY | Logger: CSAS_OUT_7.KafkaTopic_M.Source\n"
    "\t\t\t\t\t\t\t\t > [ SOURCE ] | Schema: ID STRING KEY | Logger: CSAS_OUT_7.KafkaTopic_R.Source\n"
)
STATEMENT = (
    "CREATE STREAM OUT AS SELECT * FROM A A LEFT JOIN B B WITHIN 1 HOURS ON (A.ID = B.ID) "
    "INNER JOIN C C ON (A.ID = C.ID) EMIT CHANGES;"
)


def picture(**other: Any) -> dict[str, Any]:
    query = {"id": "CSAS_OUT_7", "executionPlan": PLAN, "statementText": STATEMENT, "sinks": ["OUT"], **other}
    found = picture_of(query)
    assert found is not None
    return dict(found)


def test_steps_are_named_and_connected_from_the_sources_to_the_sink():
    found = picture()
    steps = [found["steps"][number] for number in found["order"]]

    assert [(step["word"], step["caption"]) for step in steps] == [
        ("Source", "A"),
        ("Source", "B"),
        ("Left outer join", "A.ID = B.ID"),
        ("Source", "C"),
        ("Inner join", "A.ID = C.ID"),
        ("Project", "2 columns"),
        ("Final results only", "1 column"),
        ("Sink", "OUT"),
    ]
    assert [len(step["inputs"]) for step in steps] == [0, 0, 2, 0, 2, 1, 1, 1]
    assert steps[-1]["columns"] == [
        "A_ID STRING KEY",
        "TOTAL DECIMAL(10, 2)",
        "PART STRUCT<X INTEGER, Y MAP<STRING, INTEGER>>",
    ]
    assert steps[5]["columns"][1] == "`odd, name` STRING"


def test_no_two_steps_cover_each_other_and_inputs_are_above():
    found = picture()
    steps = found["steps"]

    places = [(step["x"], step["y"]) for step in steps]
    for at, (x, y) in enumerate(places):
        assert 0 <= x <= found["width"] - WIDTH
        assert all(abs(x - x2) >= WIDTH for x2, y2 in places[:at] if y2 == y)
        assert all(steps[number]["y"] < y for number in steps[at]["inputs"])
    sources = sorted((step["x"], step["caption"]) for step in steps if step["kind"] == "source")
    assert [name for _, name in sources] == ["A", "B", "C"]


def test_a_statement_of_a_newer_version_leaves_the_steps_without_conditions():
    found = picture(statementText="CREATE STREAM OUT AS SELECT NEWER SYNTAX;", sources=["A"])

    captions = {step["word"]: step["caption"] for step in found["steps"]}
    assert captions == {
        "Sink": "OUT",
        "Final results only": "1 column",
        "Project": "2 columns",
        "Join": "1 column",
        "Source": "1 column",
    }


def test_a_query_without_a_plan_has_no_picture():
    assert picture_of({"id": "x", "executionPlan": None}) is None
    assert picture_of({"id": "x", "executionPlan": "something else"}) is None


def test_clauses_are_written_at_their_steps():
    plan = (
        " > [ PROJECT ] | Schema: N STRING KEY | Logger: q.Aggregate.Project\n"
        "\t\t > [ FILTER ] | Schema: N STRING KEY | Logger: q.Aggregate.HavingFilter\n"
        "\t\t\t\t > [ AGGREGATE ] | Schema: N STRING KEY | Logger: q.Aggregate.Aggregate\n"
        "\t\t\t\t\t\t > [ GROUP_BY ] | Schema: N STRING KEY | Logger: q.Aggregate.GroupBy\n"
        "\t\t\t\t\t\t\t\t > [ FILTER ] | Schema: N STRING KEY | Logger: q.WhereFilter\n"
        "\t\t\t\t\t\t\t\t\t\t > [ SOURCE ] | Schema: N STRING KEY | Logger: q.KsqlTopic.Source\n"
    )
    statement = (
        "SELECT N, COUNT(*) FROM A WINDOW TUMBLING (SIZE 1 HOUR) WHERE (X > 1) AND (Y > 2) "
        "GROUP BY N HAVING (COUNT(*) > 1) EMIT CHANGES;"
    )
    found = picture_of({"id": "q", "executionPlan": plan, "statementText": statement})

    assert found is not None
    assert [found["steps"][number]["caption"] for number in found["order"]] == [
        "A",
        "(X > 1) AND (Y > 2)",
        "N",
        "TUMBLING ( SIZE 1 HOURS )",
        "COUNT(*) > 1",
        "1 column",
    ]
