import pytest

from bifrost.engine.functions.library import AggregateContext, Aggregator, FunctionError, Library
from bifrost.engine.functions.parameter_docs import parameter_description
from bifrost.engine.functions.parameters import parse_signature, type_text
from bifrost.engine.functions.registry import FunctionRegistry, default_registry
from bifrost.errors import AnalysisError
from bifrost.sql.types import BIGINT, DOUBLE, INTEGER, STRING, SqlArray, SqlDecimal
from tests.engine.expressions.evaluating import type_of, value

EXPECTED = """
    ABS ACOS ASIN AS_VALUE ATAN ATAN2 CBRT CEIL COS COSH COT DEGREES ENTRIES EXP FLOOR GENERATE_SERIES
    GEO_DISTANCE GREATEST LEAST LN LOG PI POWER RADIANS RANDOM ROUND SIGN SIN SINH SQRT TAN TANH TRUNC
    ARRAY_CONCAT ARRAY_CONTAINS ARRAY_DISTINCT ARRAY_EXCEPT ARRAY_INTERSECT ARRAY_JOIN ARRAY_LENGTH ARRAY_MAX
    ARRAY_MIN ARRAY_REMOVE ARRAY_SORT ARRAY_UNION AS_MAP ELT FIELD JSON_ARRAY_CONTAINS MAP_KEYS MAP_VALUES
    MAP_UNION SLICE FILTER REDUCE TRANSFORM CHR CONCAT CONCAT_WS ENCODE EXTRACTJSONFIELD FROM_BYTES
    IS_JSON_STRING JSON_ARRAY_LENGTH JSON_CONCAT JSON_KEYS JSON_RECORDS JSON_ITEMS TO_JSON_STRING INITCAP INSTR
    LCASE LEN LPAD MASK MASK_KEEP_LEFT MASK_KEEP_RIGHT MASK_LEFT MASK_RIGHT MD5 REPLACE REGEXP_EXTRACT
    REGEXP_EXTRACT_ALL REGEXP_REPLACE REGEXP_SPLIT_TO_ARRAY RPAD SPLIT SPLIT_TO_MAP SUBSTRING TO_BYTES TRIM
    UCASE UUID BIGINT_FROM_BYTES DOUBLE_FROM_BYTES INT_FROM_BYTES COALESCE IFNULL NULLIF CONVERT_TZ DATEADD
    DATESUB FORMAT_DATE FORMAT_TIME FORMAT_TIMESTAMP FROM_DAYS FROM_UNIXTIME PARSE_DATE PARSE_TIME
    PARSE_TIMESTAMP TIMEADD TIMESUB TIMESTAMPADD TIMESTAMPSUB UNIX_DATE UNIX_TIMESTAMP DATETOSTRING STRINGTODATE
    STRINGTOTIMESTAMP TIMESTAMPTOSTRING URL_DECODE_PARAM URL_ENCODE_PARAM URL_EXTRACT_FRAGMENT URL_EXTRACT_HOST
    URL_EXTRACT_PARAMETER URL_EXTRACT_PATH URL_EXTRACT_PORT URL_EXTRACT_PROTOCOL URL_EXTRACT_QUERY AVG
    COLLECT_LIST COLLECT_SET CORRELATION COUNT COUNT_DISTINCT EARLIEST_BY_OFFSET HISTOGRAM LATEST_BY_OFFSET MAX
    MIN STDDEV_SAMP STDDEV_SAMPLE SUM TOPK TOPKDISTINCT CUBE_EXPLODE EXPLODE ATTR SUM_LIST
"""


def test_all_functions_of_ksqldb_exist():
    assert set(default_registry().names()) == set(EXPECTED.split())


def test_every_function_has_a_description():
    registry = default_registry()
    for name in registry.names():
        declaration = registry.describe(name)
        assert declaration.description.endswith("."), name
        assert declaration.overloads, name
        assert declaration.author == "Confluent"


def test_kinds():
    registry = default_registry()
    assert registry.is_aggregate("COUNT") and not registry.is_table("COUNT")
    assert registry.is_table("EXPLODE") and not registry.is_aggregate("EXPLODE")
    assert not registry.is_aggregate("NO_SUCH")
    assert registry.describe("SUBSTRING").category == "STRING"


def test_an_unknown_function_is_refused():
    with pytest.raises(AnalysisError) as refused:
        type_of("NO_SUCH(1)")
    assert refused.value.message == "Can't find any functions with the name 'NO_SUCH'"


def test_wrong_arguments_are_refused_with_the_available_overloads():
    with pytest.raises(AnalysisError) as refused:
        type_of("LPAD(I, 2)")
    assert refused.value.message == (
        "Function 'lpad' does not accept parameters (INTEGER, INTEGER).\n"
        "Valid alternatives are:\n"
        "lpad(VARCHAR input, INT targetLen, VARCHAR padding)\n"
        "lpad(BYTES input, INT targetLen, BYTES padding)\n"
        "For detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;"
    )


@pytest.mark.parametrize("text", ["GREATEST(I, L)", "LEAST(NULL, NULL)"])
def test_several_equally_good_overloads_are_refused(text):
    with pytest.raises(AnalysisError) as refused:
        type_of(text)
    assert "cannot be resolved due to ambiguous method parameters (" in refused.value.message


def test_numbers_widen_and_texts_become_dates_for_arguments():
    assert value("GEO_DISTANCE(0, 0, I, 0)", I=1) == pytest.approx(111.19, abs=0.01)
    assert value("GREATEST(DT, '1970-01-03')", DT=1) == 2
    assert type_of("SQRT(DEC)") == "DOUBLE"


def test_type_variables_must_agree():
    assert type_of("IFNULL(A, ARRAY[1])") == "ARRAY<INTEGER>"
    with pytest.raises(AnalysisError):
        type_of("IFNULL(I, S)")


def test_aggregates_do_not_widen_their_arguments():
    with pytest.raises(AnalysisError) as refused:
        default_registry().aggregate("AVG", [SqlDecimal(4, 2)])
    assert "Function 'AVG' does not accept parameters (DECIMAL(4, 2))." in refused.value.message


@pytest.mark.parametrize(
    ("text", "parameters", "result"),
    [
        ("str STRING, pos INTEGER -> STRING", ["VARCHAR", "INT"], "VARCHAR"),
        ("array ARRAY<T>, f (T) => R -> ARRAY<R>", ["ARRAY<T>", "LAMBDA (T) => R"], "ARRAY<R>"),
        (
            "m MAP<STRING, DECIMAL(4, 2)> -> STRUCT<A INTEGER, B ANY>",
            ["MAP<VARCHAR, DECIMAL(4, 2)>"],
            "STRUCT<A INT, B ANY>",
        ),
        ("-> DOUBLE", [], "DOUBLE"),
        ("unit INTERVAL, d DECIMAL... -> DECIMAL", ["INTERVALUNIT", "DECIMAL"], "DECIMAL"),
    ],
)
def test_signatures_print_as_ksqldb_prints_them(text, parameters, result):
    signature = parse_signature(text)
    assert [type_text(parameter.type) for parameter in signature.parameters] == parameters
    assert type_text(signature.result) == result


@pytest.mark.parametrize(
    "text", ["STRING", "a STRING ->", "a NONSENSE -> STRING", "a STRING -> STRING STRING", "a ARRAY<!> -> T"]
)
def test_an_invalid_signature_is_refused(text):
    with pytest.raises(ValueError, match="not a signature"):
        parse_signature(text)


def test_repeats_may_stand_in_the_middle():
    signature = parse_signature("a STRING, others BIGINT..., z INTEGER -> STRING")
    assert signature.expanded(1) is None
    assert [type_text(p.type) for p in signature.expanded(2)] == ["VARCHAR", "INT"]
    assert [type_text(p.type) for p in signature.expanded(4)] == ["VARCHAR", "BIGINT", "BIGINT", "INT"]


def test_literals_of_aggregates_may_repeat():
    signature = parse_signature("a STRING; n INTEGER, more STRING... -> STRING")
    assert [signature.literals(count) for count in (2, 3, 5)] == [1, 2, 4]


def test_functions_of_ones_own():
    library = Library("OTHER", author="someone")

    @library.scalar("HALF", "n INTEGER -> DOUBLE", description="Half of it.")
    def half(number):
        if number < 0:
            raise FunctionError("no")
        return number / 2

    @library.aggregate("LAST", "val T -> T", description="The last one.")
    def last(context: AggregateContext) -> Aggregator:
        return Aggregator(lambda: None, lambda state, value: value, lambda state: state)

    registry = default_registry().extended([library])
    assert value("HALF(I) + 1", registry, I=3) == 2.5
    assert value("COALESCE(HALF(I), 0.0e0)", registry, I=-1) == 0.0
    assert value("HALF(I)", registry) is None
    assert registry.aggregate("LAST", [STRING]).return_type == STRING
    assert "HALF" not in default_registry()


def test_a_name_is_declared_once():
    library = Library()
    library.scalar("ABS", "n INTEGER -> INTEGER", description="Mine.")(abs)
    with pytest.raises(ValueError, match="function ABS"):
        default_registry().extended([library])


def test_settings_reach_functions():
    registry = FunctionRegistry({}).extended([])
    assert registry.names() == ()
    limited = default_registry().configured({"ksql.functions.collect_list.limit": "2"})
    call = limited.aggregate("COLLECT_LIST", [INTEGER])
    state = call.initialize()
    for number in range(5):
        state = call.add(state, number)
    assert call.result(state) == [0, 1]


def test_table_functions():
    explode = default_registry().table("EXPLODE", [SqlArray(BIGINT)])
    assert explode.return_type == BIGINT
    assert explode.function([1, None]) == [1, None]
    assert explode.function(None) == []
    cube = default_registry().table("CUBE_EXPLODE", [SqlArray(DOUBLE)])
    assert cube.return_type == SqlArray(DOUBLE)
    assert cube.function([1.0, None, 2.0]) == [
        [None, None, None],
        [None, None, 2.0],
        [1.0, None, None],
        [1.0, None, 2.0],
    ]


def test_every_parameter_is_explained_but_those_whose_name_says_nothing():
    registry = default_registry()
    declarations = [registry.describe(name) for name in registry.names()]
    names = {
        parameter.name
        for declaration in declarations
        for overload in declaration.overloads
        for parameter in overload.signature.parameters
    }
    assert {name for name in names if not parameter_description(name)} == {
        "val",
        "val1",
        "value",
        "input",
        "x",
        "y",
        "s",
    }
