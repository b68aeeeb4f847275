"""Comparisons, AND, OR, NOT, BETWEEN, IN, LIKE and IS NULL; a comparison with null is false, as in ksqlDB."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from bifrost.engine.expressions.code import Code, Translator, bind, constant_code, propagate, use
from bifrost.engine.expressions.coercion import coerce_all
from bifrost.engine.expressions.conversion import convert
from bifrost.engine.expressions.patterns import like, like_test
from bifrost.engine.functions.java.text import decimal_from_double
from bifrost.engine.functions.overloads import numeric_width, widens
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import (
    Between,
    Comparison,
    ComparisonOperator,
    Expression,
    InList,
    IsNotNull,
    IsNull,
    Like,
    LogicalBinary,
    LogicalOperator,
    Not,
)
from bifrost.sql.types import (
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    STRING,
    TIME,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
)

_EQUALITY = frozenset(
    (
        ComparisonOperator.EQUAL,
        ComparisonOperator.NOT_EQUAL,
        ComparisonOperator.IS_DISTINCT_FROM,
        ComparisonOperator.IS_NOT_DISTINCT_FROM,
    )
)
_SIGNS = {
    ComparisonOperator.LESS_THAN: "<",
    ComparisonOperator.LESS_THAN_OR_EQUAL: "<=",
    ComparisonOperator.GREATER_THAN: ">",
    ComparisonOperator.GREATER_THAN_OR_EQUAL: ">=",
    ComparisonOperator.EQUAL: "==",
    ComparisonOperator.NOT_EQUAL: "!=",
    ComparisonOperator.IS_DISTINCT_FROM: "!=",
    ComparisonOperator.IS_NOT_DISTINCT_FROM: "==",
}
_TIMES = (DATE, TIME, TIMESTAMP)
_ORDERED = (STRING, BYTES, DATE, TIME, TIMESTAMP)


def translate_comparison(translator: Translator, node: Comparison) -> Code:
    """Translate a comparison.

    Raises:
        AnalysisError: this operator cannot compare values of these types.
    """
    left, right = translator.translate(node.left), translator.translate(node.right)
    check_comparable(node.operator, (node.left, left.type), (node.right, right.type))
    return compare(translator, node.operator, left, right)


def check_comparable(
    operator: ComparisonOperator, left: tuple[Expression, SqlType | None], right: tuple[Expression, SqlType | None]
) -> None:
    """Raise AnalysisError, with ksqlDB's text, if two values cannot be compared."""
    if left[1] is None or right[1] is None:
        types = [str(sql_type or "NULL") for _, sql_type in (left, right)]
        raise AnalysisError(
            f"Comparison with NULL not supported: {types[0]} {operator.value} {types[1]}\n"
            "Use 'IS NULL' or 'IS NOT NULL' instead."
        )
    if not comparable(operator, left[1], right[1]):
        raise AnalysisError(
            f"Cannot compare {format_expression(left[0])} ({left[1]}) to {format_expression(right[0])} ({right[1]}) "
            f"with {operator.name}."
        )


def comparable(operator: ComparisonOperator, left: SqlType, right: SqlType) -> bool:
    """Return whether ksqlDB compares values of these types with this operator."""
    if numeric_width(left) is not None and numeric_width(right) is not None:
        return True
    match left, right:
        case (SqlArray() | SqlMap() | SqlStruct(), SqlArray() | SqlMap() | SqlStruct()):
            return operator in _EQUALITY and (widens(left, right) or widens(right, left))
    if left == right:
        return left in _ORDERED or (left == BOOLEAN and operator in _EQUALITY)
    return (
        (left in _TIMES and right == STRING)
        or (right in _TIMES and left == STRING)
        or {left, right} == {DATE, TIMESTAMP}
    )


def compare(translator: Translator, operator: ComparisonOperator, left: Code, right: Code) -> Code:
    """Return the code that compares two comparable values."""
    left, right = _aligned(translator, left, right)
    fails = left.fails or right.fails
    sign = _SIGNS[operator]
    if operator in (ComparisonOperator.IS_DISTINCT_FROM, ComparisonOperator.IS_NOT_DISTINCT_FROM):
        return Code(f"({left.text} {sign} {right.text})", BOOLEAN, nullable=False, fails=fails)
    # None equals no value, so one nullable side needs no test.
    if operator is ComparisonOperator.EQUAL and not (left.nullable and right.nullable):
        return Code(f"({left.text} == {right.text})", BOOLEAN, nullable=False, fails=fails)
    tests: list[str] = []
    texts: list[str] = []
    for operand in (left, right):
        first, again = bind(translator, operand) if operand.nullable else (operand.text, operand.text)
        if operand.nullable:
            tests.append(f"{first} is not None and ")
        texts.append(again)
    return Code(f"({''.join(tests)}{texts[0]} {sign} {texts[1]})", BOOLEAN, nullable=False, fails=fails)


def _aligned(translator: Translator, left: Code, right: Code) -> tuple[Code, Code]:
    """Convert both sides to values that Python compares as ksqlDB does."""
    kinds = (left.type, right.type)
    if kinds[0] == kinds[1] or kinds[0] is None or kinds[1] is None:
        return left, right
    if STRING in kinds or set(kinds) == {DATE, TIMESTAMP}:
        target = next(kind for kind in (TIMESTAMP, DATE, TIME) if kind in kinds)
        return convert(translator, left, target), convert(translator, right, target)
    if DOUBLE in kinds and any(isinstance(kind, SqlDecimal) for kind in kinds):
        return _decimal_or_double(translator, left, right), _decimal_or_double(translator, right, left)
    return left, right


def _decimal_or_double(translator: Translator, code: Code, other: Code) -> Code:
    """Convert a DOUBLE beside a DECIMAL to the decimal that its text shows; a decimal literal becomes a double."""
    # If the literal survives the way through a double, both sides are compared as doubles: that spares the conversion
    # of each row's value.
    literal = code if code.literal else other
    if literal.literal and isinstance(literal.value, Decimal) and Decimal(repr(float(literal.value))) == literal.value:
        return constant_code(translator, float(literal.value), DOUBLE) if code is literal else code
    if code.type != DOUBLE:
        return code
    name = use(translator, decimal_from_double)
    return propagate(translator, [code], lambda texts: f"{name}({texts[0]})", code.type, fails=True)


def translate_between(translator: Translator, node: Between) -> Code:
    """Translate `low <= value <= high`; false if any of them is null."""
    value, low, high = (translator.translate(part) for part in (node.value, node.low, node.high))
    for operator, part, code in (
        (ComparisonOperator.GREATER_THAN_OR_EQUAL, node.low, low),
        (ComparisonOperator.LESS_THAN_OR_EQUAL, node.high, high),
    ):
        check_comparable(operator, (node.value, value.type), (part, code.type))
    first, again = bind(translator, value)
    bound_value = Code(again, value.type, value.nullable, simple=True)
    from_low = compare(
        translator,
        ComparisonOperator.GREATER_THAN_OR_EQUAL,
        Code(first, value.type, value.nullable, simple=value.simple, fails=value.fails, literal=value.literal,
             value=value.value),
        low,
    )  # fmt: skip
    to_high = compare(translator, ComparisonOperator.LESS_THAN_OR_EQUAL, bound_value, high)
    return Code(f"({from_low.text} and {to_high.text})", BOOLEAN, nullable=False, fails=from_low.fails or to_high.fails)


def _expect(wanted: SqlType, *operands: tuple[Expression, Code]) -> None:
    for expression, code in operands:
        if code.type not in (None, wanted):
            shown = format_expression(expression)
            raise AnalysisError(f"Operand {shown} ({code.type}) is not of type {wanted}. Cast it or compare it.")


def translate_logical(translator: Translator, node: LogicalBinary) -> Code:
    """AND and OR, left to right; a null on the left makes the result null, as if Java unboxed it.

    Raises:
        AnalysisError: an operand is not boolean.
    """
    left, right = translator.translate(node.left), translator.translate(node.right)
    _expect(BOOLEAN, (node.left, left), (node.right, right))
    fails = left.fails or right.fails
    nullable = left.nullable or right.nullable
    if node.operator is LogicalOperator.AND:
        return Code(f"({left.text} and {right.text})", BOOLEAN, nullable=nullable, fails=fails)
    if not left.nullable:
        return Code(f"({left.text} or {right.text})", BOOLEAN, nullable=nullable, fails=fails)
    first, again = bind(translator, left)
    return Code(f"(None if {first} is None else {again} or {right.text})", BOOLEAN, nullable=True, fails=fails)


def translate_not(translator: Translator, node: Not) -> Code:
    """NOT; null for null.

    Raises:
        AnalysisError: the operand is not boolean.
    """
    value = translator.translate(node.value)
    _expect(BOOLEAN, (node.value, value))
    return propagate(translator, [value], lambda texts: f"(not {texts[0]})", BOOLEAN)


def translate_null_test(translator: Translator, node: IsNull | IsNotNull) -> Code:
    """IS NULL and IS NOT NULL; never null itself."""
    value = translator.translate(node.value)
    if value.literal:
        return constant_code(translator, (value.value is None) is isinstance(node, IsNull), BOOLEAN)
    # Python warns about `x is None` for a literal x; a value that cannot be null may be a literal.
    words = ("is", "is not") if value.nullable else ("==", "!=")
    word = words[0] if isinstance(node, IsNull) else words[1]
    return Code(f"({value.text} {word} None)", BOOLEAN, nullable=False, fails=value.fails)


def translate_in(translator: Translator, node: InList) -> Code:
    """IN: a set lookup if all items are constants.

    Raises:
        AnalysisError: the items have no common type.
    """
    _, codes = coerce_all(translator, (node.value, *node.items))
    value, items = codes[0], [item for item in codes[1:] if item is not None]
    fails = any(code.fails for code in codes)
    if all(item.literal and _hashable(item.value) for item in items):
        # Nulls stay out of the set: null IN (null) is false.
        members = frozenset(item.value for item in items if item.value is not None)
        return Code(
            f"({value.text} in {translator.constant(members, 'members')})", BOOLEAN, nullable=False, fails=fails
        )
    listed = ", ".join(item.text for item in items)
    text = _unless_null(translator, value, lambda text: f"{text} in ({listed},)")
    return Code(text, BOOLEAN, nullable=False, fails=fails)


def _unless_null(translator: Translator, value: Code, test: Callable[[str], str]) -> str:
    """Return a test of a value that is false for null."""
    if not value.nullable:
        return f"({test(bind(translator, value)[0])})"
    first, again = bind(translator, value)
    return f"({first} is not None and {test(again)})"


def _hashable(value: object) -> bool:
    return not isinstance(value, list | dict)


def translate_like(translator: Translator, node: Like) -> Code:
    """LIKE: a text method or compiled pattern if the pattern is a literal; false for null.

    Raises:
        AnalysisError: an operand is not a STRING.
    """
    value, pattern = translator.translate(node.value), translator.translate(node.pattern)
    _expect(STRING, (node.value, value), (node.pattern, pattern))
    if pattern.literal and isinstance(pattern.value, str):
        literal = pattern.value
        text = _unless_null(translator, value, lambda text: like_test(translator, text, literal, node.escape))
        return Code(text, BOOLEAN, nullable=False, fails=value.fails)
    name = use(translator, like)
    text = f"{name}({value.text}, {pattern.text}, {node.escape!r})"
    return Code(text, BOOLEAN, nullable=False, fails=True)
