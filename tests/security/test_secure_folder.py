"""What a secured platform keeps: made once, renewed in time, for its owner alone."""

from __future__ import annotations

import json
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bifrost.dotenv import read_dotenv
from bifrost.errors import ComponentError
from bifrost.security.certificates import is_signed_by, read_key_pair
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


@pytest.mark.parametrize("text", ["null", "5", "[]", '["ab"]', '{"broker": 5}', '{"broker": ""}', '{"broker": null}'])
def test_passwords_of_another_form_are_named_with_the_way_out(folder: SecureFolder, text: str) -> None:
    (folder.root / "passwords.json").write_text(text)
    with pytest.raises(ComponentError, match=r"passwords\.json cannot be used; delete the folder"):
        folder.prepare(NOW)


def test_a_password_that_is_missing_is_an_error_until_the_next_start(folder: SecureFolder) -> None:
    path = folder.root / "passwords.json"
    passwords = json.loads(path.read_text())
    kept = passwords.pop("watch"), passwords["engine"]
    path.write_text(json.dumps(passwords))
    with pytest.raises(ComponentError, match=r"passwords\.json cannot be used"):
        folder.password("watch")
    assert folder.prepare(NOW) == ("the users and their passwords",)
    assert folder.password("watch") != kept[0]
    assert folder.password("engine") == kept[1]


def test_a_key_with_a_password_is_named_with_the_way_out(folder: SecureFolder) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    encryption = serialization.BestAvailableEncryption(b"secret")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (folder.root / "ca.pem").write_bytes(pem)
    with pytest.raises(ComponentError, match=r"ca\.pem cannot be used"):
        folder.prepare(NOW)


@pytest.mark.parametrize("killed_at", range(20))
def test_a_start_that_was_killed_anywhere_is_completed_by_the_next(
    folder: SecureFolder, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """The authority is replaced, and a kill leaves the new one beside what the old one signed."""
    later = NOW + timedelta(days=3640)
    written: list[Path] = []
    replace = Path.replace

    def counted(source: Path, target: Path) -> Path:
        if len(written) == killed_at:
            raise KeyboardInterrupt
        written.append(target)
        return replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted)
        with suppress(KeyboardInterrupt):
            folder.prepare(later)
    folder.prepare(later)
    authority = read_key_pair((folder.root / "ca.pem").read_bytes())
    assert folder.authority_certificate.read_bytes() == authority.certificate_pem
    assert stat.S_IMODE(folder.authority_certificate.stat().st_mode) == 0o644
    assert is_signed_by(read_key_pair(folder.server_pem.read_bytes()), authority)
    assert is_signed_by(read_key_pair(folder.client_pem(DEPLOYER).read_bytes()), authority)


def test_certificates_that_were_made_while_the_clock_was_ahead_are_made_again(folder: SecureFolder) -> None:
    assert len(folder.prepare(NOW - timedelta(days=2))) == 2
    for pem in (folder.root / "ca.pem", folder.server_pem, folder.client_pem(DEPLOYER)):
        assert read_key_pair(pem.read_bytes()).is_valid_for(30, NOW - timedelta(days=2)), pem


def test_a_clock_that_is_set_back_a_little_changes_nothing(folder: SecureFolder) -> None:
    assert folder.prepare(NOW - timedelta(minutes=4)) == ()
