"""Templates of alerts: text with columns in braces.

{EMAIL}             the column as text; a record without it is undeliverable
{CITY|somewhere}    the text after the bar if the column is null
{YEARS:.1f}         a number with one decimal place; {TOTAL:,.2f} adds thousands separators
{WINDOWSTART:time}  milliseconds since the epoch as date and time in the alert's time zone
{ADDRESS.CITY}      a field of a struct
{{ and }}           literal braces
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIELD = re.compile(
    r"(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::(?P<format>[^|]*))?(?:\|(?P<fallback>.*))?", re.DOTALL
)
_NUMBER_FORMAT = re.compile(r",?(\.\d{1,2}f)?")
TIME = "time"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Field:
    """A placeholder: a column or a field in it, its number format, and `fallback` for null."""

    path: tuple[str, ...]
    format: str = ""
    fallback: str | None = None

    @property
    def name(self) -> str:
        """The name as written in the template."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; `zone` is the time zone of `{...:time}`."""

    pieces: tuple[str | Field, ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Template:
        """Parse a template.

        Raises:
            ValueError: a brace or a placeholder is malformed.
        """
        pieces: list[str | Field] = []
        end = 0
        for found in _TOKEN.finditer(text):
            pieces.append(text[end : found.start()])
            end = found.end()
            if found[0] in ("{{", "}}"):
                pieces.append(found[0][0])
            elif found[1] is None:
                raise ValueError(f"single {found[0]!r}; write {found[0] * 2!r} for a literal brace")
            else:
                pieces.append(_field(found[1]))
        return cls(tuple(piece for piece in (*pieces, text[end:]) if piece != ""), zone)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The placeholders."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Field))

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the placeholders use."""
        return frozenset(field.path[0] for field in self.fields)

    def render(
        self,
        values: Mapping[str, Any],
        *,
        escape: Callable[[str], str],
        shorten: Callable[[str, int], str],
        length: Callable[[str], int],
        limit: int,
    ) -> str:
        """Return the text for one record, at most `limit` long: the longest columns are shortened, not literal text.

        Args:
            escape: escapes the text of a column for the channel.
            shorten: cuts an escaped text to a length.
            length: measures a text in the channel's units.

        Raises:
            ValueError: a column is missing, or its value does not suit the placeholder's format.
        """
        texts = [piece if isinstance(piece, str) else escape(self._text(piece, values)) for piece in self.pieces]
        shortenable = [place for place, piece in enumerate(self.pieces) if isinstance(piece, Field)]
        excess = sum(map(length, texts)) - limit
        while excess > 0 and shortenable:
            longest = max(shortenable, key=lambda place: length(texts[place]))
            # At least one character, so that a reader sees that there was a value.
            texts[longest] = shorten(texts[longest], max(length(texts[longest]) - excess, 1))
            shortenable.remove(longest)
            excess = sum(map(length, texts)) - limit
        return "".join(texts)

    def _text(self, field: Field, values: Mapping[str, Any]) -> str:
        value = value_at(field.path, values)
        if value is None:
            if field.fallback is None:
                raise ValueError(f"{field.name} is missing")
            return field.fallback
        if not field.format:
            return _plain(value)
        # In Python a bool is an int, which no number format should show.
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"{field.name} is not a number, as the format {field.format!r} needs")
        if field.format != TIME:
            # As a decimal, an integer keeps its digits: a float has 15 of them.
            return format(Decimal(value) if isinstance(value, int) else value, field.format)
        try:
            return (_EPOCH + timedelta(milliseconds=int(value))).astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")
        except (OverflowError, ValueError) as error:
            raise ValueError(f"{field.name} is not a time in milliseconds since the epoch") from error


def value_at(path: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    """Return the value of a record at a path, `None` if it has none."""
    value: Any = values
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def unknown_column(owner: str, name: str, known: Iterable[str]) -> str:
    """Return the error text for a column that `owner` (a stream, or a struct in it) does not have."""
    names = list(known)
    return f"{owner} has no column {name}{suggestion(name, names)}; its columns are {', '.join(names) or 'none'}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the most similar known name, or an empty text."""
    close = get_close_matches(name.upper(), list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _field(text: str) -> Field:
    found = _FIELD.fullmatch(text)
    if found is None:
        raise ValueError(f"{{{text}}} is not a column name")
    format_ = found["format"] or ""
    if format_ != TIME and not _NUMBER_FORMAT.fullmatch(format_):
        raise ValueError(f"{{{text}}}: the format must be like ',', '.1f' or ',.2f', or 'time', not {format_!r}")
    return Field(tuple(found["path"].split(".")), format_, found["fallback"])


def _plain(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return f"{value:.1f}"
        case list() if not any(isinstance(item, list | dict) for item in value):
            return ", ".join("null" if item is None else _plain(item) for item in value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return str(value)
