"""Converts texts that are compared with ROWTIME or window bounds to epoch ms: `ROWTIME > '2026-11-21T10'`."""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import replace

from bifrost.engine.catalog.schema import ROWTIME, WINDOWEND, WINDOWSTART
from bifrost.errors import AnalysisError
from bifrost.sql.tree import Between, ColumnRef, Comparison, Expression, LongLiteral, StringLiteral, rewrite

_TIMES = frozenset({ROWTIME, WINDOWSTART, WINDOWEND})
_PARTS = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:T(\d{1,2})?(?::(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?)?)?)?"
    r"(Z|[+-]\d{2}:?\d{2})?"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def with_time_literals(predicate: Expression) -> Expression:
    """The (qualified) predicate with such texts replaced by numbers.

    Raises:
        AnalysisError: a text is not a time.
    """

    def change(part: Expression) -> Expression | None:
        match part:
            case Comparison(_, ColumnRef(name), StringLiteral(text)) if name in _TIMES:
                return replace(part, right=LongLiteral(epoch_ms(text)))
            case Comparison(_, StringLiteral(text), ColumnRef(name)) if name in _TIMES:
                return replace(part, left=LongLiteral(epoch_ms(text)))
            case Between(ColumnRef(name), low, high) if name in _TIMES:
                return replace(part, low=_bound(low), high=_bound(high))
            case _:
                return None

    return rewrite(predicate, change)


def _bound(expression: Expression) -> Expression:
    return LongLiteral(epoch_ms(expression.value)) if isinstance(expression, StringLiteral) else expression


def epoch_ms(text: str) -> int:
    """Epoch milliseconds of `yyyy-MM-ddTHH:mm:ss.SSS`, with a zone or in UTC; trailing parts are optional (`2026-11`).

    Raises:
        AnalysisError: the text is not such a time.
    """
    match = _PARTS.fullmatch(text.strip())
    if match is None:
        raise _not_a_time(text)
    parts = zip(match.groups()[:6], _LOWEST, strict=True)
    year, month, day, hour, minute, second = (int(part or low) for part, low in parts)
    # In ISO 8601, 24:00 is the end of a day.
    valid = 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] and hour <= 24 and minute < 60 and second < 60
    if not valid or (hour == 24 and (minute or second)):
        raise _not_a_time(text)
    millis = int(((match.group(7) or "") + "000")[:3])
    return (timegm((year, month, day, hour, minute, second)) - _offset_s(match.group(8))) * 1000 + millis


_LOWEST = (0, 1, 1, 0, 0, 0)


def _offset_s(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _not_a_time(text: str) -> AnalysisError:
    return AnalysisError(
        f"Failed to parse timestamp '{text}': Required format is: \"yyyy-MM-dd'T'HH:mm:ss.SSS\", with an optional "
        "numeric 4-digit timezone, for example: '1605927509166', '2020-05-26', '2020-05-26T23', "
        "'2020-05-26T23:59:58.000' or '2020-05-26T23:59:58.000+0100'"
    )
