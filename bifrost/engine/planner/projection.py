"""The projection of a query, which decides the name of the result's key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bifrost.sql.tree import AllColumns, ColumnRef, Expression, SelectItem, SingleColumn


@dataclass(frozen=True, slots=True)
class Projection:
    """The qualified select items of a query."""

    items: tuple[SelectItem, ...]

    def contains(self, expression: Expression) -> bool:
        """Whether the (qualified) expression is selected, also by `*`."""
        if any(isinstance(item, SingleColumn) and item.expression == expression for item in self.items):
            return True
        if not isinstance(expression, ColumnRef):
            return False
        return self.has_star or (expression.source is not None and expression.source in self._stars())

    @property
    def has_star(self) -> bool:
        """Whether `*` is among the items."""
        return None in self._stars()

    @property
    def has_any_star(self) -> bool:
        """Whether `*` or `alias.*` is among the items."""
        return bool(self._stars())

    def _stars(self) -> list[str | None]:
        return [item.source for item in self.items if isinstance(item, AllColumns)]


def join_words(names: Sequence[str], last: str) -> str:
    """`A, B and C`, with the given word before the last name."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def missing_key(sink: str, kind: str, names: Sequence[str], *, alternatives: bool = False, note: str = "") -> str:
    """ksqlDB's message for a projection without the result's key; `kind` describes the key (`key column`)."""
    plural = "s" if len(names) > 1 else ""
    example = names[0] if alternatives else ", ".join(names)
    return (
        "Key missing from projection (ie, SELECT). See https://cnfl.io/2LV7ouS.\n"
        f"The query used to build `{sink}` must include the {kind}{plural} "
        f"{join_words(names, 'or' if alternatives else 'and')} in its projection (eg, SELECT {example}...).{note}"
    )
