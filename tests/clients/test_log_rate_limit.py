"""Repeated log lines of a library pass once per interval."""

from __future__ import annotations

import logging

from bifrost.clients.log_rate_limit import LogRateLimit
from tests.fakes.clock import FakeClock


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("kafka", logging.ERROR, "", 0, text, None, None)


def test_lines_that_differ_in_numbers_only_pass_once_in_a_while():
    clock = FakeClock()
    limit = LogRateLimit(clock.monotonic, interval_s=30)

    assert limit.filter(line("refused after 1 ms"))
    assert not limit.filter(line("refused after 22 ms"))
    assert limit.filter(line("timed out"))
    clock.sleep(31)
    assert limit.filter(line("refused after 3 ms"))


def test_it_remembers_only_so_much():
    limit = LogRateLimit(lambda: 0.0)
    for number in range(1000):
        limit.filter(line("x" * number))

    assert len(limit._last_logged) <= 200
