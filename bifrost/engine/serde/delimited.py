"""The DELIMITED format: one line of separated values, quoted as Apache Commons CSV does."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from bifrost.engine.functions.java.base64 import decode_base64
from bifrost.engine.functions.java.text import decode_utf8, double_text
from bifrost.engine.serde.avro.binary import fit_decimal, parse_decimal
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.formats import unsupported
from bifrost.engine.serde.json.values import WHOLE_TYPES
from bifrost.engine.serde.record_part import RecordPart, Row
from bifrost.engine.serde.wire_format import Reader, Writer
from bifrost.sql.types import BOOLEAN, BYTES, DOUBLE, STRING, SqlDecimal, SqlType, SqlValue

_NAMED_DELIMITERS = {"TAB": "\t", "SPACE": " "}
_SPECIAL = re.compile(r'["\r\n]')
_WHOLE = re.compile(r"[+-]?[0-9]+")
# What Java's Double.parseDouble accepts, except hexadecimal forms.
_DOUBLE = re.compile(r"\s*[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)[fFdD]?\s*")

Parse = Callable[[str], SqlValue]
Format = Callable[[SqlValue], str]


def delimiter_of(part: RecordPart) -> str:
    """Return the character between values: a comma unless the format sets another."""
    named = part.property("delimiter") or ","
    return _NAMED_DELIMITERS.get(named.upper(), named)


def delimited_reader(part: RecordPart, needed: frozenset[str] | None) -> Reader:
    """Return a function from a payload to the row; an empty value is null, as in ksqlDB."""
    delimiter = delimiter_of(part)
    parsers = [None if kind is None else parser_of(kind) for _, kind in part.targets(needed)]
    count, topic = len(parsers), part.topic

    def read(data: bytes) -> Row:
        text = decode_utf8(data)
        # Splitting is fast and right unless the text has quotes or line ends.
        values = split_record(text, delimiter) if _SPECIAL.search(text) else text.split(delimiter)
        if not text or not values:
            raise SerdeError("No fields in record")
        if len(values) != count:
            raise SerdeError(
                f"Column count mismatch on deserialization. topic: {topic}, expected: {count}, got: {len(values)}"
            )
        return tuple([parse(value) if parse and value else None for parse, value in zip(parsers, values, strict=True)])

    return read


def split_record(text: str, delimiter: str) -> list[str]:
    """Split the first line that is not empty.

    Raises:
        SerdeError: a quoted value has no end, or other text follows it.
    """
    at = len(text) - len(text.lstrip("\r\n"))
    values: list[str] = []
    while at <= len(text):
        if text.startswith('"', at):
            value, at = _quoted(text, at + 1, delimiter)
        else:
            end = _end_of_plain(text, at, delimiter)
            value, at = text[at:end], end
        values.append(value)
        if not text.startswith(delimiter, at) or at >= len(text):
            break
        at += 1
    return values if text.strip("\r\n") else []


def _end_of_plain(text: str, at: int, delimiter: str) -> int:
    ends = (found for mark in (delimiter, "\r", "\n") if (found := text.find(mark, at)) >= 0)
    return min(ends, default=len(text))


def _quoted(text: str, at: int, delimiter: str) -> tuple[str, int]:
    """Read a quoted value after its opening quote; return it and the position after it."""
    parts: list[str] = []
    while True:
        end = text.find('"', at)
        if end < 0:
            raise SerdeError("EOF reached before encapsulated token finished")
        parts.append(text[at:end])
        if not text.startswith('"', end + 1):
            break
        parts.append('"')
        at = end + 2
    at = end + 1
    # Blanks after the closing quote are ignored, as in Commons CSV.
    while at < len(text) and text[at] not in (delimiter, "\r", "\n"):
        if not text[at].isspace():
            raise SerdeError("Invalid char between encapsulated token and delimiter")
        at += 1
    return "".join(parts), at


def parser_of(kind: SqlType) -> Parse:
    """Return the parser for a type's values; it receives non-empty text.

    Raises:
        SerdeError: the format does not support the type.
    """
    match kind:
        case SqlDecimal(precision, scale):
            return lambda text: fit_decimal(_decimal(text), precision, scale)
        case _ if kind in WHOLE_TYPES:
            low, high = WHOLE_TYPES[kind]
            return lambda text: _whole(text, kind, low, high)
        case _ if kind in _PARSERS:
            return _PARSERS[kind]
        case _:
            raise SerdeError(unsupported("DELIMITED", kind))


def _whole(text: str, kind: SqlType, low: int, high: int) -> int:
    if not _WHOLE.fullmatch(text):
        raise SerdeError(f'For input string: "{text[:80]}"')
    number = int(text)
    if not low <= number <= high:
        raise SerdeError(f"Number {text[:80]} is out of range for type {kind}")
    return number


def _double(text: str) -> float:
    if not _DOUBLE.fullmatch(text):
        raise SerdeError(f'For input string: "{text[:80]}"')
    return float(text.strip().rstrip("fFdD"))


def _decimal(text: str) -> Decimal:
    number = parse_decimal(text)
    if number is None:
        raise SerdeError(f"Not a number: {text[:80]!r}")
    return number


def _bytes(text: str) -> bytes:
    try:
        return decode_base64(text)
    except ValueError:
        raise SerdeError(f"Not base64: {text[:80]!r}") from None


_PARSERS: dict[SqlType, Parse] = {
    # As Java's Boolean.parseBoolean: any other text is false.
    BOOLEAN: lambda text: text.lower() == "true",
    STRING: lambda text: text,
    DOUBLE: _double,
    BYTES: _bytes,
}


def delimited_writer(part: RecordPart) -> Writer:
    """Return a function from a row to its line, without a line end."""
    delimiter = delimiter_of(part)
    formats = [_format_of(field.type) for field in part.fields]

    def write(row: Row) -> bytes:
        values = ["" if value is None else to_text(value) for to_text, value in zip(formats, row, strict=True)]
        return join_record(values, row, delimiter).encode()

    return write


def join_record(values: Sequence[str], row: Row, delimiter: str) -> str:
    """Join the values to one line; quote those that a reader could misread. Nulls of `row` are never quoted."""
    quoted = [
        value if given is None else _quote_if_needed(value, delimiter, is_first=at == 0)
        for at, (value, given) in enumerate(zip(values, row, strict=True))
    ]
    return delimiter.join(quoted)


def _quote_if_needed(value: str, delimiter: str, *, is_first: bool) -> str:
    """Quote as Commons CSV's minimal mode, which quotes more first and last characters than necessary."""
    if not value:
        # A line of one empty value would be an empty line, which has no values at all.
        return '""' if is_first else ""
    first, last = value[0], value[-1]
    needed = (
        first <= "#"
        or last <= " "
        or (is_first and not (first.isascii() and first.isalnum()))
        or delimiter in value
        or _SPECIAL.search(value) is not None
    )
    return '"' + value.replace('"', '""') + '"' if needed else value


def _format_of(kind: SqlType) -> Format:
    match kind:
        case SqlDecimal(precision, scale):
            return lambda value: format(fit_decimal(value, precision, scale), "f")
        case _ if kind in WHOLE_TYPES:
            return str
        case _ if kind in _FORMATS:
            return _FORMATS[kind]
        case _:
            raise SerdeError(unsupported("DELIMITED", kind))


_FORMATS: dict[SqlType, Format] = {
    BOOLEAN: lambda value: "true" if value else "false",
    STRING: lambda value: value,
    DOUBLE: double_text,
    BYTES: lambda value: base64.b64encode(value).decode(),
}
