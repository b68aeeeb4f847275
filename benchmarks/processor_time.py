"""CPU time, a measure that does not depend on other programs on the machine."""

from __future__ import annotations

import resource


def cpu_s() -> float:
    """CPU seconds of this process and of its finished child processes."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
