import math
from decimal import Decimal

import pytest

from bifrost.engine.expressions import EVALUATION_ERRORS
from tests.engine.expressions.evaluating import type_of, value

NUMBERS = [
    ("ABS(-5)", 5),
    ("ABS(DEC)", Decimal("1.55")),
    ("CEIL(1.1e0)", 2.0),
    ("CEIL(DEC)", Decimal("-1.00")),
    ("FLOOR(DEC)", Decimal("-2.00")),
    ("FLOOR(-1.5e0)", -2.0),
    ("ROUND(2.5e0)", 3),
    ("ROUND(-2.5e0)", -2),
    ("ROUND(-1.25, 1)", Decimal("-1.20")),
    ("ROUND(1.235e0, 2)", 1.24),
    ("ROUND(1250, -2)", 1300),
    ("TRUNC(-1.9e0)", -1),
    ("TRUNC(1.299, 1)", Decimal("1.200")),
    ("SIGN(-0.5e0)", -1),
    ("GREATEST(1, NULL, 3)", 3),
    ("LEAST('b', 'a')", "a"),
    ("LEAST(1.25, 1.3)", Decimal("1.25")),
    ("GREATEST(1.5, 1.25)", Decimal("1.50")),
    ("SQRT(16)", 4.0),
    ("CBRT(-27)", pytest.approx(-3)),
    ("EXP(0)", 1.0),
    ("LN(1)", 0.0),
    ("LN(0)", -math.inf),
    ("LOG(1000)", 6.907755278982137),
    ("CBRT(27)", 3.0),
    ("ROUND(0.49999999999999994e0)", 0),
    ("ROUND(-0.5e0)", 0),
    ("ROUND(4503599627370497.5e0)", 4503599627370498),
    ("LOG(2, 8)", pytest.approx(3)),
    ("POWER(2, 10)", 1024.0),
    ("POWER(10, 400)", math.inf),
    ("POWER(0, -1)", math.inf),
    ("COT(0)", math.inf),
    ("DEGREES(PI())", 180.0),
    ("ATAN2(1, 1)", pytest.approx(math.pi / 4)),
    ("COSH(1000)", math.inf),
    ("GENERATE_SERIES(1, 4)", [1, 2, 3, 4]),
    ("GENERATE_SERIES(3, 1)", [3, 2, 1]),
    ("GENERATE_SERIES(1, 6, 2)", [1, 3, 5]),
    ("GEO_DISTANCE(0, 0, 0, 180, 'miles')", pytest.approx(3959 * math.pi)),
]
TEXTS = [
    ("LEN('äö')", 2),
    ("UCASE('ab')", "AB"),
    ("LCASE('AB')", "ab"),
    ("TRIM(' a\tb ')", "a\tb"),
    ("INITCAP('hello wORLD-x')", "Hello World-x"),
    ("CONCAT('a', NULL, 'b')", "ab"),
    ("CONCAT_WS('-', 'a', NULL, 'b')", "a-b"),
    ("REPLACE('aaa', 'a', 'b')", "bbb"),
    ("SUBSTRING('hello', 2, 3)", "ell"),
    ("SUBSTRING('hello', -3)", "llo"),
    ("SUBSTRING('hello', 0, 2)", "he"),
    ("SUBSTRING('hello', 9)", ""),
    ("INSTR('banana', 'an')", 2),
    ("INSTR('banana', 'an', 3)", 4),
    ("INSTR('banana', 'an', 1, 2)", 4),
    ("INSTR('banana', 'an', -1)", 4),
    ("INSTR('banana', 'an', -1, 2)", 2),
    ("INSTR('banana', 'x')", 0),
    ("LPAD('7', 3, 'ab')", "ab7"),
    ("RPAD('7', 4, 'ab')", "7aba"),
    ("LPAD('1234', 2, '0')", "12"),
    ("LPAD('7', 3, '')", None),
    ("SPLIT('a,,b', ',')", ["a", "", "b"]),
    ("SPLIT('abc', '')", ["a", "b", "c"]),
    ("SPLIT_TO_MAP('a=1;b;a=2', ';', '=')", {"a": "2"}),
    ("CHR(8364)", "€"),
    ("CHR('\\u20ac')", "€"),
    ("CHR('x')", None),
    ("ELT(2, 'a', 'b')", "b"),
    ("ELT(3, 'a', 'b')", None),
    ("FIELD('b', 'a', 'b')", 2),
    ("FIELD(NULL, 'a')", 0),
    ("MD5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
    ("MASK('Ab1-ü')", "Xxn-x"),
    ("MASK('Ab1-', '*', NULL, '9', NULL)", "*b9-"),
    ("MASK_LEFT('Ab1', 2)", "Xx1"),
    ("MASK_RIGHT('Ab1', 2)", "Axn"),
    ("MASK_KEEP_LEFT('Ab1', 2)", "Abn"),
    ("MASK_KEEP_RIGHT('Ab1', 2)", "Xb1"),
    ("ENCODE('c3a4', 'hex', 'utf8')", "ä"),
    ("ENCODE('ä', 'ascii', 'base64')", "Pw=="),
    ("ENCODE('0xabc', 'hex', 'base64')", "Crw="),
    ("ENCODE('X''4a''', 'hex', 'utf8')", "J"),
    ("ENCODE('SmF!2YQ', 'base64', 'utf8')", "Java"),
    ("FROM_BYTES(TO_BYTES('SmF2YQ', 'base64'), 'utf8')", "Java"),
    ("FROM_BYTES(TO_BYTES('ab', 'utf8'), 'hex')", "6162"),
    ("CONCAT(TO_BYTES('a', 'utf8'), TO_BYTES('b', 'utf8'))", b"ab"),
    ("SUBSTRING(TO_BYTES('abc', 'utf8'), 2)", b"bc"),
    ("SPLIT(TO_BYTES('a.b', 'utf8'), TO_BYTES('.', 'utf8'))", [b"a", b"b"]),
    ("INT_FROM_BYTES(TO_BYTES('01000000', 'hex'), 'LITTLE_ENDIAN')", 1),
    ("BIGINT_FROM_BYTES(TO_BYTES('0102', 'hex'))", None),
    ("DOUBLE_FROM_BYTES(TO_BYTES('3ff0000000000000', 'hex'))", 1.0),
    ("REGEXP_EXTRACT('(\\w+)@(\\w+)', 'me@home', 2)", "home"),
    ("REGEXP_EXTRACT('x', 'y')", None),
    ("REGEXP_EXTRACT_ALL('a.', 'abacad')", ["ab", "ac", "ad"]),
    ("REGEXP_REPLACE('john smith', '(\\w+) (\\w+)', '$2, $1')", "smith, john"),
    ("REGEXP_REPLACE('a.b', '\\Q.\\E', '\\$')", "a$b"),
    ("REGEXP_SPLIT_TO_ARRAY('a1b22c', '[0-9]+')", ["a", "b", "c"]),
    ("REGEXP_SPLIT_TO_ARRAY('abc', '')", ["a", "b", "c"]),
]
COLLECTIONS = [
    ("ARRAY_LENGTH(A)", 4),
    ("ARRAY_CONTAINS(A, 2)", True),
    ("ARRAY_CONCAT(A, ARRAY[9])", [3, 2, None, 2, 9]),
    ("ARRAY_DISTINCT(A)", [3, 2, None]),
    ("ARRAY_DISTINCT(ARRAY[ARRAY[1], ARRAY[1]])", [[1]]),
    ("ARRAY_EXCEPT(A, ARRAY[2])", [3, None]),
    ("ARRAY_INTERSECT(A, ARRAY[2, 5])", [2]),
    ("ARRAY_UNION(A, ARRAY[5])", [3, 2, None, 5]),
    ("ARRAY_REMOVE(A, 2)", [3, None]),
    ("ARRAY_MAX(A)", 3),
    ("ARRAY_MIN(A)", 2),
    ("ARRAY_SORT(A)", [2, 2, 3, None]),
    ("ARRAY_SORT(A, 'DESC')", [3, 2, 2, None]),
    ("ARRAY_JOIN(A, '-')", "3-2-null-2"),
    ("SLICE(A, 2, 3)", [2, None]),
    ("AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2])", {"a": 1, "b": 2}),
    ("MAP_KEYS(M)", ["a", "b"]),
    ("MAP_VALUES(M)", [1, 2]),
    ("MAP_UNION(M, MAP('a' := 9))", {"b": 2, "a": 9}),
    ("ENTRIES(M, TRUE)", [{"K": "a", "V": 1}, {"K": "b", "V": 2}]),
]
JSON = [
    ("""EXTRACTJSONFIELD('{"a": [1, {"b c": 2.50}]}', '$.a[1].''b c''')""", "2.50"),
    ("""EXTRACTJSONFIELD('{"a": "x"}', '$.a')""", "x"),
    ("""EXTRACTJSONFIELD('{"a": {"b": 1}}', '$.a')""", '{"b":1}'),
    ("""EXTRACTJSONFIELD('{"a": 1}', '$.b')""", None),
    ("IS_JSON_STRING('[1')", False),
    ("IS_JSON_STRING(NULL)", False),
    ("IS_JSON_STRING('null')", True),
    ("JSON_ARRAY_LENGTH('[1, [2]]')", 2),
    ("JSON_ARRAY_LENGTH('{}')", None),
    ("JSON_ARRAY_CONTAINS('[1, \"1\"]', '1')", True),
    ("JSON_ARRAY_CONTAINS('[1.0]', 1)", False),
    ("""JSON_KEYS('{"a": 1, "b": 2}')""", ["a", "b"]),
    ("""EXTRACTJSONFIELD('{"a": 1.23450}', '$.a')""", "1.23450"),
    ("""EXTRACTJSONFIELD('{"a": [1e5, 12345678901234567890]}', '$.a')""", "[1E+5,12345678901234567890]"),
    ("""EXTRACTJSONFIELD('{"a": -0.0} and more', '$.a')""", "0.0"),
    ("TO_JSON_STRING(STRUCT(b := 2, a := MAP('z' := 1.50, 'y' := 2.00)))", '{"A":{"y":2.00,"z":1.50},"B":2}'),
    ("REDUCE(MAP('delta' := 4, 'alpha' := 1, 'beta' := 2), '', (s, k, v) => s + k)", "deltabetaalpha"),
    ("JSON_CONCAT('1')", "1"),
    ("JSON_CONCAT('[1e3]', '2.50')", "[1000,2.50]"),
    ("""JSON_CONCAT('{"a": 1e-7}', '{"a": {"b": -0.0}, "c": 2}')""", '{"a":{"b":0.0},"c":2}'),
    ("""JSON_RECORDS('{"a": "x", "b": [1]}')""", {"a": "x", "b": "[1]"}),
    ("JSON_ITEMS('[{\"a\": 1}, 2]')", ['{"a":1}', "2"]),
    ("""JSON_CONCAT('{"a": 1}', '{"a": 2}')""", '{"a":2}'),
    ("JSON_CONCAT('1', '[2]')", "[1,2]"),
    ("TO_JSON_STRING(ARRAY[1, NULL])", "[1,null]"),
    ("TO_JSON_STRING(DT)", '"1970-01-02"'),
    ("TO_JSON_STRING(NULL)", "null"),
    ("TO_JSON_STRING(1.0e10)", "1.0E10"),
]
URLS = [
    ("URL_EXTRACT_HOST('https://u:p@example.org:81/a?b=c#d')", "example.org"),
    ("URL_EXTRACT_PORT('https://u:p@example.org:81/a')", 81),
    ("URL_EXTRACT_PROTOCOL('https://example.org')", "https"),
    ("URL_EXTRACT_PATH('https://example.org/a%20b?c')", "/a b"),
    ("URL_EXTRACT_QUERY('https://example.org?a=1%202')", "a=1 2"),
    ("URL_EXTRACT_FRAGMENT('https://example.org#x%20y')", "x y"),
    ("URL_EXTRACT_PARAMETER('https://example.org?a%20b=c+d&e', 'a b')", "c d"),
    ("URL_EXTRACT_PARAMETER('https://example.org?a', 'a')", None),
    ("URL_EXTRACT_HOST('https://exa mple.org')", None),
    ("URL_ENCODE_PARAM('a b&ü')", "a+b%26%C3%BC"),
    ("URL_DECODE_PARAM('a+b%26')", "a b&"),
]
ROW = {
    "A": [3, 2, None, 2],
    "M": {"b": 2, "a": 1},
    "DEC": Decimal("-1.55"),
    "DT": 1,
}


@pytest.mark.parametrize(("text", "expected"), NUMBERS + TEXTS + COLLECTIONS + JSON + URLS)
def test_function(text, expected):
    assert value(text, **ROW) == expected


@pytest.mark.parametrize("text", ["ACOS(2)", "SQRT(-1)", "LN(-1)", "LOG(1, 5)", "LOG(-2, 5)"])
def test_outside_of_its_domain_a_function_is_nan(text):
    assert math.isnan(value(text))


@pytest.mark.parametrize(
    "text",
    [
        "ABS(I)",
        "ROUND(D, 1)",
        "TRIM(S)",
        "SUBSTRING('a', I)",
        "ARRAY_LENGTH(A)",
        "ARRAY_MAX(A)",
        "REGEXP_EXTRACT(S, 'a')",
        "EXTRACTJSONFIELD(S, '$.a')",
        "FORMAT_DATE(DT, 'yyyy')",
        "TRANSFORM(A, x => x)",
        "CONCAT_WS(S, 'a')",
        "URL_EXTRACT_HOST(S)",
        "LPAD('a', 2, S)",
    ],
)
def test_null_gives_null(text):
    assert value(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("GENERATE_SERIES(1, 5, 0)", "step cannot be zero"),
        ("GENERATE_SERIES(1, 5, -1)", "wrong sign"),
        ("REGEXP_EXTRACT('(', 'a')", "Invalid regular expression pattern"),
        ("ENCODE('a', 'utf8', 'rot13')", "Unknown encoding type 'rot13'"),
        ("ENCODE('no hex', 'hex', 'utf8')", "Not hexadecimal"),
        ("ENCODE('  ', 'hex', 'utf8')", "Not hexadecimal"),
        ("ENCODE('abc', 'hex', 'utf8')", "Not hexadecimal"),
        ("ENCODE('abc', 'utf8', 'utf8')", "must differ"),
        ("TRANSFORM(MAP('a' := 1, 'b' := 2), (k, v) => 'x', (k, v) => v)", "Duplicate key x"),
        ("ROUND(LN(-1), 2)", "Infinite or NaN"),
        ("FILTER(ARRAY[TRUE, NULL], x => x)", "condition of FILTER is null"),
        ("FILTER(MAP('a' := NULLIF(1, 1), 'b' := 2), (k, v) => TRUE)", "is null"),
        ("TRUNC(LN(0), 2)", "Infinite or NaN"),
        ("TRANSFORM(MAP('a' := 1), (k, v) => k, (k, v) => NULLIF(v, 1))", "is null"),
        ("EXTRACTJSONFIELD('{}', 'a')", "must begin with $"),
        ("MASK_LEFT('a', -1)", "non-negative"),
        ("GEO_DISTANCE(91, 0, 0, 0)", "range of -90 to 90"),
        ("URL_DECODE_PARAM('%zz')", "illegal hex"),
    ],
)
def test_wrong_arguments_are_errors_with_their_reason(text, message):
    with pytest.raises(EVALUATION_ERRORS, match=message.replace("$", r"\$")):
        value(text)


def test_result_types_of_decimals():
    assert type_of("ROUND(DEC)") == "DECIMAL(2, 0)"
    assert type_of("ROUND(DEC, 1)") == "DECIMAL(4, 2)"
    assert type_of("GREATEST(DEC, 1.125)") == "DECIMAL(5, 3)"


def test_random_values_differ():
    assert value("UUID()") != value("UUID()")
    assert 0 <= value("RANDOM()") < 1


def test_nullif_and_coalesce():
    assert value("NULLIF(I, 1)", I=1) is None
    assert value("NULLIF(I, 1)", I=2) == 2
    assert value("COALESCE(I, J, 3)") == 3
    assert value("IFNULL(S, 'none')") == "none"


def test_java_character_classes():
    assert value("REGEXP_EXTRACT_ALL('\\p{Alpha}+', 'ab1cd')") == ["ab", "cd"]
    assert value("REGEXP_EXTRACT_ALL('[\\p{Upper}x]+', 'ABxcX')") == ["ABx", "X"]
    assert value("REGEXP_REPLACE('äb', '\\p{L}', '.')") == ".."
