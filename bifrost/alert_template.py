"""Templates of alerts: text with columns in braces.

{EMAIL}             the column's text; a record without it cannot be told
{CITY|somewhere}    something else where the column is null
{YEARS:.1f}         a number with one digit behind the point; {TOTAL:,.2f} with commas too
{WINDOWSTART:time}  milliseconds since 1970 as date and time in the alert's zone
{ADDRESS.CITY}      a field of a struct
{{ and }}           braces
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

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::(?P<form>[^|]*))?(?:\|(?P<fallback>.*))?", re.DOTALL)
_NUMBER = re.compile(r",?(\.\d{1,2}f)?")
TIME = "time"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or a field in it, and how it is written; `fallback` is what stands for null."""

    path: tuple[str, ...]
    form: str = ""
    fallback: str | None = None

    @property
    def name(self) -> str:
        """As the template writes it."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; `zone` is that of its times."""

    pieces: tuple[str | Field, ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Template:
        """Read a template.

        Raises:
            ValueError: a brace or a field is not of the form above.
        """
        pieces: list[str | Field] = []
        end = 0
        for found in _PIECE.finditer(text):
            pieces.append(text[end : found.start()])
            end = found.end()
            if found[0] in ("{{", "}}"):
                pieces.append(found[0][0])
            elif found[1] is None:
                raise ValueError(f"a lone {found[0]!r}; write {found[0] * 2!r} for the character itself")
            else:
                pieces.append(_field(found[1]))
        return cls(tuple(piece for piece in (*pieces, text[end:]) if piece != ""), zone)

    @property
    def fields(self) -> tuple[Field, ...]:
        """What it takes from a record."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Field))

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it names."""
        return frozenset(field.path[0] for field in self.fields)

    def render(
        self,
        values: Mapping[str, Any],
        *,
        escape: Callable[[str], str],
        cut: Callable[[str, int], str],
        length: Callable[[str], int],
        limit: int,
    ) -> str:
        """The text for one record, at most `limit` long: the longest columns are cut, the template's own text stays.

        Args:
            escape: makes text of a column harmless for the channel.
            cut: shortens an escaped text to a length.
            length: measures as the channel does.

        Raises:
            ValueError: a column is missing, or not of the kind that its form needs.
        """
        texts = [piece if isinstance(piece, str) else escape(self._text(piece, values)) for piece in self.pieces]
        shortenable = [place for place, piece in enumerate(self.pieces) if isinstance(piece, Field)]
        excess = sum(map(length, texts)) - limit
        while excess > 0 and shortenable:
            longest = max(shortenable, key=lambda place: length(texts[place]))
            texts[longest] = cut(texts[longest], max(length(texts[longest]) - excess, 1))
            shortenable.remove(longest)
            excess = sum(map(length, texts)) - limit
        return "".join(texts)

    def _text(self, field: Field, values: Mapping[str, Any]) -> str:
        value = value_of(field.path, values)
        if value is None:
            if field.fallback is None:
                raise ValueError(f"{field.name} is missing")
            return field.fallback
        if not field.form:
            return _plain(value)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"{field.name} is not a number")
        if field.form != TIME:
            return format(value, field.form)
        try:
            return (_EPOCH + timedelta(milliseconds=int(value))).astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")
        except (OverflowError, ValueError) as error:
            raise ValueError(f"{field.name} is not a time") from error


def value_of(path: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    """What a record has at a path; `None` where it has nothing."""
    value: Any = values
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def missing_column(owner: str, name: str, known: Iterable[str]) -> str:
    """What is told of a column that `owner` (a stream, or a struct in it) does not have."""
    names = list(known)
    return f"{owner} has no column {name}{near(name, names)}; there are {', '.join(names) or 'none'}"


def near(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that is nearest to one that is not known; empty where none is near."""
    close = get_close_matches(name.upper(), list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _field(text: str) -> Field:
    found = _FIELD.fullmatch(text)
    if found is None:
        raise ValueError(f"{{{text}}} is not a column")
    form = found["form"] or ""
    if form != TIME and not _NUMBER.fullmatch(form):
        raise ValueError(f"{{{text}}}: the form must be like ',' or '.1f', or 'time', not {form!r}")
    return Field(tuple(found["path"].split(".")), form, found["fallback"])


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
