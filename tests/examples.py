"""How many generated examples a property is tested with."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

FAST_PROFILE = "fast"
"""Hypothesis profile of `scripts/test --fast`, which tests with 30 % of the examples."""
_FULL = 100

# Without a deadline: a busy machine is no fault of the code.
settings.register_profile("full", max_examples=_FULL, deadline=None)
settings.register_profile(FAST_PROFILE, max_examples=30, deadline=None)
settings.load_profile("full")


def examples(count: int, **options: Any) -> settings:
    """Hypothesis settings for `count` examples, fewer in the profile `fast`, without a deadline."""
    share = settings.default.max_examples / _FULL if settings.default else 1
    return settings(max_examples=max(round(count * share), 1), deadline=None, **options)
