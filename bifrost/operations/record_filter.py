"""Filters of records as a person types them: words anywhere, and `field=value`. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bifrost.operations.record_text import ReadableValue

FORMS = 'words, "a phrase", field=value, field!=value, key.field=value, header.name=value'
_TERM = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_FIELD = re.compile(r"([\w$@.\-]+?)(!?=)(.*)", re.S)
_STRUCTURED = frozenset({"AVRO", "JSON_SR", "PROTOBUF", "JSON"})

ReadableHeaders = Sequence[tuple[str, ReadableValue]]


@dataclass(frozen=True, slots=True)
class FilterTerm:
    """One condition, in lower case: a text that occurs, or with `field`, a field that has that value (or has not)."""

    text: str
    field: tuple[str, ...] = ()
    is_negated: bool = False
    original: str = ""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """All terms must match. Upper and lower case are the same."""

    terms: tuple[FilterTerm, ...] = ()

    def matches(self, key: ReadableValue, value: ReadableValue, headers: ReadableHeaders) -> bool:
        """Whether a record fits."""
        return all(_matches(term, key, value, headers) for term in self.terms)


def parse_filter(text: str) -> RecordFilter:
    """The filter that a text means: see `FORMS`. Every text is one."""
    return RecordFilter(tuple(_term(match[0]) for match in _TERM.finditer(text)))


def _term(text: str) -> FilterTerm:
    plain = text.replace('"', "").lower()
    found = None if text.startswith('"') else _FIELD.fullmatch(plain)
    if found is None:
        return FilterTerm(plain)
    return FilterTerm(found[3], tuple(found[1].split(".")), found[2] == "!=", plain)


def _matches(term: FilterTerm, key: ReadableValue, value: ReadableValue, headers: ReadableHeaders) -> bool:
    if not term.field:
        return any(term.text in text.lower() for text in _texts(key, value, headers))
    found = list(_found(term.field, key, value, headers))
    if term.is_negated:
        return term.text not in found
    # A plain text such as a line of a log may contain "user=root" itself.
    return term.text in found or (value.format not in _STRUCTURED and term.original in value.text.lower())


def _texts(key: ReadableValue, value: ReadableValue, headers: ReadableHeaders) -> Iterator[str]:
    yield value.text
    yield key.text
    for name, content in headers:
        yield name
        yield content.text


def _found(field: tuple[str, ...], key: ReadableValue, value: ReadableValue, headers: ReadableHeaders) -> Iterator[str]:
    """What a field holds, as text in lower case; nothing if no such field exists."""
    first, rest = field[0], field[1:]
    if first == "header" and rest:
        name = ".".join(rest)
        yield from (content.text.lower() for known, content in headers if known.lower() == name)
        return
    if first in ("key", "value"):
        part = key if first == "key" else value
        if not rest:
            yield part.text.lower()
        yield from _values(_parsed(part), rest)
    yield from _values(_parsed(value), field)


class _WrittenFloat(float):
    """A number such as `1.10`, which a person may also write as `1.1`."""

    def __init__(self, written: str) -> None:
        self.written = written


def _parsed(value: ReadableValue) -> Any:
    """Its content; an empty list, in which no field is found, where it has no structure."""
    if value.format not in _STRUCTURED:
        return []
    try:
        return json.loads(value.text, parse_float=_WrittenFloat)
    except (ValueError, RecursionError):
        return []


def _values(tree: Any, field: tuple[str, ...]) -> Iterator[str]:
    match tree:
        case list():
            for item in tree:
                yield from _values(item, field)
        case Mapping() if field:
            for name, item in tree.items():
                if name.lower() == field[0]:
                    yield from _values(item, field[1:])
        case _WrittenFloat() if not field:
            yield tree.written.lower()
            yield float.__repr__(tree)
        case str() if not field:
            yield tree.lower()
        case _ if not field:
            yield json.dumps(tree, ensure_ascii=False).lower()
