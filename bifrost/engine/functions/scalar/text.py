"""Functions of texts; those that also take BYTES do the same with bytes."""

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
_MAX_PADDED = 1 << 24


@LIBRARY.scalar(
    "LEN",
    "input STRING -> INTEGER",
    "input BYTES -> INTEGER",
    description="Gives the number of characters of a text, or of bytes.",
    total=True,
    inline="len({0})",
)
def length(value: str | bytes) -> int:
    """How long the value is."""
    return len(value)


@LIBRARY.scalar(
    "UCASE",
    "input STRING -> STRING",
    description="Gives the text in upper case.",
    total=True,
    inline="{0}.upper()",
)
def upper_case(value: str) -> str:
    """The text in upper case."""
    return value.upper()


@LIBRARY.scalar(
    "LCASE",
    "input STRING -> STRING",
    description="Gives the text in lower case.",
    total=True,
    inline="{0}.lower()",
)
def lower_case(value: str) -> str:
    """The text in lower case."""
    return value.lower()


@LIBRARY.scalar(
    "TRIM",
    "input STRING -> STRING",
    description="Takes blanks off both ends of a text.",
    total=True,
)
def trim(value: str) -> str:
    """The text without blanks (characters up to the space, as Java's) at its ends."""
    return value.strip(_JAVA_BLANKS)


@LIBRARY.scalar(
    "INITCAP",
    "str STRING -> STRING",
    description="Begins each word with a capital letter and writes the rest in lower case.",
    total=True,
)
def capitalize_words(value: str) -> str:
    """The text with every word, as white space parts them, capitalised."""
    return _WORD.sub(lambda word: word[0][:1].upper() + word[0][1:].lower(), value)


@LIBRARY.scalar(
    "CONCAT",
    "inputs STRING... -> STRING",
    description="Joins texts, nulls count as empty.",
    nulls=True,
    total=True,
)
def concat(*values: str | None) -> str:
    """The texts one after the other."""
    return "".join([value for value in values if value is not None])


@LIBRARY.scalar(
    "CONCAT",
    "inputs BYTES... -> BYTES",
    description="Joins bytes, nulls count as empty.",
    nulls=True,
    total=True,
)
def concat_bytes(*values: bytes | None) -> bytes:
    """The bytes one after the other."""
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
    """The values that are not null, joined; null where the separator is."""
    return None if separator is None else separator.join([value for value in values if value is not None])


@LIBRARY.scalar(
    "REPLACE",
    "str STRING, oldStr STRING, newStr STRING -> STRING",
    description="Puts a new text in the place of every occurrence of an old one.",
    total=True,
)
def replace(value: str, old: str, new: str) -> str:
    """The text with every `old` replaced."""
    return value.replace(old, new)


@LIBRARY.scalar(
    "SUBSTRING",
    "str STRING, pos INTEGER, length INTEGER -> STRING",
    "bytes BYTES, pos INTEGER, length INTEGER -> BYTES",
    "bytes BYTES, pos INTEGER -> BYTES",
    "str STRING, pos INTEGER -> STRING",
    description="Gives the part that begins at a position, counted from 1, or from -1 backwards.",
    total=True,
)
def substring(value: T, position: int, size: int | None = None) -> T:
    """The part from a position on, at most `size` long; position 0 counts as 1."""
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
    description="Gives the place of a text in another, counted from 1; 0 where it is not found.",
    total=True,
)
def position_of(value: str, wanted: str, position: int = 1, occurrence: int = 1) -> int:
    """Where the n-th `wanted` from a position on begins; a negative position searches backwards from the end."""
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
        raise FunctionError(f"no text or bytes are padded to more than {_MAX_PADDED}, got {size}")
    missing = max(0, size - len(value))
    return (pad * (missing // len(pad) + 1))[:missing]


@LIBRARY.scalar(
    "LPAD",
    "input STRING, targetLen INTEGER, padding STRING -> STRING",
    "input BYTES, targetLen INTEGER, padding BYTES -> BYTES",
    description="Fills a value up on the left to a length; a longer one is cut.",
)
def pad_left(value: T, size: int, pad: T) -> T | None:
    """The value with padding before it; null for a negative length or empty padding."""
    return None if size < 0 or not pad else _padding(value, size, pad) + value[:size]


@LIBRARY.scalar(
    "RPAD",
    "input STRING, targetLen INTEGER, padding STRING -> STRING",
    "input BYTES, targetLen INTEGER, padding BYTES -> BYTES",
    description="Fills a value up on the right to a length; a longer one is cut.",
)
def pad_right(value: T, size: int, pad: T) -> T | None:
    """The value with padding after it; null for a negative length or empty padding."""
    return None if size < 0 or not pad else value[:size] + _padding(value, size, pad)


@LIBRARY.scalar(
    "SPLIT",
    "string STRING, delimiter STRING -> ARRAY<STRING>",
    description="Splits a text at a delimiter; an empty one splits it into its characters.",
    total=True,
)
def split(value: str, delimiter: str) -> list[str]:
    """The parts between the delimiters."""
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
    """The parts between the delimiters."""
    if not delimiter:
        return [value[i : i + 1] for i in range(len(value))] or [b""]
    return value.split(delimiter)


@LIBRARY.scalar(
    "SPLIT_TO_MAP",
    "input STRING, entryDelimiter STRING, kvDelimiter STRING -> MAP<STRING, STRING>",
    description="Splits a text into entries and these into keys and values; the last value of a key holds.",
    total=True,
)
def split_to_map(value: str, entry_delimiter: str, key_delimiter: str) -> dict[str, str] | None:
    """The entries as a map; null for an empty delimiter."""
    if not entry_delimiter or not key_delimiter:
        return None
    entries = (entry.split(key_delimiter) for entry in value.split(entry_delimiter))
    return {parts[0]: parts[1] for parts in entries if len(parts) > 1}


@LIBRARY.scalar(
    "CHR",
    "utf16Code STRING -> STRING",
    description="Gives the character of a Unicode code written as \\uXXXX, or of a pair of them.",
)
def character_of_escape(code: str) -> str | None:
    """The character; null where the text is no such code."""
    if _UNICODE_ESCAPES.fullmatch(code) is None:
        return None
    units = b"".join(bytes.fromhex(part) for part in code.split("\\u")[1:])
    return units.decode("utf-16-be")


@LIBRARY.scalar("CHR", "decimalCode INTEGER -> STRING", description="Gives the character of a Unicode code point.")
def character_of_code(code: int) -> str | None:
    """The character; null where there is no such code point."""
    return chr(code) if 0 <= code <= _MAX_CODE_POINT and code not in _SURROGATES else None


@LIBRARY.scalar(
    "ELT",
    "pos INTEGER, args STRING... -> STRING",
    description="Gives the text at a place, counted from 1, in its other arguments.",
    nulls=True,
    total=True,
)
def element(place: int | None, *values: str | None) -> str | None:
    """The value at the place; null where there is none."""
    return values[place - 1] if place is not None and 1 <= place <= len(values) else None


@LIBRARY.scalar(
    "FIELD",
    "str STRING, args STRING... -> INTEGER",
    description="Gives the place of a text, counted from 1, among its other arguments; 0 where it is not found.",
    nulls=True,
    total=True,
)
def field(value: str | None, *values: str | None) -> int:
    """The place of the value; null is found nowhere."""
    return values.index(value) + 1 if value is not None and value in values else 0


@LIBRARY.scalar("MD5", "s STRING -> STRING", description="Gives the MD5 digest of a text in hexadecimal digits.")
def md5(value: str) -> str:
    """The digest of the text's UTF-8 bytes."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


@LIBRARY.scalar("UUID", "-> STRING", description="Gives a new random UUID.", total=True)
def new_uuid() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


@LIBRARY.scalar("UUID", "bytes BYTES -> STRING", description="Gives the UUID that 16 bytes stand for.")
def uuid_of_bytes(value: bytes) -> str | None:
    """The UUID; null unless there are 16 bytes."""
    return str(uuid.UUID(bytes=value)) if len(value) == 16 else None
