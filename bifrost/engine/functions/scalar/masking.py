"""MASK and related functions: replace the letters and digits of a text by other characters."""

from __future__ import annotations

import unicodedata

from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("STRING")

_DEFAULTS = ("X", "x", "n", "-")
_CHARACTERS = "upper STRING, lower STRING, digit STRING, other STRING"
_KINDS = {"Lu": 0, "Ll": 1, "Nd": 2}


def _masked(value: str, masks: tuple[str | None, ...]) -> str:
    """Replace each character by the mask for its class; a null mask keeps the character."""
    masks_by_class = masks or _DEFAULTS
    letters: list[str] = []
    for letter in value:
        mask = masks_by_class[_KINDS.get(unicodedata.category(letter), 3)]
        # As in ksqlDB, only the first character of a mask counts.
        letters.append(letter if mask is None else mask[:1])
    return "".join(letters)


def _checked(name: str, count: int | None) -> int:
    if count is None or count < 0:
        raise FunctionError(f"function {name} requires a non-negative number of characters to mask or skip")
    return count


@LIBRARY.scalar(
    "MASK",
    "input STRING -> STRING",
    f"input STRING, {_CHARACTERS} -> STRING",
    description="Hides the letters, digits and other characters of a text.",
    nulls=True,
    total=True,
)
def mask(value: str | None, *masks: str | None) -> str | None:
    """Mask the whole text."""
    return None if value is None else _masked(value, masks)


@LIBRARY.scalar(
    "MASK_LEFT",
    "input STRING, numChars INTEGER -> STRING",
    f"input STRING, numChars INTEGER, {_CHARACTERS} -> STRING",
    description="Hides the first characters of a text.",
    nulls=True,
)
def mask_left(value: str | None, count: int | None, *masks: str | None) -> str | None:
    """Mask the first characters."""
    size = _checked("mask_left", count)
    return None if value is None else _masked(value[:size], masks) + value[size:]


@LIBRARY.scalar(
    "MASK_RIGHT",
    "input STRING, numChars INTEGER -> STRING",
    f"input STRING, numChars INTEGER, {_CHARACTERS} -> STRING",
    description="Hides the last characters of a text.",
    nulls=True,
)
def mask_right(value: str | None, count: int | None, *masks: str | None) -> str | None:
    """Mask the last characters."""
    size = _checked("mask_right", count)
    if value is None:
        return None
    place = max(0, len(value) - size)
    return value[:place] + _masked(value[place:], masks)


@LIBRARY.scalar(
    "MASK_KEEP_LEFT",
    "input STRING, numChars INTEGER -> STRING",
    f"input STRING, numChars INTEGER, {_CHARACTERS} -> STRING",
    description="Hides all but the first characters of a text.",
    nulls=True,
)
def mask_keep_left(value: str | None, count: int | None, *masks: str | None) -> str | None:
    """Mask all but the first characters."""
    size = _checked("mask_keep_left", count)
    return None if value is None else value[:size] + _masked(value[size:], masks)


@LIBRARY.scalar(
    "MASK_KEEP_RIGHT",
    "input STRING, numChars INTEGER -> STRING",
    f"input STRING, numChars INTEGER, {_CHARACTERS} -> STRING",
    description="Hides all but the last characters of a text.",
    nulls=True,
)
def mask_keep_right(value: str | None, count: int | None, *masks: str | None) -> str | None:
    """Mask all but the last characters."""
    size = _checked("mask_keep_right", count)
    if value is None:
        return None
    place = max(0, len(value) - size)
    return _masked(value[:place], masks) + value[place:]
