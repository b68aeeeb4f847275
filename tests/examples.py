"""How many generated examples a property is tested with, and which of many cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import settings

T = TypeVar("T")
FAST_PROFILE = "fast"
"""Hypothesis profile of `scripts/test --fast`, which tests with 10 % of the examples."""
_FULL = 100

# Without a deadline: a busy machine is no fault of the code.
settings.register_profile("full", max_examples=_FULL, deadline=None)
settings.register_profile(FAST_PROFILE, max_examples=10, deadline=None)
settings.load_profile("full")


def _is_fast() -> bool:
    return settings.default is not None and settings.default.max_examples < _FULL


def examples(count: int, **options: Any) -> settings:
    """Hypothesis settings for `count` examples, fewer in the profile `fast`, without a deadline."""
    share = settings.default.max_examples / _FULL if settings.default else 1
    return settings(max_examples=max(round(count * share), 1), deadline=None, **options)


def sampled(cases: Sequence[T], *, every: int) -> Sequence[T]:
    """The cases that a test goes through: all of them, with the profile `fast` every so many."""
    return cases[::every] if _is_fast() else cases


def first_of(steps: Sequence[T], *, share: float) -> Sequence[T]:
    """The steps that a test takes one after another: all of them, with the profile `fast` the first part."""
    return steps[: round(len(steps) * share)] if _is_fast() else steps
