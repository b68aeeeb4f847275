"""Base64 as Java's libraries decode it."""

from __future__ import annotations

import base64
import binascii
import re

_STRICT = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?")
_FOREIGN = re.compile(r"[^A-Za-z0-9+/]")
_URL_SAFE = str.maketrans("-_", "+/")


def decode_base64(text: str) -> bytes:
    """Decode as java.util.Base64 does: padding may be missing, but nothing else may differ.

    Raises:
        ValueError: the text is not base64.
    """
    if _STRICT.fullmatch(text) is None:
        raise ValueError(f"Illegal base64: {text[:80]!r}")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def decode_lenient_base64(text: str) -> bytes:
    """Decode as Apache Commons Codec does: foreign characters are skipped, an incomplete end is dropped."""
    digits = _FOREIGN.sub("", text.partition("=")[0].translate(_URL_SAFE))
    # A last digit without a second one holds only six bits, so no byte.
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4))
    except binascii.Error:
        return b""
