"""Makes the input of a finding smaller while it stays the same finding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.fuzz.corpus import Input


def smallest(found: Input, is_same: Callable[[Input], bool], *, seconds: float) -> Input:
    """The smallest input that was found within the time; `is_same` says whether one is the same finding."""
    end = time.monotonic() + seconds
    is_reduced = True
    while is_reduced and time.monotonic() < end:
        is_reduced = False
        for given in _smaller(found.given):
            if time.monotonic() > end:
                break
            candidate = Input(found.target, given)
            if is_same(candidate):
                found, is_reduced = candidate, True
                break
    return found


def _smaller(value: Any) -> Iterator[Any]:
    """Values with a part left out, the largest parts first."""
    match value:
        case str() | bytes():
            yield from _without_parts(value)
        case dict():
            for key in value:
                yield {other: part for other, part in value.items() if other != key}
            for key, part in value.items():
                yield from ({**value, key: smaller} for smaller in _smaller(part))
        case list() | tuple():
            for at, part in enumerate(value):
                yield from ([*value[:at], smaller, *value[at + 1 :]] for smaller in _smaller(part))


def _without_parts(value: Any) -> Iterator[Any]:
    size = len(value) // 2
    while size:
        yield from (value[:at] + value[at + size :] for at in range(0, len(value), size))
        size //= 2
    if len(value) == 1:
        yield value[:0]
