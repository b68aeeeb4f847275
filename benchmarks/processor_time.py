"""Processor time, which tells what a program needs also where others use the machine."""

from __future__ import annotations

import resource


def cpu_s() -> float:
    """Processor time of this process and of those that it ran and waited for, in seconds."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
