"""Conversion between texts and bytes in an encoding."""

from __future__ import annotations

import base64
import re

from bifrost.engine.functions.java.base64 import decode_base64, decode_lenient_base64
from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("STRING")


_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_PREFIXED_HEX = re.compile(r"[xX]'(.*)'", re.DOTALL)


def _decoded(text: str, encoding: str) -> bytes:
    """Decode a text in the encoding to bytes."""
    match encoding:
        case "hex":
            return _from_hex(text)
        case "utf8":
            return text.encode()
        case "ascii":
            return text.encode("ascii", "replace")
        case "base64":
            return _from_base64(text)
        case _:
            raise _unsupported(encoding)


def _encoded(value: bytes, encoding: str) -> str:
    """Encode bytes as text."""
    match encoding:
        case "hex":
            return value.hex()
        case "utf8":
            return value.decode(errors="replace")
        case "ascii":
            return value.decode("ascii", "replace")
        case "base64":
            return base64.b64encode(value).decode()
        case _:
            raise _unsupported(encoding)


def _unsupported(encoding: str) -> FunctionError:
    return FunctionError(
        f"Unknown encoding type '{encoding}'. Supported formats are 'hex', 'utf8', 'ascii', and 'base64'."
    )


def _from_hex(digits: str) -> bytes:
    if _HEX.fullmatch(digits) is None:
        raise FunctionError(f"Not hexadecimal: {digits[:80]}")
    return bytes.fromhex(digits)


def _bare_hex(text: str) -> str:
    """Remove `0x`, whose digits may be odd in number, or the frame of `X'...'`."""
    if text.startswith("0x"):
        return "0" * (len(text) % 2) + text[2:]
    framed = _PREFIXED_HEX.fullmatch(text)
    return framed[1] if framed else text


def _from_base64(text: str) -> bytes:
    try:
        return decode_base64(text)
    except ValueError as error:
        raise FunctionError(str(error)) from error


@LIBRARY.scalar(
    "ENCODE",
    "str STRING, inputEncoding STRING, outputEncoding STRING -> STRING",
    description="Converts a text from one encoding (hex, utf8, ascii, base64) to another.",
)
def encode(value: str, source: str, target: str) -> str:
    """Convert a text between two different encodings; the encodings' names ignore case."""
    source, target = source.lower(), target.lower()
    if source == target:
        raise FunctionError("Supported input and output encodings are: hex, utf8, ascii and base64; they must differ")
    if source == "base64":
        return _encoded(decode_lenient_base64(value), target)
    return _encoded(_decoded(_bare_hex(value) if source == "hex" else value, source), target)


@LIBRARY.scalar(
    "TO_BYTES",
    "str STRING, encoding STRING -> BYTES",
    description="Returns the bytes of a text in an encoding (hex, utf8, ascii, base64).",
)
def to_bytes(value: str, encoding: str) -> bytes:
    """Convert a text to bytes."""
    return _decoded(value, encoding.lower())


@LIBRARY.scalar(
    "FROM_BYTES",
    "value BYTES, encoding STRING -> STRING",
    description="Returns the text of bytes in an encoding (hex, utf8, ascii, base64).",
)
def from_bytes(value: bytes, encoding: str) -> str:
    """Convert bytes to text; hexadecimal digits are in upper case."""
    text = _encoded(value, encoding.lower())
    return text.upper() if encoding.lower() == "hex" else text
