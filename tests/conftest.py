"""Options that all tests share."""

import pytest

from tests import examples

__all__ = ["examples"]  # registers the profiles of Hypothesis


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="replace the golden files by what the code generates now"
    )
