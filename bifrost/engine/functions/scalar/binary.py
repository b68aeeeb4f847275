"""Conversion between texts and bytes in an encoding."""

from __future__ import annotations

import base64
import binascii

from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("STRING")


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


def _from_hex(text: str) -> bytes:
    digits = text
    if digits[:2] in ("0x", "0X"):
        digits = digits[2:]
    elif digits[:2] in ("X'", "x'") and digits.endswith("'"):
        digits = digits[2:-1]
    try:
        return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))
    except ValueError as error:
        raise FunctionError(f"Not hexadecimal: {text}") from error


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FunctionError(f"Not base64: {text}") from error


@LIBRARY.scalar(
    "ENCODE",
    "str STRING, inputEncoding STRING, outputEncoding STRING -> STRING",
    description="Converts a text from one encoding (hex, utf8, ascii, base64) to another.",
)
def encode(value: str, source: str, target: str) -> str:
    """Convert a text between encodings; the encodings' names ignore case."""
    return _encoded(_decoded(value, source.lower()), target.lower())


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
