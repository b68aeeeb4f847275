"""Walking and rewriting trees."""

from bifrost.sql import tree as t
from bifrost.sql.parser import parse_expression_text, parse_statement


def test_walk_visits_parents_first_left_to_right():
    names = [
        node.name
        for node in t.walk(parse_expression_text("f(a, case when b then c end, d[e])"))
        if hasattr(node, "name")
    ]
    assert names == ["F", "A", "B", "C", "D", "E"]


def test_transform_replaces_everywhere_and_shares_the_rest():
    query = parse_statement("SELECT a + b, c FROM s WHERE a = 1;").tree

    def renamed(node):
        return t.ColumnRef("Z") if node == t.ColumnRef("A") else node

    changed = t.transform(query, renamed)
    assert changed == parse_statement("SELECT z + b, c FROM s WHERE z = 1;").tree
    assert changed.select[1] is query.select[1]


def test_rewrite_does_not_visit_replacements():
    seen = []

    def doubled(expression):
        seen.append(expression)
        if isinstance(expression, t.ColumnRef):
            return t.FunctionCall("F", (expression,))
        return None

    assert t.rewrite(parse_expression_text("a + 1"), doubled) == parse_expression_text("f(a) + 1")
    assert len(seen) == 3


def test_equality_ignores_locations():
    assert parse_expression_text("  a") == parse_expression_text("a")
    assert parse_expression_text("  a").location == t.Location(1, 3)
    assert hash(parse_expression_text("  a")) == hash(t.ColumnRef("A"))
