"""A query that reads much before its first record says how far it is."""

import logging

import pytest

from bifrost.engine.runtime.restore_progress import RestoreProgress


class Clock:
    now = 0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_the_text_says_how_much_was_read(clock):
    loading = RestoreProgress("Q", clock)
    assert loading.text == "it is still being loaded"
    loading.begin("its state", 1_000_000)
    loading.reached(250_000)
    assert loading.text == "reading its state: 250,000 of 1,000,000 records (25 %)"
    loading.end()
    assert loading.text == "it is still being loaded"


def test_progress_is_logged_every_few_seconds_and_at_the_end(clock, caplog):
    caplog.set_level(logging.INFO, "bifrost")
    loading = RestoreProgress("Q", clock)
    loading.begin("its tables", 50_000)
    for read in range(0, 8_000, 100):
        clock.now = read / 1000
        loading.reached(read)
    loading.end()
    assert [record.message for record in caplog.records] == [
        "query Q: reading its tables: 0 of 50,000 records (0 %)",
        "query Q: reading its tables: 5,000 of 50,000 records (10 %)",
        "query Q: its tables: 7,900 records read in 7.9 s",
    ]


def test_a_short_restore_is_not_logged(clock, caplog):
    caplog.set_level(logging.INFO, "bifrost")
    loading = RestoreProgress("Q", clock)
    loading.begin("its state", 10)
    loading.reached(10)
    loading.end()
    assert caplog.records == []
