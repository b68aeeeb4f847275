"""Remembers the plans of pull queries, so that a query that differs only in its key is not parsed and planned again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bifrost.engine.planner.outcome import KeyLookup, LookupKind, PullPlan
from bifrost.engine.statements.client_session import ClientSession

MAX_PLANS = 5000

# One comparison at the end of the text. Quotes, comments, variables and a second statement could hide it or add another
# meaning to it, so texts with them are planned each time.
_BY_KEY = re.compile(
    r"(?P<before>[^'\"$;]*\sWHERE\s+(?:[A-Za-z_]\w*|`[^`'\"$;]*`)\s*=\s*)(?P<literal>-?[0-9]{1,18}|'[^'\\$]*');",
    re.IGNORECASE,
)
_COMMENTS = ("--", "/*")
_MAX_INTEGER = 2**31 - 1

_Settings = tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class _Shape:
    """The text of a look-up by key up to the literal, and the literal's type."""

    before: str
    literal: str


@dataclass(frozen=True, slots=True)
class _KeyText:
    shape: _Shape
    value: int | str


class PullPlans:
    """Plans by text, properties and variables; and by the shape of the text for look-ups of one key.

    Thread-safe. After a change of the sources it must be replaced.
    """

    def __init__(self) -> None:
        self._plans: dict[tuple[str | _Shape, _Settings], PullPlan] = {}

    def find(self, text: str, session: ClientSession) -> PullPlan | None:
        """Return the plan of a query; `None` if it must be planned."""
        settings = _settings(session)
        known = self._plans.get((text, settings))
        if known is not None:
            return known
        read = _key_text(text)
        similar = self._plans.get((read.shape, settings)) if read is not None else None
        if read is None or similar is None:
            return None
        return replace(similar, statement=text, lookups=(KeyLookup((read.value,)),))

    def remember(self, text: str, session: ClientSession, plan: PullPlan) -> None:
        """Keep a plan; forget all others if there are too many."""
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        read = _key_text(text)
        is_shape = read is not None and plan.statement == text and _looks_up(plan, read.value)
        self._plans[read.shape if read is not None and is_shape else text, _settings(session)] = plan


def _settings(session: ClientSession) -> _Settings:
    return frozenset(session.properties.items()), frozenset(session.variables.items())


def _key_text(text: str) -> _KeyText | None:
    found = _BY_KEY.fullmatch(text)
    if found is None or any(mark in text for mark in _COMMENTS):
        return None
    before, literal = found["before"], found["literal"]
    if literal.startswith("'"):
        return _KeyText(_Shape(before, "STRING"), literal[1:-1])
    value = int(literal)
    # The planner gives them different types, which it may refuse to compare with the key.
    kind = "INTEGER" if abs(value) <= _MAX_INTEGER else "BIGINT"
    return _KeyText(_Shape(before, kind), value)


def _looks_up(plan: PullPlan, value: int | str) -> bool:
    """Whether a plan looks up exactly the literal, unconverted, and depends on it in no other way."""
    if plan.kind is not LookupKind.KEYS or plan.predicate is not None or len(plan.lookups) != 1:
        return False
    (lookup,) = plan.lookups
    return lookup == KeyLookup((value,)) and type(lookup.key[0]) is type(value)
