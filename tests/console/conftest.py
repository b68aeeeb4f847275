"""A served inbox in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.console import Client, running_console

NOON = 1_528_804_500.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "console" / "inbox.sqlite"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_console(tmp_path_factory.mktemp("console") / "inbox.sqlite", lambda: NOON) as client:
        yield client


@pytest.fixture
def client(served: Client) -> Iterator[Client]:
    """The served inbox, empty and without faults, and a caller with a token."""
    served.delete("/api/messages")
    served.delete("/api/faults")
    caller = Client(served.url)
    yield caller
    caller.close()
