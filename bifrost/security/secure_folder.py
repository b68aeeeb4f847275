"""The folder `<home>/secure`: certificates, passwords, and the settings with which each role connects.

Every file but the certificate of the authority is readable by its owner only. Nothing of it is in the environment of a
process, where other users of the machine may see it, or in a log.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bifrost.errors import ComponentError
from bifrost.security import certificates
from bifrost.security.certificates import KeyPair
from bifrost.security.console_password import ConsolePassword
from bifrost.security.private_files import write_private
from bifrost.security.roles import API_CALLERS, BROKER, BY_CERTIFICATE, DEPLOYER, INBOX_SENDERS, KAFKA_ROLES, ROLES
from bifrost.settings import Settings, role_file

T = TypeVar("T")
_STORE_PASSWORD = "store-password"  # noqa: S105  a key of the file of passwords
_INBOX_TOKEN = "inbox-token"  # noqa: S105  a key of the same file


@dataclass(frozen=True, slots=True)
class SecureFolder:
    """The files of one home's secured platform; `prepare` makes what is missing."""

    root: Path

    @property
    def authority_certificate(self) -> Path:
        """What clients trust (PEM)."""
        return self.root / "ca.crt"

    @property
    def server_pem(self) -> Path:
        """Key and certificates of the servers (PEM)."""
        return self.root / "server.pem"

    @property
    def server_store(self) -> Path:
        """The same as PKCS #12; `store_password` opens it."""
        return self.root / "server.p12"

    @property
    def trust_store(self) -> Path:
        """The authority as PKCS #12, for Java; `store_password` opens it."""
        return self.root / "trusted.p12"

    @property
    def console_password(self) -> ConsolePassword:
        """That of people; `prepare` makes none, since somebody must see it."""
        return ConsolePassword(self.root / "console-password.json")

    def client_pem(self, role: str) -> Path:
        """Key and certificate of a role that calls an API of `BY_CERTIFICATE` (PEM)."""
        return self.root / "clients" / f"{role}.pem"

    def role_file(self, role: str) -> Path:
        """The settings with which a role connects, with its password."""
        return role_file(self.root, role)

    def password_file(self, role: str) -> Path:
        """The password of a role alone, for programs that read it from a file, such as Prometheus."""
        return self.role_file(role).with_suffix(".password")

    def password(self, role: str) -> str:
        """The password of a role's user.

        Raises:
            ComponentError: the file of passwords is missing or damaged.
        """
        return _undamaged(self._password_file, lambda: self._passwords()[role])

    @property
    def store_password(self) -> str:
        """The password of `server_store`."""
        return self.password(_STORE_PASSWORD)

    @property
    def inbox_tokens(self) -> tuple[str, ...]:
        """The tokens that the inbox's APIs of Slack and Telegram accept."""
        return (self.password(_INBOX_TOKEN),)

    def callers(self, api: str) -> dict[str, tuple[str, ...]]:
        """The accepted passwords of the users of an HTTP API, by user; more than one while passwords are rotated."""
        return {role: (self.password(role),) for role in API_CALLERS[api]}

    def prepare(self, now: datetime) -> tuple[str, ...]:
        """Make the certificates and passwords that are missing, and renew certificates that expire soon.

        Returns:
            What was made or renewed, in words.

        Raises:
            ComponentError: a file is damaged.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        made = [*self._prepare_certificates(now), *self._prepare_passwords()]
        self._write_derived()
        return tuple(made)

    def _prepare_certificates(self, now: datetime) -> list[str]:
        made = []
        if not self._authority_file.exists() or not self._authority().is_valid_for(certificates.RENEW_DAYS, now):
            new = certificates.new_authority(now)
            write_private(self._authority_file, new.key_pem + new.certificate_pem)
            made.append(f"a certificate authority, {self.authority_certificate}")
        authority = self._authority()
        if not self.server_pem.exists() or not self._is_usable(self._read(self.server_pem), authority, now):
            self._write_server(certificates.new_server(authority, now))
            made.append("the certificate of the servers")
        self._prepare_clients(now)
        return made

    def _prepare_clients(self, now: datetime) -> None:
        authority = self._authority()
        for role in {role for api in BY_CERTIFICATE for role in API_CALLERS[api]}:
            path = self.client_pem(role)
            known = self._read(path) if path.exists() else None
            if (
                known is None
                or not certificates.is_signed_by(known, authority)
                or not known.is_valid_for(certificates.RENEW_DAYS, now)
            ):
                made = certificates.new_client(authority, now, role)
                write_private(path, made.key_pem + made.certificate_pem)

    def _is_usable(self, server: KeyPair, authority: KeyPair, now: datetime) -> bool:
        return (
            certificates.is_signed_by(server, authority)
            and certificates.server_names(server) == certificates.LOCAL_NAMES
            and server.is_valid_for(certificates.RENEW_DAYS, now)
        )

    def _prepare_passwords(self) -> list[str]:
        known = self._passwords() if self._password_file.exists() else {}
        missing = [name for name in (*ROLES, _STORE_PASSWORD, _INBOX_TOKEN) if name not in known]
        if missing:
            self._write_passwords({**known, **{name: new_password() for name in missing}})
        return ["the users and their passwords"] if missing else []

    def _write_derived(self) -> None:
        """Write what follows from keys and passwords, always: a kill may have left the files of earlier ones."""
        server, authority = self._read(self.server_pem), self._authority()
        write_private(self.authority_certificate, authority.certificate_pem, mode=0o644)
        write_private(self.server_store, certificates.pkcs12_store(server, authority, self.store_password))
        write_private(self.trust_store, certificates.trust_store(authority, self.store_password))
        for role in ROLES:
            lines = (f"{name}={value}\n" for name, value in self._role_settings(role).items())
            write_private(self.role_file(role), "".join(lines).encode())
        write_private(self.password_file(DEPLOYER), self.password(DEPLOYER).encode())

    def _role_settings(self, role: str) -> Mapping[str, str]:
        password, authority = self.password(role), str(self.authority_certificate)
        found = {}
        if role in KAFKA_ROLES or role == BROKER:
            found = {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_MECHANISM": "PLAIN" if role == BROKER else "SCRAM-SHA-512",
                "KAFKA_SASL_USERNAME": role,
                "KAFKA_SASL_PASSWORD": password,
                "KAFKA_SSL_CA_LOCATION": authority,
            }
        for api, callers in API_CALLERS.items():
            if role in callers and api in BY_CERTIFICATE:
                found |= {f"{api}_CERTIFICATE_LOCATION": str(self.client_pem(role)), f"{api}_CA_LOCATION": authority}
            elif role in callers:
                found |= {f"{api}_USER": role, f"{api}_PASSWORD": password, f"{api}_CA_LOCATION": authority}
        if role in INBOX_SENDERS:
            found["CONSOLE_INBOX_TOKEN"] = self.password(_INBOX_TOKEN)
        return found

    @property
    def _authority_file(self) -> Path:
        return self.root / "ca.pem"

    @property
    def _password_file(self) -> Path:
        return self.root / "passwords.json"

    def _authority(self) -> KeyPair:
        return self._read(self._authority_file)

    def _read(self, path: Path) -> KeyPair:
        return _undamaged(path, lambda: certificates.read_key_pair(path.read_bytes()))

    def _passwords(self) -> dict[str, str]:
        return _undamaged(self._password_file, lambda: _passwords_in(self._password_file.read_text()))

    def _write_server(self, server: KeyPair) -> None:
        chain = server.certificate_pem + self._authority().certificate_pem
        write_private(self.server_pem, server.key_pem + chain)

    def _write_passwords(self, passwords: Mapping[str, str]) -> None:
        write_private(self._password_file, json.dumps(passwords, indent=1).encode())


def secure_folder(settings: Settings) -> SecureFolder:
    """The folder of a home."""
    return SecureFolder(settings.secure_folder)


def new_password() -> str:
    """A random password of letters, digits, `-` and `_`, which needs no escaping in any file."""
    return secrets.token_urlsafe(24)


def _passwords_in(text: str) -> dict[str, str]:
    found = json.loads(text)
    if not isinstance(found, dict) or not all(isinstance(value, str) and value for value in found.values()):
        raise ValueError("not a password by user")
    return found


def _undamaged(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except (OSError, ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        problem = f"{path} cannot be used; delete the folder {path.parent}, and `up` makes other certificates and users"
        raise ComponentError("security", problem) from error
