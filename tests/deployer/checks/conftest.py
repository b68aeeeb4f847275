"""The command line, for what a check lets through or stops."""

from tests.cli.conftest import run

__all__ = ["run"]
