"""Sound declarations are checked once; any change of them or of the settings has them checked again."""

import pytest

from bifrost.deployer.checks import validate as checks
from bifrost.deployer.deploy import load_declarations
from bifrost.errors import DeclarationError
from bifrost.settings import Settings
from tests.deployer.conftest import CONNECTOR, RATINGS


@pytest.fixture
def load(project, monkeypatch):
    """Loads the declarations; returns whether they were checked."""
    checked = []
    check = checks.validate
    monkeypatch.setattr(checks, "validate", lambda *arguments: checked.append(1) or check(*arguments))

    def once(**values: str) -> bool:
        checked.clear()
        load_declarations(Settings({"BIFROST_HOME": str(project.root / "home"), **values}, project.root))
        return bool(checked)

    return once


def test_unchanged_declarations_are_checked_once(load):
    assert [load(), load(), load()] == [True, False, False]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("ksql/ratings.sql", RATINGS + "-- more\n"),
        ("ksql/udf/notes.txt", "x"),
        ("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "tasks.max": "2"}),
        ("topics/more.json", {}),
    ],
)
def test_a_changed_file_is_checked(load, project, path, content):
    load()
    project.write(path, content)
    assert load()
    assert not load()


def test_another_setting_is_checked_if_a_connector_refers_to_it(load, project):
    project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "extra": "${env:MYSQL_EXTRA}"})
    with pytest.raises(DeclarationError, match="set MYSQL_EXTRA in the environment"):
        load()
    assert load(MYSQL_EXTRA="x")
    assert not load(MYSQL_EXTRA="another value")
    with pytest.raises(DeclarationError, match="set MYSQL_EXTRA in the environment"):
        load()


def test_another_variable_of_the_environment_is_no_reason_to_check_again(load):
    load()
    assert not load(SSH_TTY="/dev/pts/7")


def test_wrong_declarations_are_checked_every_time(load, project):
    load()
    project.write("ksql/more.sql", "CREATE STREAM A AS SELECT NOPE FROM RATINGS;")
    for _ in range(2):
        with pytest.raises(DeclarationError, match="NOPE"):
            load()


def test_where_nothing_can_be_written_it_is_checked_again(load, project):
    project.write("home/run", "a file in the folder's place")
    assert [load(), load()] == [True, True]


def test_other_targets_are_not_checked_here(load):
    assert not load(BIFROST_TARGET="remote")
