"""The console with its editor over the embedded engine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bifrost.console.ksql_editor import editor_page
from bifrost.operations.action_log import ActionLog
from tests.fakes.console import Client, running_console
from tests.fakes.ksql_engine import ORDERS, TOTALS, RunningEngine, running_engine


@pytest.fixture(scope="module")
def engine() -> Iterator[RunningEngine]:
    """An engine with a stream, a table, and a query that joins them."""
    with running_engine() as running:
        running.run(ORDERS)
        running.run(TOTALS)
        yield running


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory) -> ActionLog:
    return ActionLog(tmp_path_factory.mktemp("log") / "actions.jsonl", time.time)


@pytest.fixture(scope="module")
def editor(engine: RunningEngine, actions: ActionLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    path = tmp_path_factory.mktemp("editor") / "inbox.sqlite"
    with engine.client() as client, running_console(path, time.time, editor_page.routes(client, actions)) as served:
        yield served
