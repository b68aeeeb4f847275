import pytest

from bifrost.engine.expressions import ExpressionCompiler, convert, evaluate, infer_type
from bifrost.engine.functions.registry import default_registry
from bifrost.errors import AnalysisError
from bifrost.sql.parser import parse_expression_text
from bifrost.sql.types import BIGINT, DOUBLE, INTEGER, STRING
from tests.engine.expressions.evaluating import COLUMNS, FUNCTIONS, type_of


def source(text, **refs):
    return ExpressionCompiler(COLUMNS, FUNCTIONS).compile(parse_expression_text(text), refs)


def test_a_comparison_with_a_literal_is_a_plain_test():
    assert source("I < 3", I="c0") == "(c0 is not None and c0 < 3)"
    assert source("S = 'x'", S="c1") == "(c1 == 'x')"


def test_a_like_pattern_becomes_a_text_method():
    assert source("S LIKE '%x%'", S="c1") == "(c1 is not None and 'x' in c1)"


def test_columns_are_written_as_they_are_referred_to():
    assert source("I", I="row[3]") == "row[3]"


def test_texts_of_one_compiler_share_their_constants():
    compiler = ExpressionCompiler(COLUMNS, FUNCTIONS)
    texts = [compiler.compile(parse_expression_text(text), {}) for text in ("TRIM(S)", "TRIM(T)")]
    namespace = dict(compiler.constants) | {"S": " a ", "T": None}
    assert [eval(text, namespace) for text in texts] == ["a", None]
    assert len(compiler.constants) == 1


def test_code_knows_type_nullability_and_failure():
    compiler = ExpressionCompiler(COLUMNS, FUNCTIONS)

    def code(text):
        return compiler.code(parse_expression_text(text), {})

    assert code("I = 1").nullable is False
    assert code("I / 2").fails is True
    assert code("TRIM(S)").fails is False
    assert code("'x'").literal is True


def test_an_expression_is_evaluated_once():
    calls = []

    class Recorder(dict):
        def __getitem__(self, name):
            calls.append(name)
            return super().__getitem__(name)

    compiler = ExpressionCompiler(COLUMNS, FUNCTIONS)
    text = compiler.compile(parse_expression_text("LEN(ST->Y) > 2"), {"ST": "row"})
    assert eval(text, dict(compiler.constants) | {"row": Recorder(X=1, Y="abc")}) is True
    assert calls == ["Y"]


def test_values_without_columns():
    assert evaluate(parse_expression_text("1 + 2"), FUNCTIONS) == 3
    assert evaluate(parse_expression_text("3"), FUNCTIONS, target=DOUBLE) == 3.0
    with pytest.raises(AnalysisError):
        evaluate(parse_expression_text("X"), FUNCTIONS)


def test_converting_compiled_code():
    compiler = ExpressionCompiler(COLUMNS, FUNCTIONS)
    code = compiler.code(parse_expression_text("I"), {"I": "i"})
    assert eval(convert(compiler, code, DOUBLE).text, dict(compiler.constants) | {"i": 1}) == 1.0
    assert convert(compiler, code, BIGINT).text == "i"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NULL", "null"),
        ("1", "INTEGER"),
        ("3000000000", "BIGINT"),
        ("1.50", "DECIMAL(3, 2)"),
        ("0.05", "DECIMAL(2, 2)"),
        ("1e3", "DOUBLE"),
        ("'x'", "STRING"),
        ("I + L", "BIGINT"),
        ("COUNT(*)", "BIGINT"),
        ("AVG(I)", "DOUBLE"),
        ("EXPLODE(A)", "INTEGER"),
        ("STRUCT(A := 1)", "STRUCT<`A` INTEGER>"),
    ],
)
def test_types(text, expected):
    assert type_of(text) == expected


def test_types_of_unknown_columns_are_refused():
    with pytest.raises(AnalysisError) as refused:
        infer_type(parse_expression_text("A + 1"), {"B": INTEGER, "C": STRING}, default_registry())
    assert refused.value.message == "Unknown column A."
