"""Nodes of expressions. Import them from `bifrost.sql.tree`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from bifrost.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class Location:
    """A location in a statement's text; line and column count from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"Line: {self.line}, Col: {self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """The base of all nodes: a location in the text, which does not count for equality."""

    # Not compared: an expression of SELECT equals the same one in GROUP BY.
    location: Location | None = field(default=None, compare=False, repr=False, kw_only=True)


class ArithmeticOperator(Enum):
    """The value is the sign."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULUS = "%"


class ComparisonOperator(Enum):
    """The value is the sign or the words, as printed."""

    EQUAL = "="
    NOT_EQUAL = "<>"
    LESS_THAN = "<"
    LESS_THAN_OR_EQUAL = "<="
    GREATER_THAN = ">"
    GREATER_THAN_OR_EQUAL = ">="
    IS_DISTINCT_FROM = "IS DISTINCT FROM"
    IS_NOT_DISTINCT_FROM = "IS NOT DISTINCT FROM"


class LogicalOperator(Enum):
    """AND or OR."""

    AND = "AND"
    OR = "OR"


class Sign(Enum):
    """The sign of a unary expression."""

    PLUS = "+"
    MINUS = "-"


class TimeUnit(Enum):
    """A unit of time; the value is its length in ms."""

    MILLISECONDS = 1
    SECONDS = 1_000
    MINUTES = 60_000
    HOURS = 3_600_000
    DAYS = 86_400_000


@dataclass(frozen=True, slots=True)
class ColumnRef(Node):
    """`NAME` or `SOURCE.NAME`."""

    name: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class NullLiteral(Node):
    """NULL."""


@dataclass(frozen=True, slots=True)
class BooleanLiteral(Node):
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class IntegerLiteral(Node):
    """A whole number that fits into 32 bits."""

    value: int


@dataclass(frozen=True, slots=True)
class LongLiteral(Node):
    """A whole number that needs 64 bits."""

    value: int


@dataclass(frozen=True, slots=True)
class DoubleLiteral(Node):
    """A number with an exponent."""

    value: float


@dataclass(frozen=True, slots=True)
class DecimalLiteral(Node):
    """A number with a decimal point. `text` keeps its trailing zeros, which are its scale."""

    text: str

    @property
    def value(self) -> Decimal:
        """The number; its exponent is minus the scale."""
        return Decimal(self.text)


@dataclass(frozen=True, slots=True)
class StringLiteral(Node):
    """'text'; `value` has doubled quotes replaced by single ones."""

    value: str


@dataclass(frozen=True, slots=True)
class TimeLiteral(Node):
    """TIME 'text'."""

    text: str


@dataclass(frozen=True, slots=True)
class TimestampLiteral(Node):
    """TIMESTAMP 'text'."""

    text: str


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """left + right, or another arithmetic operator."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class ArithmeticUnary(Node):
    """-value, +value."""

    sign: Sign
    value: Expression


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """left = right, or another comparison, including IS [NOT] DISTINCT FROM."""

    operator: ComparisonOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class LogicalBinary(Node):
    """left AND right, left OR right."""

    operator: LogicalOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not(Node):
    """NOT value; also NOT BETWEEN, NOT IN and NOT LIKE, around the positive predicate."""

    value: Expression


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    """value IS NULL."""

    value: Expression


@dataclass(frozen=True, slots=True)
class IsNotNull(Node):
    """value IS NOT NULL."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Between(Node):
    """value BETWEEN low AND high."""

    value: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class InList(Node):
    """value IN (item, ...)."""

    value: Expression
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Like(Node):
    """value LIKE pattern [ESCAPE 'c']."""

    value: Expression
    pattern: Expression
    escape: str | None = None


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """CAST(value AS type)."""

    value: Expression
    type: SqlType


@dataclass(frozen=True, slots=True)
class IntervalUnit(Node):
    """A unit of time as a function's argument, as in DATEADD(DAYS, 1, D)."""

    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class FunctionCall(Node):
    """NAME(arguments); the name is in upper case. `NAME(*)` has no arguments."""

    name: str
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscript(Node):
    """base[index] of an array or a map."""

    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Dereference(Node):
    """base->field of a struct."""

    base: Expression
    field: str


@dataclass(frozen=True, slots=True)
class WhenClause(Node):
    """WHEN condition THEN result; in a simple CASE, the condition is the value to compare the operand with."""

    condition: Expression
    result: Expression


@dataclass(frozen=True, slots=True)
class SearchedCase(Node):
    """CASE WHEN ... THEN ... [ELSE default] END."""

    whens: tuple[WhenClause, ...]
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class SimpleCase(Node):
    """CASE operand WHEN ... THEN ... [ELSE default] END."""

    operand: Expression
    whens: tuple[WhenClause, ...]
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """X => body, (X, Y) => body."""

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class LambdaVariable(Node):
    """A parameter used in a lambda's body."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateArray(Node):
    """ARRAY[item, ...]."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class CreateMap(Node):
    """MAP(key := value, ...)."""

    entries: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class CreateStruct(Node):
    """STRUCT(name := value, ...)."""

    fields: tuple[tuple[str, Expression], ...]


Literal = (
    NullLiteral
    | BooleanLiteral
    | IntegerLiteral
    | LongLiteral
    | DoubleLiteral
    | DecimalLiteral
    | StringLiteral
    | TimeLiteral
    | TimestampLiteral
)

Expression = (
    ColumnRef
    | Literal
    | Arithmetic
    | ArithmeticUnary
    | Comparison
    | LogicalBinary
    | Not
    | IsNull
    | IsNotNull
    | Between
    | InList
    | Like
    | Cast
    | IntervalUnit
    | FunctionCall
    | Subscript
    | Dereference
    | SearchedCase
    | SimpleCase
    | Lambda
    | LambdaVariable
    | CreateArray
    | CreateMap
    | CreateStruct
)
