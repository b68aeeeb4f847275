"""Whose user a program is on a secured platform, and whether a platform is secured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bifrost.clients.access import BasicAuth, auth_of
from bifrost.errors import SettingError
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings


@pytest.fixture
def secured(tmp_path: Path) -> Settings:
    settings = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": "1"})
    secure_folder(settings).prepare(datetime.now(UTC))
    return settings


@pytest.mark.parametrize("role", ["operator", "Deployer", "../roles/deployer", "deployer\0", "/etc/passwd", " "])
def test_a_role_that_does_not_exist_is_refused_with_those_that_do(secured: Settings, role: str) -> None:
    with pytest.raises(SettingError, match=r"BIFROST_ROLE: .* is not a role; roles are broker, capture, connect,"):
        secured.with_values(BIFROST_ROLE=role).get("KAFKA_SASL_USERNAME")


def test_a_role_has_its_own_user_and_the_commands_have_that_of_the_deployer(secured: Settings) -> None:
    assert secured.get("KAFKA_SASL_USERNAME") == "deployer"
    assert secured.with_values(BIFROST_ROLE="rest-proxy").get("KAFKA_SASL_USERNAME") == "rest-proxy"


def test_settings_can_be_read_before_a_home_is_secured_for_the_first_time(tmp_path: Path) -> None:
    settings = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": "1"})
    assert settings.get("KAFKA_SASL_USERNAME") == ""


def test_the_connection_string_of_mongodb_has_the_login_of_a_role_that_may_call_it(secured: Settings) -> None:
    folder = secure_folder(secured)
    found = urlsplit(secured.local_mongodb())
    assert (found.username, found.password) == ("deployer", folder.password("deployer"))
    assert parse_qs(found.query) == {
        "replicaSet": ["rs0"],
        "authSource": ["admin"],
        "tls": ["true"],
        "tlsCAFile": [str(folder.authority_certificate)],
    }
    stranger = secured.with_values(BIFROST_ROLE="services")
    assert stranger.local_mongodb() == secured.mongodb_address == "mongodb://127.0.0.1:27017/?replicaSet=rs0"


@pytest.mark.parametrize("value", ["yes", "true", "2", "01", " "])
def test_another_value_than_1_and_0_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match=r"BIFROST_SECURE: .* is neither 1 nor 0"):
        _ = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": value}).is_secured


@pytest.mark.parametrize(
    ("prefix", "part"),
    [
        ("SCHEMA_REGISTRY", "schema_registry"),
        ("KSQLDB", "ksqldb"),
        ("ELASTICSEARCH", "search"),
        ("REST_PROXY", "rest_proxy"),
    ],
)
def test_the_server_of_somebody_else_gets_no_password_of_the_platform(
    secured: Settings, prefix: str, part: str
) -> None:
    own = {f"{prefix}_USER": "me", f"{prefix}_PASSWORD": "mine"}
    elsewhere = secured.with_values(**{f"{prefix}_URL": "https://elsewhere.example"}, **own)
    assert (elsewhere.get(f"{prefix}_USER"), elsewhere.get(f"{prefix}_PASSWORD")) == ("me", "mine")
    assert elsewhere.get(f"{prefix}_CA_LOCATION") == ""
    assert elsewhere.get("KAFKA_SASL_USERNAME") == "deployer"
    here = secured.with_values(**{f"{prefix}_URL": f"{secured.local_url(part)}/"}, **own)
    assert here.get(f"{prefix}_USER") == "deployer"


@pytest.mark.parametrize(
    "name", ["KSQLDB_TOKEN", "SCHEMA_REGISTRY_TOKEN", "ELASTICSEARCH_TOKEN", "ELASTICSEARCH_API_KEY"]
)
def test_a_token_for_another_target_does_not_replace_the_login_of_a_role(secured: Settings, name: str) -> None:
    prefix = name.removesuffix("_TOKEN").removesuffix("_API_KEY")
    found = auth_of(secured.with_values(**{name: "token"}), prefix)
    assert isinstance(found, BasicAuth)
    assert found.user == "deployer"
    assert secured.with_values(**{name: "token"}, BIFROST_SECURE="0").get(name) == "token"
