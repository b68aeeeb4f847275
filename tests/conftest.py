"""Options that all tests share, and what makes a run of all tests cheaper."""

from __future__ import annotations

import gc
import importlib
import os
from contextlib import suppress
from pathlib import Path

import pytest

from tests import examples

__all__ = ["examples"]  # registers the profiles of Hypothesis
TESTS = Path(__file__).resolve().parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="replace the golden files by what the code generates now"
    )


def pytest_collection(session: pytest.Session) -> None:
    """Each worker imports the tests in another order, so that each finds compiled what another has imported.

    pytest rewrites the assertions of a module that was changed, which takes ten times as long as its import. Without
    this, workers that start together would all rewrite the same module at the same time.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or [Path(argument).resolve() for argument in session.config.args] != [TESTS]:
        return
    ignored = {Path(path).resolve() for path in session.config.getoption("ignore") or ()}
    files = [path for path in sorted(TESTS.rglob("test_*.py")) if ignored.isdisjoint(path.parents)]
    first = len(files) * int(worker.removeprefix("gw")) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in (*files[first:], *files[:first]):
        # The collection reports what cannot be imported, and may be asked to skip it.
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep the collector of cycles from searching all modules and tests again and again."""
    gc.collect()
    gc.freeze()
