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


@pytest.fixture
def client(path: Path) -> Iterator[Client]:
    with running_console(path, lambda: NOON) as client:
        yield client
