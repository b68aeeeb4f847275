"""The graph of the pipelines is read again and again, whatever happens to the clock."""

from __future__ import annotations

import pytest

from bifrost.console.flow.flow_reader import FRESH_S, FlowReader, open_flow_reader
from bifrost.console.flow.snapshot import Snapshot
from bifrost.settings import Settings


class SetClock:
    now = 10_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def reader(tmp_path, clock: SetClock, monkeypatch) -> FlowReader:
    """A reader of a platform without anything."""
    reader = open_flow_reader(Settings({"BIFROST_HOME": str(tmp_path / "home")}, tmp_path))
    monkeypatch.setattr(reader, "_snapshot", lambda now: Snapshot(at=now))
    reader.now = clock
    return reader


def test_a_graph_is_read_again_after_a_second_and_when_the_clock_was_set_back(reader: FlowReader, clock: SetClock):
    assert reader.read()["at"] == 10_000.0
    clock.now += FRESH_S / 2
    assert reader.read()["at"] == 10_000.0
    clock.now += FRESH_S
    assert reader.read()["at"] == 10_001.5
    clock.now = 6_400.0
    assert reader.read()["at"] == 6_400.0
