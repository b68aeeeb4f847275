"""Settings of environments: which value counts, and what each environment has separately."""

import pytest

from bifrost import settings
from bifrost.errors import SettingError
from bifrost.settings import Settings
from bifrost.supervisor import compose_containers


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("BIFROST_CACHE", "BIFROST_ENV", "BIFROST_HOME", "CONNECT_URL", "KSQLDB_URL", "SLACK_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "environments").mkdir()
    (tmp_path / ".env").write_text("CONNECT_URL=http://shared\nKSQLDB_URL=http://shared\nSLACK_API_TOKEN=shared\n")
    (tmp_path / "environments/staging.env").write_text("CONNECT_URL=http://staging\nKSQLDB_URL=http://staging\n")
    (tmp_path / "environments/prod.env").write_text("CONNECT_URL=http://prod\n")
    return tmp_path


def values(found: Settings) -> list[str]:
    return [found.get(name) for name in ("CONNECT_URL", "KSQLDB_URL", "SLACK_API_TOKEN")]


def test_an_environment_overrides_the_shared_file_and_the_process_overrides_both(project, monkeypatch):
    assert values(settings.load(project)) == ["http://shared", "http://shared", "shared"]
    assert values(settings.load(project, "staging")) == ["http://staging", "http://staging", "shared"]

    monkeypatch.setenv("CONNECT_URL", "http://process")
    assert values(settings.load(project, "staging")) == ["http://process", "http://staging", "shared"]


def test_the_option_wins_over_the_variable_and_the_variable_over_the_shared_file(project, monkeypatch):
    with (project / ".env").open("a") as file:
        file.write("BIFROST_ENV=prod\n")
    assert settings.load(project).get("CONNECT_URL") == "http://prod"

    monkeypatch.setenv("BIFROST_ENV", "staging")
    assert settings.load(project).get("CONNECT_URL") == "http://staging"
    assert settings.load(project, "prod").get("CONNECT_URL") == "http://prod"
    assert settings.load(project, "prod").environment == "prod"


def test_an_unknown_environment_is_named_with_the_known_ones(project):
    with pytest.raises(SettingError, match=r"'test' has no file .*environments/test.env; known are prod, staging"):
        settings.load(project, "test")


@pytest.mark.parametrize("name", ["../prod", "Prod", "a b", "-x", "prod.env"])
def test_a_name_is_no_path(project, name):
    with pytest.raises(SettingError, match="is not a name"):
        settings.load(project, name)


def test_a_wrong_line_is_named_without_its_text(project):
    (project / "environments/prod.env").write_text("A=1\nhunter22\n")

    with pytest.raises(SettingError, match=r"prod.env:2: expected NAME=value") as caught:
        settings.load(project, "prod")
    assert "hunter22" not in str(caught.value)


def test_each_environment_has_separate_data_and_shares_downloads(project):
    shared, staging = settings.load(project), settings.load(project, "staging")

    assert shared.home == project / ".bifrost"
    assert staging.home == project / ".bifrost/environments/staging"
    assert staging.data == staging.home / "data"
    assert (staging.cache, staging.venv) == (shared.cache, shared.venv)


def test_programs_that_an_environment_starts_find_its_folders(project):
    staging = settings.load(project, "staging")
    child = Settings({**staging.values, "BIFROST_HOME": str(staging.home)}, project)

    assert (child.home, child.cache, child.venv) == (staging.home, staging.cache, staging.venv)


def test_a_home_that_is_set_stays(project, monkeypatch):
    monkeypatch.setenv("BIFROST_HOME", str(project / "own"))
    found = settings.load(project, "staging")

    assert (found.home, found.cache) == (project / "own", project / "own/cache")


def test_a_missing_setting_names_the_file_of_the_environment(project):
    with pytest.raises(SettingError, match=r"environments/prod.env"):
        settings.load(project, "prod").require("KAFKA_BOOTSTRAP_SERVERS", "the remote target needs it")


def test_each_environment_has_its_own_containers(project):
    def name(**changed):
        return compose_containers._environment(Settings(changed)).get("COMPOSE_PROJECT_NAME")

    assert name() is None
    assert name(BIFROST_ENV="staging") == "bifrost-staging"
    assert name(BIFROST_ENV="staging", COMPOSE_PROJECT_NAME="x") == "x"
