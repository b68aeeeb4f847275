"""Compile an expression's tree to Python source: one pass infers types, checks and generates code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bifrost.engine.expressions import arithmetic, calls, collections, comparison
from bifrost.engine.expressions.code import NULL, Code, constant_code
from bifrost.engine.expressions.conversion import convert_explicitly
from bifrost.engine.functions.javatime import sql_texts
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.errors import AnalysisError
from bifrost.sql.tree import (
    Arithmetic,
    ArithmeticUnary,
    Between,
    BooleanLiteral,
    Cast,
    ColumnRef,
    Comparison,
    CreateArray,
    CreateMap,
    CreateStruct,
    DecimalLiteral,
    Dereference,
    DoubleLiteral,
    Expression,
    FunctionCall,
    InList,
    IntegerLiteral,
    IntervalUnit,
    IsNotNull,
    IsNull,
    Lambda,
    LambdaVariable,
    Like,
    LogicalBinary,
    LongLiteral,
    Not,
    NullLiteral,
    SearchedCase,
    SimpleCase,
    StringLiteral,
    Subscript,
    TimeLiteral,
    TimestampLiteral,
)
from bifrost.sql.types import BIGINT, BOOLEAN, DOUBLE, INTEGER, STRING, TIME, TIMESTAMP, SqlDecimal, SqlType

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class ExpressionCompiler:
    """Compiles expressions over columns of known types.

    `constants` holds the objects that the generated source refers to; put them into the globals of the function that
    contains the source. One compiler may serve any number of expressions of one function.
    """

    def __init__(
        self, types: Mapping[str, SqlType], functions: FunctionRegistry, *, config: Mapping[str, str] = NO_SETTINGS
    ) -> None:
        self.types = types
        self.functions = functions.configured(config)
        self.settings = config
        self.constants: dict[str, object] = {}
        self._names: dict[int, str] = {}
        self._temporaries = 0
        self._refs: Mapping[str, str] = {}
        self._scopes: list[dict[str, Code]] = []

    def compile(self, expression: Expression, refs: Mapping[str, str]) -> str:
        """Return the source of a Python expression; column NAME is written as `refs[NAME]`.

        It handles null; it may raise `EVALUATION_ERRORS` when it runs. Temporaries are assigned with `:=`.

        Raises:
            AnalysisError: the expression is invalid for these columns.
        """
        return self.code(expression, refs).text

    def code(self, expression: Expression, refs: Mapping[str, str]) -> Code:
        """Like `compile`, but returns the code with its type and whether it may be null or fail."""
        self._refs = refs
        return self.translate(expression)

    def constant(self, value: object, hint: str) -> str:
        """Return the global name of a constant; the same object always gets the same name."""
        # `constants` keeps the object alive, so no other object gets its id.
        name = self._names.get(id(value))
        if name is None:
            name = f"_{hint}_{len(self.constants)}"
            self._names[id(value)] = name
            self.constants[name] = value
        return name

    def temporary(self) -> str:
        """Return an unused local name."""
        self._temporaries += 1
        return f"_t{self._temporaries}"

    def translate(self, expression: Expression) -> Code:
        """Translate an expression with the column references of the current compilation."""
        match expression:
            case ColumnRef():
                return self._column(expression)
            case LambdaVariable(name=name):
                return self._variable(name)
            case Comparison():
                return comparison.translate_comparison(self, expression)
            case LogicalBinary():
                return comparison.translate_logical(self, expression)
            case Not():
                return comparison.translate_not(self, expression)
            case IsNull() | IsNotNull():
                return comparison.translate_null_test(self, expression)
            case Between():
                return comparison.translate_between(self, expression)
            case InList():
                return comparison.translate_in(self, expression)
            case Like():
                return comparison.translate_like(self, expression)
            case Arithmetic():
                return arithmetic.translate_arithmetic(self, expression)
            case ArithmeticUnary():
                return arithmetic.translate_sign(self, expression)
            case Cast(value=value, type=target):
                return convert_explicitly(self, self.translate(value), target)
            case FunctionCall():
                return calls.translate_call(self, expression)
            case _:
                return self._translate_rest(expression)

    def _translate_rest(self, expression: Expression) -> Code:
        match expression:
            case Subscript():
                return collections.translate_subscript(self, expression)
            case Dereference():
                return collections.translate_dereference(self, expression)
            case SearchedCase():
                return collections.translate_searched_case(self, expression)
            case SimpleCase():
                return collections.translate_simple_case(self, expression)
            case CreateArray():
                return collections.translate_array(self, expression)
            case CreateMap():
                return collections.translate_map(self, expression)
            case CreateStruct():
                return collections.translate_struct(self, expression)
            case Lambda() | IntervalUnit():
                raise AnalysisError("A lambda function or unit of time can only be an argument of a function")
            case _:
                return self._literal(expression)

    def _literal(self, expression: Expression) -> Code:
        match expression:
            case NullLiteral():
                return NULL
            case BooleanLiteral(value=truth):
                return constant_code(self, truth, BOOLEAN)
            case IntegerLiteral(value=number):
                return constant_code(self, number, INTEGER)
            case LongLiteral(value=number):
                return constant_code(self, number, BIGINT)
            case DoubleLiteral(value=double):
                return constant_code(self, double, DOUBLE)
            case DecimalLiteral():
                return constant_code(self, expression.value, literal_decimal(expression))
            case StringLiteral(value=text):
                return constant_code(self, text, STRING)
            case TimeLiteral(text=text):
                return constant_code(self, _parsed(sql_texts.parse_time, text), TIME)
            case TimestampLiteral(text=text):
                return constant_code(self, _parsed(sql_texts.parse_timestamp, text), TIMESTAMP)
            case _:
                raise AssertionError(f"no translation of {type(expression).__name__}")

    def _column(self, node: ColumnRef) -> Code:
        if node.name not in self.types:
            raise AnalysisError(f"Unknown column {node.name}.")
        return Code(self._refs.get(node.name, node.name), self.types[node.name], simple=True)

    def _variable(self, name: str) -> Code:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        raise AnalysisError(f"Can't resolve lambda variable {name}")

    def translate_lambda(self, parameters: Sequence[str], types: Sequence[SqlType | None], body: Expression) -> Code:
        """Translate to a Python lambda over parameters of these types; `type` and `nullable` describe the body."""
        names = [self.temporary() for _ in parameters]
        scope = {
            parameter: Code(name, sql_type, simple=True)
            for parameter, name, sql_type in zip(parameters, names, types, strict=True)
        }
        self._scopes.append(scope)
        try:
            code = self.translate(body)
        finally:
            self._scopes.pop()
        return Code(f"(lambda {', '.join(names)}: {code.text})", code.type, code.nullable, fails=code.fails)


def literal_decimal(literal: DecimalLiteral) -> SqlDecimal:
    """Return the type of a decimal literal: precision and scale are those of its digits."""
    _, digits, exponent = literal.value.as_tuple()
    scale = max(0, -int(exponent))
    return SqlDecimal(max(len(digits), scale), scale)


def _parsed(parse: object, text: str) -> int:
    try:
        return parse(text)  # type: ignore[operator, no-any-return]
    except ValueError as error:
        raise AnalysisError(str(error)) from error


__all__ = ["ExpressionCompiler", "literal_decimal"]
