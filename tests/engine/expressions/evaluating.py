"""Evaluating SQL text over a row, as the tests of expressions and functions do."""

from bifrost.engine.expressions import compile_function, infer_type, resolve_aggregate
from bifrost.engine.functions.registry import default_registry
from bifrost.sql.parser import parse_expression_text
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    StructField,
)

COLUMNS = {
    "I": INTEGER,
    "J": INTEGER,
    "L": BIGINT,
    "D": DOUBLE,
    "DEC": SqlDecimal(4, 2),
    "S": STRING,
    "T": STRING,
    "B": BOOLEAN,
    "BIN": BYTES,
    "DT": DATE,
    "TM": TIME,
    "TS": TIMESTAMP,
    "A": SqlArray(INTEGER),
    "AS": SqlArray(STRING),
    "M": SqlMap(STRING, INTEGER),
    "ST": SqlStruct((StructField("X", INTEGER), StructField("Y", STRING))),
}
FUNCTIONS = default_registry()


def value(text, functions=FUNCTIONS, config=None, **row):
    """The value of the expression where the named columns have these values and all others are null."""
    expression = parse_expression_text(text)
    evaluate = compile_function(expression, list(COLUMNS), COLUMNS, functions, config=config or {})
    return evaluate(*(row.get(name) for name in COLUMNS))


def type_of(text, functions=FUNCTIONS):
    """The expression's type as text, `null` for the null literal."""
    found = infer_type(parse_expression_text(text), COLUMNS, functions)
    return "null" if found is None else str(found)


def aggregate(text, config=None):
    """The aggregate that the call means."""
    return resolve_aggregate(parse_expression_text(text), COLUMNS, FUNCTIONS, config=config or {}).aggregate


def results(text, *rows, config=None):
    """What the aggregate shows after each row; a row is a value or a tuple of values."""
    call = aggregate(text, config)
    state, shown = call.initialize(), []
    for row in rows:
        state = call.add(state, *(row if isinstance(row, tuple) else (row,)))
        shown.append(call.result(state))
    return shown
