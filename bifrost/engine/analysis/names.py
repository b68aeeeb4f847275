"""Generates names for columns without one: KSQL_COL_0, FIELD_1, ROWKEY."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from bifrost.sql.tree import ColumnRef, Dereference, Expression


class NameGenerator:
    """Generates names that differ from those in use and from each other."""

    def __init__(self, used: Iterable[str]) -> None:
        self._used = set(used)

    def column(self) -> str:
        """The next KSQL_COL_<n>."""
        return self._take(f"KSQL_COL_{number}" for number in count())

    def field(self, name: str) -> str:
        """The name of a struct's field, with a number if the name is in use."""
        return self._take(_numbered(name))

    def key(self, expression: Expression) -> str:
        """The name of the key column for an expression of PARTITION BY or GROUP BY."""
        match expression:
            case ColumnRef(name):
                return name
            case Dereference(field=field):
                return self.field(field)
            case _:
                return self.column()

    def _take(self, names: Iterable[str]) -> str:
        name = next(name for name in names if name not in self._used)
        self._used.add(name)
        return name


def synthetic_key(used: Iterable[str]) -> str:
    """ROWKEY, or the first unused ROWKEY_<n>: the key of a join that no source column can name."""
    taken = set(used)
    return next(name for name in _numbered("ROWKEY") if name not in taken)


def _numbered(name: str) -> Iterable[str]:
    yield name
    for number in count(1):
        yield f"{name}_{number}"
