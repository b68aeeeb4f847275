"""Parses SELECT: items, sources, joins, windows and the other clauses."""

from __future__ import annotations

from bifrost.errors import AnalysisError
from bifrost.sql.lexer import TokenKind
from bifrost.sql.parse_expressions import parse_expression, parse_value
from bifrost.sql.parse_literals import parse_whole_number
from bifrost.sql.token_cursor import TokenCursor
from bifrost.sql.tree import (
    AliasedSource,
    AllColumns,
    Duration,
    Emit,
    Expression,
    HoppingWindow,
    Join,
    JoinKind,
    Query,
    Relation,
    SelectItem,
    SessionWindow,
    SingleColumn,
    StructAll,
    TimeUnit,
    TumblingWindow,
    Window,
    Within,
)

UNITS = {
    **{unit.name: unit for unit in TimeUnit},
    # Both `1 SECOND` and `10 SECONDS`.
    **{unit.name.removesuffix("S"): unit for unit in TimeUnit},
}
_JOINS = {"INNER": JoinKind.INNER, "LEFT": JoinKind.LEFT, "RIGHT": JoinKind.RIGHT, "FULL": JoinKind.OUTER}
_CLAUSES_AFTER_A_NAME = (("EMIT", "CHANGES"), ("EMIT", "FINAL"), ("PARTITION", "BY"))
"""Clauses whose first word is not reserved, so that it could be mistaken for an alias."""


def parse_query(cursor: TokenCursor, *, persistent: bool = False) -> Query:
    """A SELECT; a `persistent` one without an EMIT clause gets EMIT CHANGES, as in ksqlDB.

    Raises:
        ParseError: the text is not a SELECT.
        AnalysisError: GROUP BY or PARTITION BY has empty brackets.
    """
    where = cursor.location
    cursor.expect("SELECT")
    select = cursor.comma_separated(_select_item)
    cursor.expect_after("FROM", ",")
    return Query(
        select=select,
        source=_relation(cursor),
        window=_window(cursor) if cursor.accept("WINDOW") else None,
        where=parse_expression(cursor) if cursor.accept("WHERE") else None,
        group_by=_expressions(cursor, "GROUP BY") if cursor.accept_all("GROUP", "BY") else (),
        partition_by=_expressions(cursor, "PARTITION BY") if cursor.accept_all("PARTITION", "BY") else (),
        having=parse_expression(cursor) if cursor.accept("HAVING") else None,
        emit=_emit(cursor, persistent=persistent),
        limit=parse_whole_number(cursor, "LIMIT") if cursor.accept("LIMIT") else None,
        location=where,
    )


def parse_duration(cursor: TokenCursor, clause: str) -> Duration:
    """`10 SECONDS`."""
    where = cursor.location
    count = parse_whole_number(cursor, clause)
    token = cursor.token
    if token.kind is not TokenKind.KEYWORD or token.value not in UNITS:
        raise cursor.failure(*(f"'{name}'" for name in UNITS))
    return Duration(count, UNITS[cursor.advance().value], location=where)


def _select_item(cursor: TokenCursor) -> SelectItem:
    where = cursor.location
    if cursor.accept("*"):
        return AllColumns(location=where)
    if cursor.at_name() and cursor.at_sign(1, ".") and cursor.at_sign(2, "*"):
        source = cursor.expect_name()
        cursor.index += 2
        return AllColumns(source, location=where)
    expression = parse_expression(cursor)
    if cursor.accept_all("->", "*"):
        return StructAll(expression, location=where)
    if cursor.accept("AS"):
        return SingleColumn(expression, cursor.expect_name(), location=where)
    alias = cursor.expect_name() if _alias_ahead(cursor) else None
    return SingleColumn(expression, alias, location=where)


def _alias_ahead(cursor: TokenCursor) -> bool:
    return cursor.at_name() and not any(cursor.at_all(*clause) for clause in _CLAUSES_AFTER_A_NAME)


def _relation(cursor: TokenCursor) -> Relation:
    relation: Relation = _aliased_source(cursor)
    while cursor.at("JOIN", *_JOINS):
        relation = _join(cursor, relation)
    return relation


def _aliased_source(cursor: TokenCursor) -> AliasedSource:
    where = cursor.location
    name = cursor.expect_name()
    aliased = cursor.accept("AS") or _alias_ahead(cursor)
    return AliasedSource(name, cursor.expect_name() if aliased else name, location=where)


def _join(cursor: TokenCursor, left: Relation) -> Join:
    where = cursor.location
    word = cursor.accept(*_JOINS)
    if word not in (None, "INNER"):
        cursor.accept("OUTER")
    cursor.expect("JOIN")
    right = _aliased_source(cursor)
    within = _within(cursor) if cursor.accept("WITHIN") else None
    cursor.expect_after("ON", *(() if within else ("WITHIN",)))
    kind = _JOINS[word] if word else JoinKind.INNER
    return Join(kind, left, right, parse_expression(cursor), within, location=where)


def _within(cursor: TokenCursor) -> Within:
    where = cursor.location
    if cursor.accept("("):
        before = parse_duration(cursor, "WITHIN")
        cursor.expect(",")
        after = parse_duration(cursor, "WITHIN")
        cursor.expect(")")
    else:
        before = after = parse_duration(cursor, "WITHIN")
    grace = parse_duration(cursor, "GRACE PERIOD") if cursor.accept_all("GRACE", "PERIOD") else None
    return Within(before, after, grace, location=where)


def _window(cursor: TokenCursor) -> Window:
    where = cursor.location
    if cursor.token.kind is TokenKind.NAME:
        cursor.advance()  # a window may have a name, which has no effect
    kind = cursor.expect("TUMBLING", "HOPPING", "SESSION")
    cursor.expect("(")
    if kind == "SESSION":
        gap = parse_duration(cursor, "SESSION")
        return SessionWindow(gap, *_retention_and_grace(cursor), location=where)
    cursor.expect("SIZE")
    size = parse_duration(cursor, "SIZE")
    if kind == "TUMBLING":
        return TumblingWindow(size, *_retention_and_grace(cursor), location=where)
    for word in (",", "ADVANCE", "BY"):
        cursor.expect(word)
    advance = parse_duration(cursor, "ADVANCE BY")
    return HoppingWindow(size, advance, *_retention_and_grace(cursor), location=where)


def _retention_and_grace(cursor: TokenCursor) -> tuple[Duration | None, Duration | None]:
    retention = parse_duration(cursor, "RETENTION") if cursor.accept_all(",", "RETENTION") else None
    grace = parse_duration(cursor, "GRACE PERIOD") if cursor.accept_all(",", "GRACE", "PERIOD") else None
    cursor.expect_after(")", ",")
    return retention, grace


def _expressions(cursor: TokenCursor, clause: str) -> tuple[Expression, ...]:
    if cursor.accept_all("(", ")"):
        raise AnalysisError(f"{clause} requires at least one expression")
    if _bracketed_list_ahead(cursor):
        return cursor.bracketed(parse_value)
    return cursor.comma_separated(parse_value)


def _bracketed_list_ahead(cursor: TokenCursor) -> bool:
    """Whether a list `(a, b)` begins here, and not `(a + b) * c`: only a list has a comma directly in its brackets."""
    if not cursor.at("("):
        return False
    depth, ahead = 0, 0
    while (token := cursor.peek(ahead)).kind is not TokenKind.END:
        if token.kind is TokenKind.SIGN:
            depth += (token.value in "([") - (token.value in ")]")
            if depth == 0:
                return False
            if token.value == "," and depth == 1:
                return True
        ahead += 1
    return False


def _emit(cursor: TokenCursor, *, persistent: bool) -> Emit | None:
    if cursor.accept("EMIT"):
        return Emit(cursor.expect("CHANGES", "FINAL"))
    return Emit.CHANGES if persistent else None
