"""Trees of statements and expressions."""

import pytest

from bifrost.errors import ParseError
from bifrost.sql import tree as t
from bifrost.sql import types as ty
from bifrost.sql.formatter import format_statement
from bifrost.sql.parser import (
    Dialect,
    is_complete,
    parse_expression_text,
    parse_script,
    parse_statement,
    parse_type_text,
)

A, B, C = t.ColumnRef("A"), t.ColumnRef("B"), t.ColumnRef("C")
ADD, MULTIPLY = t.ArithmeticOperator.ADD, t.ArithmeticOperator.MULTIPLY


def tree(text):
    return parse_statement(text).tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c", t.Arithmetic(ADD, A, t.Arithmetic(MULTIPLY, B, C))),
        ("(a + b) * c", t.Arithmetic(MULTIPLY, t.Arithmetic(ADD, A, B), C)),
        ("a + b + c", t.Arithmetic(ADD, t.Arithmetic(ADD, A, B), C)),
        ("a || b + c", t.FunctionCall("CONCAT", (A, t.Arithmetic(ADD, B, C)))),
        ("-a * b", t.Arithmetic(MULTIPLY, t.ArithmeticUnary(t.Sign.MINUS, A), B)),
        ("-5", t.IntegerLiteral(-5)),
        ("a -5", t.Arithmetic(t.ArithmeticOperator.SUBTRACT, A, t.IntegerLiteral(5))),
        (
            "a or b and c",
            t.LogicalBinary(t.LogicalOperator.OR, A, t.LogicalBinary(t.LogicalOperator.AND, B, C)),
        ),
        ("not a and b", t.LogicalBinary(t.LogicalOperator.AND, t.Not(A), B)),
        ("not a = b", t.Not(t.Comparison(t.ComparisonOperator.EQUAL, A, B))),
        ("a != b", t.Comparison(t.ComparisonOperator.NOT_EQUAL, A, B)),
        ("a IS NOT DISTINCT FROM b", t.Comparison(t.ComparisonOperator.IS_NOT_DISTINCT_FROM, A, B)),
        ("a not in (b, c)", t.Not(t.InList(A, (B, C)))),
        ("a not between b and c", t.Not(t.Between(A, B, C))),
        ("a like 'x!%' escape '!'", t.Like(A, t.StringLiteral("x!%"), "!")),
        ("a is not null", t.IsNotNull(A)),
        ("a[1]->b", t.Dereference(t.Subscript(A, t.IntegerLiteral(1)), "B")),
        ("s.a->`b c`", t.Dereference(t.ColumnRef("A", "S"), "b c")),
        ('"a"', t.ColumnRef("a")),
        ("count(*)", t.FunctionCall("COUNT")),
        ("dateadd(days, 1, a)", t.FunctionCall("DATEADD", (t.IntervalUnit(t.TimeUnit.DAYS), t.IntegerLiteral(1), A))),
        ("ucase(day)", t.FunctionCall("UCASE", (t.ColumnRef("DAY"),))),
        ("f(a => a + b)", t.FunctionCall("F", (t.Lambda(("A",), t.Arithmetic(ADD, t.LambdaVariable("A"), B)),))),
        ("f((a, b) => b, a)", t.FunctionCall("F", (t.Lambda(("A", "B"), t.LambdaVariable("B")), A))),
        ("array[]", t.CreateArray(())),
        ("array[1][1]", t.Subscript(t.CreateArray((t.IntegerLiteral(1),)), t.IntegerLiteral(1))),
        ("map('k' := a)", t.CreateMap(((t.StringLiteral("k"), A),))),
        ("struct(x := a)", t.CreateStruct((("X", A),))),
        ("cast(a as varchar(255))", t.Cast(A, ty.STRING)),
        ("case a when 1 then b else c end", t.SimpleCase(A, (t.WhenClause(t.IntegerLiteral(1), B),), C)),
        ("case when a then b end", t.SearchedCase((t.WhenClause(A, B),))),
        ("2147483647", t.IntegerLiteral(2147483647)),
        ("2147483648", t.LongLiteral(2147483648)),
        ("-9223372036854775808", t.LongLiteral(-9223372036854775808)),
        ("1.50", t.DecimalLiteral("1.50")),
        (".5", t.DecimalLiteral("0.5")),
        ("1.5E3", t.DoubleLiteral(1500.0)),
        ("'it''s'", t.StringLiteral("it's")),
        ("TIMESTAMP '2020-01-01T00:00:00'", t.TimestampLiteral("2020-01-01T00:00:00")),
        ("null", t.NullLiteral()),
    ],
)
def test_expressions(text, expected):
    assert parse_expression_text(text) == expected


@pytest.mark.parametrize(
    "text", ["a = b = c", "a is null is null", "a = not b", "1 +", "(a", "f(a", "a b", "case end", ""]
)
def test_texts_that_are_not_expressions(text):
    with pytest.raises(ParseError):
        parse_expression_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", ty.INTEGER),
        ("Varchar(STRING)", ty.STRING),
        ("decimal(10,2)", ty.SqlDecimal(10, 2)),
        ("array<array<int>>", ty.SqlArray(ty.SqlArray(ty.INTEGER))),
        ("int array", ty.SqlArray(ty.INTEGER)),
        ("map<string, bigint>", ty.SqlMap(ty.STRING, ty.BIGINT)),
        ("struct<>", ty.SqlStruct(())),
        (
            "struct<a int, `b` address>",
            ty.SqlStruct((ty.StructField("A", ty.INTEGER), ty.StructField("b", ty.SqlCustom("ADDRESS")))),
        ),
    ],
)
def test_types(text, expected):
    assert parse_type_text(text) == expected


def test_a_query_with_all_clauses():
    query = tree(
        "SELECT a AS x, s.*, b->*, c y FROM src AS s WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 5 SECONDS) "
        "WHERE a GROUP BY (a, b) HAVING c EMIT FINAL LIMIT 5;"
    )
    assert query == t.Query(
        select=(t.SingleColumn(A, "X"), t.AllColumns("S"), t.StructAll(B), t.SingleColumn(C, "Y")),
        source=t.AliasedSource("SRC", "S"),
        window=t.TumblingWindow(t.Duration(1, t.TimeUnit.HOURS), grace=t.Duration(5, t.TimeUnit.SECONDS)),
        where=A,
        group_by=(A, B),
        having=C,
        emit=t.Emit.FINAL,
        limit=5,
    )


def test_words_that_are_not_reserved_are_names():
    query = tree(
        "SELECT id, date, source AS key, emit FROM x partition WHERE type = 1 PARTITION BY timestamp EMIT CHANGES;"
    )
    assert [item.expression.name for item in query.select] == ["ID", "DATE", "SOURCE", "EMIT"]
    assert query.source.alias == "PARTITION"
    assert query.partition_by == (t.ColumnRef("TIMESTAMP"),)


def test_joins_are_left_associative():
    source = tree("SELECT * FROM a JOIN b WITHIN 1 DAY GRACE PERIOD 1 HOUR ON x RIGHT JOIN c d ON y;").source
    assert (source.kind, source.right) == (t.JoinKind.RIGHT, t.AliasedSource("C", "D"))
    assert (source.left.kind, source.left.left) == (t.JoinKind.INNER, t.AliasedSource("A", "A"))
    assert source.left.within.before == source.left.within.after == t.Duration(1, t.TimeUnit.DAYS)
    assert source.left.within.grace.milliseconds == 3_600_000


def test_only_persistent_queries_emit_changes_by_default():
    assert tree("SELECT * FROM a;").emit is None
    assert tree("CREATE TABLE t AS SELECT * FROM a;").query.emit is t.Emit.CHANGES
    assert tree("INSERT INTO t SELECT * FROM a;").query.emit is t.Emit.CHANGES


def test_create_stream():
    created = tree("CREATE OR REPLACE STREAM s (id INT KEY, h BYTES HEADER('x')) WITH (kafka_topic='T', partitions=3);")
    assert created.elements == (
        t.TableElement("ID", ty.INTEGER, t.Constraint.KEY),
        t.TableElement("H", ty.BYTES, t.Constraint.HEADER, "x"),
    )
    assert dict(created.properties) == {"KAFKA_TOPIC": t.StringLiteral("T"), "PARTITIONS": t.IntegerLiteral(3)}
    assert created.or_replace
    assert not created.if_not_exists


def test_connector_properties_keep_their_case():
    connector = tree("""CREATE SOURCE CONNECTOR c WITH ("connector.class"='X', 'tasks.max'='1');""")
    assert list(connector.properties) == ["connector.class", "tasks.max"]


def test_names_of_topics_and_queries_keep_their_case():
    assert tree("PRINT myTopic;") == t.PrintTopic("myTopic")
    assert tree("TERMINATE transient_Abc_1;") == t.TerminateQuery("transient_Abc_1")
    assert tree("EXPLAIN csas_1;") == t.Explain(query_id="csas_1")


def test_statements_of_test_files_are_refused_by_a_server():
    text = "ASSERT VALUES t (a) VALUES (1);"
    assert parse_statement(text, dialect=Dialect.TESTS).tree == t.AssertValues("T", ("A",), (t.IntegerLiteral(1),))
    with pytest.raises(ParseError) as caught:
        parse_statement(text)
    assert caught.value.summary == "line 1:8: Syntax error at or near 'VALUES' at line 1:8"


def test_shell_commands():
    assert parse_statement("SPOOL OFF;", dialect=Dialect.SHELL).tree == t.Spool()
    assert parse_statement("RUN SCRIPT '/a.sql';", dialect=Dialect.SHELL).tree == t.RunScript("/a.sql")


def test_a_script_keeps_texts_and_locations():
    script = "-- first; not a statement\nSHOW STREAMS;  /* ; */ SHOW\n  TABLES;"
    statements = parse_script(script)
    assert [(s.text, s.line, s.column) for s in statements] == [("SHOW STREAMS;", 2, 1), ("SHOW\n  TABLES;", 2, 24)]


def test_locations_count_from_the_script():
    query = parse_script("SHOW STREAMS;\n  SELECT a,\n b FROM c;")[1].tree
    assert [item.location for item in query.select] == [t.Location(2, 10), t.Location(3, 2)]


def test_split_respects_quotes_and_comments():
    drops = ("DROP STREAM `;`;", 'DROP STREAM ";" ;', "SET 'a'=';';", "DROP /* ; */ STREAM B /* ; */ ;")
    assert [s.text for s in parse_script(" -- ;\n".join(drops))] == list(drops)


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("SHOW STREAMS;", True),
        ("SHOW STREAMS; -- x", True),
        ("SHOW", False),
        ("SELECT ';", False),
        ("", False),
        ("§", True),
    ],
)
def test_complete(text, complete):
    assert is_complete(text) is complete


def test_variables_apply_to_later_statements_of_a_script():
    script = "DEFINE fmt = 'JSON'; CREATE STREAM s (a INT) WITH (VALUE_FORMAT='${FMT}', PARTITIONS=${n});"
    created = parse_script(script, {"n": "3"})[1]
    assert created.tree.properties["VALUE_FORMAT"] == t.StringLiteral("JSON")
    assert created.tree.properties["PARTITIONS"] == t.IntegerLiteral(3)
    assert "PARTITIONS=3" in created.text


def test_an_undefined_variable_is_named():
    with pytest.raises(ParseError, match="'n' is not defined"):
        parse_script("DEFINE n = '3'; UNDEFINE n; SELECT ${n} FROM a;")


def test_a_variable_cannot_bring_a_second_statement():
    with pytest.raises(ParseError, match="only one statement"):
        parse_script("SELECT * FROM ${a};", {"a": "b; DROP STREAM c"})


@pytest.mark.parametrize(
    ("text", "name"), [("1r", "1R"), ("2_x", "2_X"), ("1E5A", "1E5A"), ("007bond", "007BOND"), ("`1r`", "1r")]
)
def test_names_can_begin_with_a_digit(text, name):
    statement = parse_statement(f"SELECT A AS {text}, T.`{name}`, {text} {text} FROM {text} T;")
    first, second, third = statement.tree.select
    assert (first.alias, second.expression.name, third.expression.name, third.alias) == (name,) * 4
    assert statement.tree.source.name == name
    assert parse_statement(format_statement(statement.tree)).tree == statement.tree


def test_numbers_are_not_names():
    statement = parse_statement("SELECT 1E5, 1, 2 X, `1E5`, `12` FROM S;")
    assert parse_statement(format_statement(statement.tree)).tree == statement.tree
    for text in ("SELECT A AS 1E5 FROM S;", "SELECT A AS 12 FROM S;"):
        with pytest.raises(ParseError):
            parse_statement(text)


def test_a_quote_in_a_variable_is_part_of_the_text():
    script = "DEFINE name = 'O''Brien'; INSERT INTO S (A) VALUES ('${name}');"
    _, insert = parse_script(script)
    assert insert.tree.values == (t.StringLiteral("O'Brien"),)


def test_substitution_of_variables_can_be_disabled():
    text = "INSERT INTO S (A) VALUES ('${a}');"
    off, on = (f"SET 'ksql.variable.substitution.enable'='{value}';" for value in ("false", "true"))
    values = [
        statement.tree.values[0].value
        for statement in parse_script(text + off + text + on + text, {"A": "1"})
        if isinstance(statement.tree, t.InsertValues)
    ]
    assert values == ["1", "${a}", "1"]
    (disabled,) = parse_script(text, {"A": "1"}, substitutes=False)
    assert disabled.tree.values == (t.StringLiteral("${a}"),)
    (untouched,) = parse_script("INSERT INTO S (A) VALUES ('$${a}');", substitutes=False)
    assert untouched.tree.values == (t.StringLiteral("$${a}"),)
    with pytest.raises(ParseError, match="Variable 'b' is not replaced"):
        parse_script("SELECT ${b} FROM S;", {"B": "A"}, substitutes=False)
