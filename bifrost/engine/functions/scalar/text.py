"""Text functions; those that also take BYTES treat bytes the same way."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import TypeVar

from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("STRING")

T = TypeVar("T", str, bytes)

_JAVA_BLANKS = "".join(map(chr, range(33)))
_WORD = re.compile(r"\S+")
_UNICODE_ESCAPES = re.compile(r"(\\u[0-9a-fA-F]{4}){1,2}")
_MAX_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
# A wrong length must not exhaust the memory.
_MAX_PADDED = 1 << 24


@LIBRARY.scalar(
    "LEN",
    "input STRING -> INTEGER",
    "input BYTES -> INTEGER",
    description="Returns the number of characters of a text, or of bytes.",
    total=True,
    inline="len({0})",
)
def length(value: str | bytes) -> int:
    """Return the length."""
    return len(value)


@LIBRARY.scalar(
    "UCASE",
    "input STRING -> STRING",
    description="Returns the text in upper case.",
    total=True,
    inline="{0}.upper()",
)
def upper_case(value: str) -> str:
    """Convert the text to upper case."""
    return value.upper()


@LIBRARY.scalar(
    "LCASE",
    "input STRING -> STRING",
    description="Returns the text in lower case.",
    total=True,
    inline="{0}.lower()",
)
def lower_case(value: str) -> str:
    """Convert the text to lower case."""
    return value.lower()


@LIBRARY.scalar(
    "TRIM",
    "input STRING -> STRING",
    description="Removes blanks from both ends of a text.",
    total=True,
)
def trim(value: str) -> str:
    """Strip blanks from both ends: all characters up to U+0020, as Java's trim does."""
    return value.strip(_JAVA_BLANKS)


@LIBRARY.scalar(
    "INITCAP",
    "str STRING -> STRING",
    description="Begins each word with a capital letter and writes the rest in lower case.",
    total=True,
)
def capitalize_words(value: str) -> str:
    """Capitalise every word; white space separates words."""
    return _WORD.sub(lambda word: word[0][:1].upper() + word[0][1:].lower(), value)


@LIBRARY.scalar(
    "CONCAT",
    "inputs STRING... -> STRING",
    description="Joins texts, nulls count as empty.",
    nulls=True,
    total=True,
)
def concat(*values: str | None) -> str:
    """Concatenate the texts; nulls count as empty."""
    return "".join([value for value in values if value is not None])


@LIBRARY.scalar(
    "CONCAT",
    "inputs BYTES... -> BYTES",
    description="Joins bytes, nulls count as empty.",
    nulls=True,
    total=True,
)
def concat_bytes(*values: bytes | None) -> bytes:
    """Concatenate the bytes; nulls count as empty."""
    return b"".join([value for value in values if value is not None])


@LIBRARY.scalar(
    "CONCAT_WS",
    "separator STRING, inputs STRING... -> STRING",
    "separator BYTES, inputs BYTES... -> BYTES",
    description="Joins values with a separator between them; nulls are left out.",
    nulls=True,
    total=True,
)
def concat_with_separator(separator: T | None, *values: T | None) -> T | None:
    """Join the values that are not null; null if the separator is null."""
    return None if separator is None else separator.join([value for value in values if value is not None])


@LIBRARY.scalar(
    "REPLACE",
    "str STRING, oldStr STRING, newStr STRING -> STRING",
    description="Replaces every occurrence of a text by another text.",
    total=True,
)
def replace(value: str, old: str, new: str) -> str:
    """Replace every occurrence of `old`."""
    return value.replace(old, new)


@LIBRARY.scalar(
    "SUBSTRING",
    "str STRING, pos INTEGER, length INTEGER -> STRING",
    "bytes BYTES, pos INTEGER, length INTEGER -> BYTES",
    "bytes BYTES, pos INTEGER -> BYTES",
    "str STRING, pos INTEGER -> STRING",
    description="Returns the part that begins at a position, counted from 1, or from -1 backwards.",
    total=True,
)
def substring(value: T, position: int, size: int | None = None) -> T:
    """Return the part that starts at a position, at most `size` long; position 0 counts as 1."""
    start = _start(len(value), position)
    return value[start:] if size is None else value[start : start + max(0, size)]


def _start(size: int, position: int) -> int:
    if position < 0:
        return max(0, size + position)
    return min(size, max(0, position - 1))


@LIBRARY.scalar(
    "INSTR",
    "str STRING, substring STRING -> INTEGER",
    "str STRING, substring STRING, position INTEGER -> INTEGER",
    "str STRING, substring STRING, position INTEGER, occurrence INTEGER -> INTEGER",
    description="Returns the position of a text in another, counted from 1; 0 if it is missing.",
    total=True,
)
def position_of(value: str, wanted: str, position: int = 1, occurrence: int = 1) -> int:
    """Return the position of the n-th `wanted` after a position; a negative position searches backwards."""
    if occurrence < 1:
        return 0
    backwards = position < 0
    start = len(value) + position if backwards else max(0, position - 1)
    for _ in range(occurrence):
        found = value.rfind(wanted, 0, start + len(wanted)) if backwards else value.find(wanted, start)
        if found < 0 or start < 0:
            return 0
        start = found - 1 if backwards else found + 1
    return start + 2 if backwards else start


def _padding(value: T, size: int, pad: T) -> T:
    if size > _MAX_PADDED:
        raise FunctionError(f"the length to pad to must be at most {_MAX_PADDED}, got {size}")
    missing = max(0, size - len(value))
    return (pad * (missing // len(pad) + 1))[:missing]


@LIBRARY.scalar(
    "LPAD",
    "input STRING, targetLen INTEGER, padding STRING -> STRING",
    "input BYTES, targetLen INTEGER, padding BYTES -> BYTES",
    description="Pads a value on the left to a length; a longer value is truncated.",
)
def pad_left(value: T, size: int, pad: T) -> T | None:
    """Pad on the left; null for a negative length or empty padding."""
    return None if size < 0 or not pad else _padding(value, size, pad) + value[:size]


@LIBRARY.scalar(
    "RPAD",
    "input STRING, targetLen INTEGER, padding STRING -> STRING",
    "input BYTES, targetLen INTEGER, padding BYTES -> BYTES",
    description="Pads a value on the right to a length; a longer value is truncated.",
)
def pad_right(value: T, size: int, pad: T) -> T | None:
    """Pad on the right; null for a negative length or empty padding."""
    return None if size < 0 or not pad else value[:size] + _padding(value, size, pad)


@LIBRARY.scalar(
    "SPLIT",
    "string STRING, delimiter STRING -> ARRAY<STRING>",
    description="Splits a text at a delimiter; an empty one splits it into its characters.",
    total=True,
)
def split(value: str, delimiter: str) -> list[str]:
    """Return the parts between the delimiters."""
    if not delimiter:
        return list(value) or [""]
    return value.split(delimiter)


@LIBRARY.scalar(
    "SPLIT",
    "bytes BYTES, delimiter BYTES -> ARRAY<BYTES>",
    description="Splits bytes at a delimiter; an empty one splits them into single bytes.",
    total=True,
)
def split_bytes(value: bytes, delimiter: bytes) -> list[bytes]:
    """Return the parts between the delimiters."""
    if not delimiter:
        return [value[i : i + 1] for i in range(len(value))] or [b""]
    return value.split(delimiter)


@LIBRARY.scalar(
    "SPLIT_TO_MAP",
    "input STRING, entryDelimiter STRING, kvDelimiter STRING -> MAP<STRING, STRING>",
    description="Splits a text into entries, and each entry into key and value; the last value of a key wins.",
    total=True,
)
def split_to_map(value: str, entry_delimiter: str, key_delimiter: str) -> dict[str, str] | None:
    """Split into a map; null for an empty delimiter."""
    if not entry_delimiter or not key_delimiter:
        return None
    entries = (entry.split(key_delimiter) for entry in value.split(entry_delimiter))
    return {parts[0]: parts[1] for parts in entries if len(parts) > 1}


@LIBRARY.scalar(
    "CHR",
    "utf16Code STRING -> STRING",
    description="Returns the character of a Unicode code written as \\uXXXX, or of a pair of them.",
)
def character_of_escape(code: str) -> str | None:
    """Return the character; null if the text is not such a code."""
    if _UNICODE_ESCAPES.fullmatch(code) is None:
        return None
    units = b"".join(bytes.fromhex(part) for part in code.split("\\u")[1:])
    return units.decode("utf-16-be")


@LIBRARY.scalar("CHR", "decimalCode INTEGER -> STRING", description="Returns the character of a Unicode code point.")
def character_of_code(code: int) -> str | None:
    """Return the character; null if there is no such code point."""
    return chr(code) if 0 <= code <= _MAX_CODE_POINT and code not in _SURROGATES else None


@LIBRARY.scalar(
    "ELT",
    "pos INTEGER, args STRING... -> STRING",
    description="Returns the text at a position, counted from 1, among its other arguments.",
    nulls=True,
    total=True,
)
def element(place: int | None, *values: str | None) -> str | None:
    """Return the value at the position; null if there is none."""
    return values[place - 1] if place is not None and 1 <= place <= len(values) else None


@LIBRARY.scalar(
    "FIELD",
    "str STRING, args STRING... -> INTEGER",
    description="Returns the position of a text, counted from 1, among its other arguments; 0 if it is missing.",
    nulls=True,
    total=True,
)
def field(value: str | None, *values: str | None) -> int:
    """Return the position of the value, 0 if it is missing; null is never found."""
    return values.index(value) + 1 if value is not None and value in values else 0


@LIBRARY.scalar("MD5", "s STRING -> STRING", description="Returns the MD5 digest of a text in hexadecimal digits.")
def md5(value: str) -> str:
    """Return the digest of the text's UTF-8 bytes."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


@LIBRARY.scalar("UUID", "-> STRING", description="Returns a new random UUID.", total=True)
def new_uuid() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())


@LIBRARY.scalar("UUID", "bytes BYTES -> STRING", description="Returns the UUID that 16 bytes stand for.")
def uuid_of_bytes(value: bytes) -> str | None:
    """Return the UUID; null unless there are 16 bytes."""
    return str(uuid.UUID(bytes=value)) if len(value) == 16 else None
