"""`+ - * / %` and signs: whole numbers wrap as in Java, decimals have ksqlDB's precision, `+` joins texts.

Arithmetic with null fails, as in ksqlDB: the column (or the function's argument) becomes null. So generated code does
not test for None; it lets Python raise TypeError.
"""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.engine.expressions.code import Code, Translator, bind, constant_code, use
from bifrost.engine.expressions.conversion import convert, decimal_unit
from bifrost.engine.expressions.runtime import (
    bigint_quotient,
    decimal_quotient,
    decimal_remainder,
    double_quotient,
    double_remainder,
    integer_quotient,
    remainder,
)
from bifrost.engine.functions.java.integers import wrap_bigint, wrap_integer
from bifrost.engine.functions.java.text import DECIMALS
from bifrost.engine.functions.overloads import decimal_of, numeric_width
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import Arithmetic, ArithmeticOperator, ArithmeticUnary, Sign
from bifrost.sql.types import BIGINT, DOUBLE, INTEGER, STRING, SqlDecimal, SqlType

# SQL Server's minimum, which ksqlDB took over.
_MIN_SCALE_OF_QUOTIENT = 6
_DIVISIONS = (ArithmeticOperator.DIVIDE, ArithmeticOperator.MODULUS)
_EXACT = {
    ArithmeticOperator.ADD: DECIMALS.add,
    ArithmeticOperator.SUBTRACT: DECIMALS.subtract,
    ArithmeticOperator.MULTIPLY: DECIMALS.multiply,
}


def translate_arithmetic(translator: Translator, node: Arithmetic) -> Code:
    """Translate a binary operation.

    Raises:
        AnalysisError: the operands are not numbers (or texts, for `+`).
    """
    left, right = translator.translate(node.left), translator.translate(node.right)
    result = _result_type(node, left.type, right.type)
    if isinstance(result, SqlDecimal):
        return _decimal(translator, node.operator, left, right, result)
    if result == STRING:
        texts = _text(translator, left), _text(translator, right)
        return Code(f"({texts[0]} + {texts[1]})", STRING, nullable=False, fails=left.fails or right.fails)
    if result == DOUBLE:
        operands = convert(translator, left, DOUBLE), convert(translator, right, DOUBLE)
        return _operation(_double(translator, node.operator, *operands), operands, DOUBLE)
    divides = node.operator in _DIVISIONS
    return _operation(_whole(translator, node.operator, left, right, result), (left, right), result, fails=divides)


def _operation(text: str, operands: Sequence[Code], result: SqlType, *, fails: bool = False) -> Code:
    fails = fails or any(operand.nullable or operand.fails for operand in operands)
    return Code(text, result, nullable=False, fails=fails)


def _text(translator: Translator, code: Code) -> str:
    """Return the source of a text operand; null is joined as `null`, as in Java."""
    if not code.nullable:
        return code.text
    first, again = bind(translator, code)
    return f"('null' if {first} is None else {again})"


def _result_type(node: Arithmetic, left: SqlType | None, right: SqlType | None) -> SqlType:
    if left is None or right is None:
        shown = f"{left if left is not None else 'null'} and {right if right is not None else 'null'}"
        raise AnalysisError(
            f"Error processing expression: {format_expression(node)}. Arithmetic on types {shown} are not supported."
        )
    if left == right == STRING and node.operator is ArithmeticOperator.ADD:
        return STRING
    width, other = numeric_width(left), numeric_width(right)
    if width is None or other is None:
        raise AnalysisError(
            f"Error processing expression: {format_expression(node)}. "
            f"Unsupported arithmetic types. {_base(left)} {_base(right)}"
        )
    if isinstance(left, SqlDecimal) or isinstance(right, SqlDecimal):
        # A DOUBLE makes the result a DOUBLE, although DECIMAL can hold more digits.
        if DOUBLE in (left, right):
            return DOUBLE
        return decimal_result(node.operator, decimal_of(left), decimal_of(right))
    return left if width >= other else right


def decimal_result(operator: ArithmeticOperator, left: SqlDecimal, right: SqlDecimal) -> SqlDecimal:
    """Return the type of an operation on decimals: the rules of SQL Server without a limit, as in ksqlDB."""
    whole_left, whole_right = left.precision - left.scale, right.precision - right.scale
    scale = max(left.scale, right.scale)
    match operator:
        case ArithmeticOperator.ADD | ArithmeticOperator.SUBTRACT:
            return SqlDecimal(max(whole_left, whole_right) + scale + 1, scale)
        case ArithmeticOperator.MULTIPLY:
            return SqlDecimal(left.precision + right.precision + 1, left.scale + right.scale)
        case ArithmeticOperator.DIVIDE:
            wide = max(_MIN_SCALE_OF_QUOTIENT, left.scale + right.precision + 1)
            return SqlDecimal(whole_left + right.scale + wide, wide)
        case ArithmeticOperator.MODULUS:
            return SqlDecimal(min(whole_left, whole_right) + scale, scale)


def _decimal(translator: Translator, operator: ArithmeticOperator, left: Code, right: Code, result: SqlDecimal) -> Code:
    operands = [convert(translator, code, decimal_of(code.type)) if code.type else code for code in (left, right)]
    first, second = (operand.text for operand in operands)
    if operator in _DIVISIONS:
        divide = decimal_quotient if operator is ArithmeticOperator.DIVIDE else decimal_remainder
        unit = translator.constant(decimal_unit(result.scale), "unit")
        return _operation(f"{use(translator, divide)}({first}, {second}, {unit})", operands, result, fails=True)
    exact = translator.constant(_EXACT[operator], f"decimal_{operator.name.lower()}")
    return _operation(f"{exact}({first}, {second})", operands, result)


def _double(translator: Translator, operator: ArithmeticOperator, left: Code, right: Code) -> str:
    if operator in _DIVISIONS:
        divide = double_quotient if operator is ArithmeticOperator.DIVIDE else double_remainder
        return f"{use(translator, divide)}({left.text}, {right.text})"
    return f"({left.text} {operator.value} {right.text})"


def _whole(translator: Translator, operator: ArithmeticOperator, left: Code, right: Code, result: SqlType) -> str:
    match operator:
        case ArithmeticOperator.DIVIDE:
            divide = integer_quotient if result == INTEGER else bigint_quotient
            return f"{use(translator, divide)}({left.text}, {right.text})"
        case ArithmeticOperator.MODULUS:
            return f"{use(translator, remainder)}({left.text}, {right.text})"
        case _:
            return _wrapped(translator, f"{left.text} {operator.value} {right.text}", result)


def _wrapped(translator: Translator, text: str, result: SqlType) -> str:
    """Wrap a sum or product to its type's bits; a 64-bit result is changed only if it overflows."""
    if result == INTEGER:
        # Moves the range of 32 bits to begin at 0, masks it, and moves it back; `+` binds before `&`.
        return f"(({text} + 2147483648 & 4294967295) - 2147483648)"
    # The comparison costs less than wrapping every result.
    name, wrap = translator.temporary(), use(translator, wrap_bigint)
    return f"({name} if -9223372036854775808 <= ({name} := {text}) <= 9223372036854775807 else {wrap}({name}))"


def translate_sign(translator: Translator, node: ArithmeticUnary) -> Code:
    """Translate `-value` or `+value`; a literal becomes its negative.

    Raises:
        AnalysisError: the operand is not a number.
    """
    value = translator.translate(node.value)
    if value.type is None or numeric_width(value.type) is None:
        raise AnalysisError(
            f"Error processing expression: {format_expression(node)}. "
            f"Unsupported arithmetic type. {_base(value.type) if value.type else 'null'}"
        )
    if node.sign is Sign.PLUS:
        return value
    if value.literal:
        return constant_code(translator, _negative(value.value, value.type), value.type)
    return _operation(_negated(translator, value.text, value.type), (value,), value.type)


def _negative(value: object, sql_type: SqlType) -> object:
    if isinstance(sql_type, SqlDecimal):
        return DECIMALS.minus(value)  # type: ignore[arg-type]
    return -value  # type: ignore[operator]


def _negated(translator: Translator, text: str, sql_type: SqlType | None) -> str:
    if isinstance(sql_type, SqlDecimal):
        return f"{translator.constant(DECIMALS.minus, 'decimal_minus')}({text})"
    if sql_type == INTEGER:
        return f"{use(translator, wrap_integer)}(-{text})"
    return f"{use(translator, wrap_bigint)}(-{text})" if sql_type == BIGINT else f"(-{text})"


def _base(sql_type: SqlType) -> str:
    """Return the type's name without its parameters."""
    return str(sql_type).split("<")[0].split("(")[0]
