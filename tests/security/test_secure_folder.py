"""What a secured platform keeps: made once, renewed in time, for its owner alone."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bifrost.dotenv import read_dotenv
from bifrost.errors import ComponentError
from bifrost.security.roles import BROKER, DEPLOYER, GENERATORS, ROLES, SUPERVISOR
from bifrost.security.secure_folder import SecureFolder
from bifrost.settings import role_file

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> SecureFolder:
    made = SecureFolder(tmp_path / "secure")
    made.prepare(NOW)
    return made


def contents(folder: SecureFolder) -> dict[str, bytes]:
    # The store of Java is encrypted with fresh salt whenever it is written.
    files = (path for path in folder.root.rglob("*") if path.is_file() and path.suffix != ".p12")
    return {str(path.relative_to(folder.root)): path.read_bytes() for path in files}


def test_all_is_for_its_owner_alone_but_what_clients_trust(folder: SecureFolder) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.root.rglob("*") if path.is_file()}
    assert modes.pop(folder.authority_certificate.name) == 0o644
    assert set(modes.values()) == {0o600}
    assert {
        stat.S_IMODE(path.stat().st_mode) for path in (folder.root, folder.root / "roles", folder.root / "clients")
    } == {0o700}


def test_a_further_start_changes_nothing(folder: SecureFolder) -> None:
    before = contents(folder)
    assert folder.prepare(NOW + timedelta(days=1)) == ()
    assert contents(folder) == before


def test_each_role_has_a_password_that_no_other_has(folder: SecureFolder) -> None:
    assert len({folder.password(role) for role in ROLES}) == len(ROLES)


def test_the_servers_certificate_is_renewed_before_it_ends_and_the_authority_stays(folder: SecureFolder) -> None:
    before = contents(folder)
    assert folder.prepare(NOW + timedelta(days=370)) == ("the certificate of the servers",)
    after = contents(folder)
    assert after["server.pem"] != before["server.pem"]
    assert after["ca.crt"] == before["ca.crt"]


def test_an_authority_that_ends_is_replaced_with_all_that_it_signed(folder: SecureFolder) -> None:
    before = contents(folder)
    assert len(folder.prepare(NOW + timedelta(days=3640))) == 2
    after = contents(folder)
    assert after["ca.crt"] != before["ca.crt"]
    assert after["server.pem"] != before["server.pem"]


def test_a_new_folder_has_other_keys_and_passwords(folder: SecureFolder, tmp_path: Path) -> None:
    other = SecureFolder(tmp_path / "other")
    other.prepare(NOW)
    assert {other.password(role) for role in ROLES}.isdisjoint({folder.password(role) for role in ROLES})
    assert other.server_pem.read_bytes() != folder.server_pem.read_bytes()


def test_callers_of_connect_have_certificates_that_are_renewed_with_the_authority(folder: SecureFolder) -> None:
    before = folder.client_pem(DEPLOYER).read_bytes()
    assert not folder.client_pem(GENERATORS).exists()
    folder.prepare(NOW + timedelta(days=1))
    assert folder.client_pem(DEPLOYER).read_bytes() == before
    folder.prepare(NOW + timedelta(days=370))
    assert folder.client_pem(DEPLOYER).read_bytes() != before


def test_an_api_has_the_users_that_call_it_and_no_others(folder: SecureFolder) -> None:
    assert set(folder.callers("KSQLDB")) == {"deployer", "console", "services", "watch", "supervisor"}
    values = read_dotenv(role_file(folder.root, GENERATORS))
    assert not [name for name in values if name.startswith(("CONNECT_", "KSQLDB_", "REST_PROXY_", "CONSOLE_"))]


def test_each_role_connects_as_itself_and_the_supervisor_not_to_kafka(folder: SecureFolder) -> None:
    users = {role: read_dotenv(role_file(folder.root, role)).get("KAFKA_SASL_USERNAME") for role in ROLES}
    assert users.pop(SUPERVISOR) is None
    assert all(user == role for role, user in users.items())
    assert read_dotenv(role_file(folder.root, BROKER))["KAFKA_SASL_MECHANISM"] == "PLAIN"


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "passwords.json"])
def test_a_damaged_file_is_named_with_the_way_out(folder: SecureFolder, name: str) -> None:
    (folder.root / name).write_text("damaged")
    with pytest.raises(ComponentError, match=rf"{name} cannot be used; delete the folder"):
        folder.prepare(NOW)
