"""What the tests of the pages share: a browser, and the pages that operate a platform of fakes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from bifrost.console.operated.target_pool import TargetPool
from tests.deployer.conftest import Fakes, Project, fakes, project
from tests.fakes.browser import running_browser
from tests.fakes.console import Client, running_console
from tests.fakes.operated import operating_pages, pool
from tests.operations.conftest import deployed

__all__ = ["deployed", "fakes", "project"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with running_browser(1400, 1000) as running:
        yield running


@pytest.fixture
def operated(project: Project, deployed: Fakes) -> TargetPool:
    return pool(project, deployed)


@pytest.fixture
def console(tmp_path: Path, operated: TargetPool) -> Iterator[Client]:
    """The console with the pages that operate the deployed platform of fakes."""
    with running_console(
        tmp_path / "console" / "inbox.sqlite", time.time, operating_pages(operated, tmp_path)
    ) as client:
        yield client
