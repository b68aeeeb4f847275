"""A library that repeats itself is heard once in a while."""

from __future__ import annotations

import logging

from bifrost.clients.log_rate_limit import LogRateLimit
from tests.fakes.clock import FakeClock


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("kafka", logging.ERROR, "", 0, text, None, None)


def test_lines_that_differ_in_numbers_only_pass_once_in_a_while():
    clock = FakeClock()
    sparing = LogRateLimit(clock.monotonic, every_s=30)

    assert sparing.filter(line("refused after 1 ms"))
    assert not sparing.filter(line("refused after 22 ms"))
    assert sparing.filter(line("timed out"))
    clock.sleep(31)
    assert sparing.filter(line("refused after 3 ms"))


def test_it_remembers_only_so_much():
    sparing = LogRateLimit(lambda: 0.0)
    for number in range(1000):
        sparing.filter(line("x" * number))

    assert len(sparing._passed) <= 200
