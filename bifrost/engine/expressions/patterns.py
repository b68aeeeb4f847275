"""LIKE patterns: `%` matches any text, `_` any one character."""

from __future__ import annotations

import re
from functools import lru_cache

from bifrost.engine.expressions.code import Translator


def like(value: str | None, pattern: str | None, escape: str | None) -> bool:
    """Return whether the value matches the pattern; false if either is null."""
    return value is not None and pattern is not None and like_pattern(pattern, escape).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def like_pattern(pattern: str, escape: str | None) -> re.Pattern[str]:
    """Compile the pattern to a regular expression for the whole text.

    Raises:
        ValueError: the escape character precedes a character that needs no escape.
    """
    return re.compile("".join(_parts(pattern, escape)), re.DOTALL)


def _parts(pattern: str, escape: str | None) -> list[str]:
    parts: list[str] = []
    letters = iter(pattern)
    for letter in letters:
        if letter == escape:
            escaped = next(letters, "")
            if escaped not in ("%", "_", escape):
                raise ValueError(f"LIKE pattern {pattern!r}: '{escape}' must stand before '%', '_' or itself")
            parts.append(re.escape(escaped))
        else:
            parts.append({"%": ".*", "_": "."}.get(letter) or re.escape(letter))
    return parts


def like_test(translator: Translator, text: str, pattern: str, escape: str | None) -> str:
    """Return Python source that tests a non-null text against a constant pattern, with text methods if possible."""
    # Several % in a row match the same as one.
    body = pattern.strip("%")
    if "%" in body or "_" in body or (escape is not None and escape in pattern):
        match = translator.constant(like_pattern(pattern, escape).fullmatch, "like")
        return f"{match}({text}) is not None"
    starts, ends = not pattern.startswith("%"), not pattern.endswith("%")
    match starts, ends:
        case (True, True):
            return f"{text} == {body!r}"
        case (True, False):
            return f"{text}.startswith({body!r})"
        case (False, True):
            return f"{text}.endswith({body!r})"
        case _:
            return f"{body!r} in {text}"
