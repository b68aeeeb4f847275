"""The pipelines' own test files, as `scripts/deploy.py test` runs them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bifrost.cli.main import app
from bifrost.settings import PROJECT

FILES = sorted((PROJECT / "ksql" / "tests").glob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_tests_of_the_statements_pass(path: Path):
    result = CliRunner().invoke(app, ["test", str(path)])

    assert result.exit_code == 0, result.output
