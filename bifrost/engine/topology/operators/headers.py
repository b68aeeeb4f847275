"""Record headers as column values."""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.sql.types import SqlValue

_Headers = Sequence[tuple[str, bytes | None]] | None


def header_list(headers: _Headers) -> list[dict[str, SqlValue]]:
    """Returns the value of a HEADERS column: a struct of KEY and VALUE per header, in order."""
    return [{"KEY": name, "VALUE": value} for name, value in headers or ()]


def last_header(headers: _Headers, name: str) -> bytes | None:
    """Returns the value of a HEADER('name') column: the last header of that name, or null."""
    found = [value for key, value in headers or () if key == name]
    return found[-1] if found else None
