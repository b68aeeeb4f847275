"""Arrays, maps and structs: constructors, subscripts, dereferences; also CASE."""

from __future__ import annotations

from bifrost.engine.expressions.code import NULL, Code, Translator, bind, propagate, use
from bifrost.engine.expressions.coercion import coerce_all
from bifrost.engine.expressions.comparison import check_comparable, compare
from bifrost.engine.expressions.runtime import item_at, or_null
from bifrost.engine.functions.overloads import numeric_width
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import (
    ComparisonOperator,
    CreateArray,
    CreateMap,
    CreateStruct,
    Dereference,
    Expression,
    SearchedCase,
    SimpleCase,
    Subscript,
)
from bifrost.sql.types import BOOLEAN, SqlArray, SqlMap, SqlStruct, StructField

_SEE = "(see https://github.com/confluentinc/ksql/issues/4239)"
_WORKAROUND = "As a workaround, you may cast a NULL value to the desired type."


def guard(translator: Translator, code: Code) -> Code:
    """Return code that gives null instead of failing, as ksqlDB does for arguments and parts of constructors."""
    if not code.fails:
        return code
    text = code.safe if code.safe is not None else f"{use(translator, or_null)}(lambda: {code.text})"
    return Code(text, code.type, nullable=True)


def translate_array(translator: Translator, node: CreateArray) -> Code:
    """ARRAY[...].

    Raises:
        AnalysisError: it is empty, all null, or its items have no common type.
    """
    if not node.items:
        raise AnalysisError(f"Array constructor cannot be empty. Please supply at least one element {_SEE}.")
    common, codes = coerce_all(translator, node.items)
    if common is None:
        raise AnalysisError(f"Cannot construct an array with all NULL elements {_SEE}. {_WORKAROUND}")
    texts = ", ".join(guard(translator, code).text for code in codes)
    return Code(f"[{texts}]", SqlArray(common), nullable=False)


def translate_map(translator: Translator, node: CreateMap) -> Code:
    """MAP(key := value, ...).

    Raises:
        AnalysisError: it is empty, all keys or all values are null, or they have no common type.
    """
    if not node.entries:
        raise AnalysisError(f"Map constructor cannot be empty. Please supply at least one key value pair {_SEE}.")
    key_type, keys = coerce_all(translator, [key for key, _ in node.entries])
    value_type, values = coerce_all(translator, [value for _, value in node.entries])
    if key_type is None:
        raise AnalysisError(f"Cannot construct a map with all NULL keys {_SEE}. {_WORKAROUND}")
    if value_type is None:
        raise AnalysisError(f"Cannot construct a map with all NULL values {_SEE}. {_WORKAROUND}")
    pairs = zip(keys, values, strict=True)
    texts = ", ".join(f"{guard(translator, key).text}: {guard(translator, value).text}" for key, value in pairs)
    return Code(f"{{{texts}}}", SqlMap(key_type, value_type), nullable=False)


def translate_struct(translator: Translator, node: CreateStruct) -> Code:
    """STRUCT(name := value, ...).

    Raises:
        AnalysisError: a field's type is unknown or its name repeated.
    """
    fields: list[StructField] = []
    texts: list[str] = []
    for name, expression in node.fields:
        code = guard(translator, translator.translate(expression))
        if code.type is None:
            raise AnalysisError(
                f"Can't infer a type of null for field {name}. Please explicitly cast it: CAST(null AS ...)"
            )
        if any(field.name == name for field in fields):
            raise AnalysisError(f"Duplicate field found in STRUCT: '{name}'")
        fields.append(StructField(name, code.type))
        texts.append(f"{name!r}: {code.text}")
    return Code(f"{{{', '.join(texts)}}}", SqlStruct(tuple(fields)), nullable=False)


def translate_subscript(translator: Translator, node: Subscript) -> Code:
    """base[index]: elements count from 1, or from the end if negative; a missing element is null.

    Raises:
        AnalysisError: the base is not an array or map, or the index has the wrong type.
    """
    base, index = translator.translate(node.base), translator.translate(node.index)
    match base.type:
        case SqlArray(item):
            if numeric_width(index.type) not in (1, 2):
                raise AnalysisError(f"Array index must be INTEGER: {format_expression(node)}")
            name = use(translator, item_at)
            return propagate(
                translator, [base, index], lambda texts: f"{name}({texts[0]}, {texts[1]})", item, nullable=True
            )
        case SqlMap(key, value):
            if index.type is not None and index.type != key:
                raise AnalysisError(f"Map key must be {key}: {format_expression(node)}")
            return propagate(
                translator, [base, index], lambda texts: f"{texts[0]}.get({texts[1]})", value, nullable=True
            )
        case _:
            raise AnalysisError(
                f"Subscript expression ({format_expression(node)}) do not apply to {base.type or 'null'}."
            )


def translate_dereference(translator: Translator, node: Dereference) -> Code:
    """base->field; null if the base is null.

    Raises:
        AnalysisError: the base is not a struct, or it has no such field.
    """
    base = translator.translate(node.base)
    if not isinstance(base.type, SqlStruct):
        raise AnalysisError(f"Can only dereference Struct type, instead got {base.type or 'null'}")
    field = base.type.field(node.field)
    if field is None:
        raise AnalysisError(f"Could not find field '{node.field}' in '{format_expression(node.base)}'.")
    return propagate(translator, [base], lambda texts: f"{texts[0]}[{node.field!r}]", field.type, nullable=True)


def translate_searched_case(translator: Translator, node: SearchedCase) -> Code:
    """CASE WHEN condition THEN ...: only the selected branch is evaluated.

    Raises:
        AnalysisError: a condition is not boolean, or the results have no common type.
    """
    conditions = [translator.translate(when.condition) for when in node.whens]
    for when, condition in zip(node.whens, conditions, strict=True):
        if condition.type != BOOLEAN:
            raise AnalysisError(
                "WHEN operand type should be boolean."
                f"\nType for '{format_expression(when.condition)}' is {condition.type or 'null'}"
            )
    return _case(translator, conditions, [when.result for when in node.whens], node.default)


def translate_simple_case(translator: Translator, node: SimpleCase) -> Code:
    """CASE operand WHEN value THEN ...: the operand is evaluated once.

    Raises:
        AnalysisError: operand and value cannot be compared, or the results have no common type.
    """
    operand = translator.translate(node.operand)
    first, again = bind(translator, operand)
    conditions: list[Code] = []
    for when in node.whens:
        value = translator.translate(when.condition)
        equal = ComparisonOperator.EQUAL
        check_comparable(equal, (node.operand, operand.type), (when.condition, value.type))
        # The first comparison always runs, so it may bind the operand's name for the others.
        text = first if not conditions else again
        conditions.append(
            compare(translator, equal, Code(text, operand.type, operand.nullable, operand.simple, operand.fails), value)
        )
    return _case(translator, conditions, [when.result for when in node.whens], node.default)


def _case(
    translator: Translator, conditions: list[Code], results: list[Expression], default: Expression | None
) -> Code:
    branches = results if default is None else [*results, default]
    common, codes = coerce_all(translator, branches)
    if common is None:
        raise AnalysisError("Invalid Case expression. All case branches have NULL type")
    otherwise = NULL if default is None else codes[-1]
    text = otherwise.text
    # Python's conditional expressions nest to the right, so the last branch is written first. The default has no
    # condition: `zip` leaves it out.
    for condition, result in reversed(list(zip(conditions, codes, strict=False))):
        text = f"{result.text} if {condition.text} else {text}"
    fails = any(code.fails for code in (*conditions, *codes))
    nullable = otherwise.nullable or any(code.nullable for code in codes)
    return Code(f"({text})", common, nullable=nullable, fails=fails)
