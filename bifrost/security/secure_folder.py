"""The folder `<home>/secure`: certificates, passwords, and the settings with which each role connects.

Every file but the certificate of the authority is readable by its owner only. Nothing of it is in the environment of a
process, where other users of the machine may see it, or in a log.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from bifrost.default_settings import AUTHORITY, METRICS_USERS, SERVER_PEM, TRUST_STORE
from bifrost.errors import ComponentError
from bifrost.security import certificates
from bifrost.security.certificates import KeyPair, new_authority
from bifrost.security.console_password import ConsolePassword
from bifrost.security.private_files import write_private
from bifrost.security.roles import (
    API_CALLERS,
    BROKER,
    BY_CERTIFICATE,
    CONNECT,
    DEPLOYER,
    INBOX_SENDERS,
    KAFKA_ROLES,
    ROLES,
)
from bifrost.security.rotation_state import RotatedKinds, RotationFolder, RotationState
from bifrost.settings import Settings, role_file

T = TypeVar("T")
_STORE_PASSWORD = "store-password"  # noqa: S105  a key of the file of passwords
_INBOX_TOKEN = "inbox-token"  # noqa: S105  a key of the same file
_SECRETS = (*ROLES, _STORE_PASSWORD, _INBOX_TOKEN)

Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256"]
MECHANISM: Mechanism = "SCRAM-SHA-512"
SECOND_MECHANISM: Mechanism = "SCRAM-SHA-256"
"""Kafka has one password by user and mechanism: with this one, it accepts a second password during a rotation."""


@dataclass(frozen=True, slots=True)
class SecureFolder:
    """The files of one home's secured platform; `prepare` makes what is missing."""

    root: Path
    names: tuple[str, ...] = certificates.LOCAL_NAMES
    """The host names and addresses by which clients call the servers."""

    @property
    def authority_certificate(self) -> Path:
        """What clients trust (PEM)."""
        return self.root / AUTHORITY

    @property
    def server_pem(self) -> Path:
        """Key and certificates of the servers (PEM)."""
        return self.root / SERVER_PEM

    @property
    def server_store(self) -> Path:
        """The same as PKCS #12; `store_password` opens it."""
        return self.root / "server.p12"

    @property
    def trust_store(self) -> Path:
        """The authority as PKCS #12, for Java; `store_password` opens it."""
        return self.root / TRUST_STORE

    @property
    def console_password(self) -> ConsolePassword:
        """That of people; `prepare` makes none, because a person must see it."""
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

    @property
    def metrics_users(self) -> Path:
        """Who may read `/metrics` of a program without another server: the accepted passwords by user (JSON)."""
        return self.root / METRICS_USERS

    @property
    def rotation(self) -> RotationFolder:
        """The rotation in progress, if there is one."""
        return RotationFolder(self.root / "rotation")

    def password(self, role: str) -> str:
        """The password that a role's programs use.

        Raises:
            ComponentError: the file of passwords is missing or damaged.
        """
        return self._accepted(role, self.rotation.state())[0]

    def mechanism(self, role: str) -> str:
        """The SASL mechanism that a role's programs use."""
        state = self.rotation.state()
        is_second = state is not None and state.kinds.passwords and state.stage == "use"
        return "PLAIN" if role == BROKER else SECOND_MECHANISM if is_second else MECHANISM

    def kafka_passwords(self, state: RotationState | None) -> Mapping[Mechanism, Mapping[str, str]]:
        """The passwords of Kafka's users by mechanism in a state of a rotation; empty for what they no longer need."""
        if state is None or not state.kinds.passwords:
            return {MECHANISM: {role: self._accepted(role, None)[0] for role in KAFKA_ROLES}, SECOND_MECHANISM: {}}
        new = _read_passwords(self.rotation.password_file)
        first = new if state.stage == "drop" else _read_passwords(self._password_file)
        return {
            MECHANISM: {role: first[role] for role in KAFKA_ROLES},
            SECOND_MECHANISM: {role: new[role] for role in KAFKA_ROLES},
        }

    @property
    def store_password(self) -> str:
        """The password of `server_store` and `trust_store`."""
        return self.password(_STORE_PASSWORD)

    @property
    def inbox_tokens(self) -> tuple[str, ...]:
        """The tokens that the inbox's APIs of Slack and Telegram accept."""
        return self._accepted(_INBOX_TOKEN, self.rotation.state())

    def callers(self, api: str) -> dict[str, tuple[str, ...]]:
        """The accepted passwords of the users of a server, by user; more than one while passwords are rotated."""
        state = self.rotation.state()
        return {role: self._accepted(role, state) for role in API_CALLERS[api]}

    def prepare(self, now: datetime) -> tuple[str, ...]:
        """Make the certificates and passwords that are missing, and renew certificates that expire soon.

        It is for a platform that does not run. So it completes a rotation that was interrupted.

        Returns:
            What was made or renewed, in words.

        Raises:
            ComponentError: a file is damaged.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        rotated = ["what an interrupted rotation replaces"] if self._take_over_rotation() else []
        made = [*self._prepare_certificates(now), *self._prepare_passwords()]
        self._write_derived()
        return (*rotated, *made)

    @property
    def passwords_made(self) -> datetime:
        """When the passwords in use were made, or some of them."""
        return datetime.fromtimestamp(self._password_file.stat().st_mtime, UTC)

    def read_certificate(self, path: Path) -> KeyPair:
        """A key and certificate of this folder.

        Raises:
            ComponentError: the file is missing or damaged.
        """
        return self._read(path)

    def certificate_of(self, server: str, names: tuple[str, ...], now: datetime) -> KeyPair:
        """The key and certificate of a server that has its own, made where it is missing or expires soon.

        Args:
            server: its name.
            names: the host names and addresses by which clients call it.
            now: the time.

        Raises:
            ComponentError: a file is damaged.
        """
        path, authority = self.root / "servers" / f"{server}.pem", self._authority()
        if path.exists() and self._is_usable(known := self._read(path), authority, now, names):
            return known
        made = certificates.new_server(authority, now, names)
        write_private(path, made.key_pem + made.certificate_pem)
        return made

    def store_of(self, pair: KeyPair) -> bytes:
        """A key and certificate with that of the authority as PKCS #12; `store_password` opens it."""
        return certificates.pkcs12_store(pair, self._authority(), self.store_password)

    def begin_rotation(self, now: datetime, kinds: RotatedKinds) -> None:
        """Make another authority and other passwords; nothing uses them yet."""
        rotation = self.rotation
        rotation.remove()
        if kinds.certificates:
            new = new_authority(now)
            write_private(rotation.authority_file, new.key_pem + new.certificate_pem)
        if kinds.passwords:
            # Not that of the stores: it is no secret beside them, and a part may start between it and its files.
            renewed = {name: new_password() for name in (*ROLES, _INBOX_TOKEN)}
            _write_passwords(rotation.password_file, renewed)
        began = now.isoformat(timespec="seconds")
        rotation.write(RotationState("accept", kinds, began))

    def write_stage(self, now: datetime) -> None:
        """Write the certificates and settings of the stage that the rotation is in; parts take them when they start.

        Raises:
            ComponentError: a file is damaged.
        """
        self._prepare_certificates(now)
        self._write_derived()

    def end_rotation(self, now: datetime) -> None:
        """Replace the old by the new, and end the rotation.

        Raises:
            ComponentError: a file is damaged.
        """
        self._take_over_rotation()
        self.write_stage(now)

    def _take_over_rotation(self) -> bool:
        """Whether there was a rotation."""
        state = self.rotation.state()
        if state is None:
            self.rotation.remove()  # one that was killed before it began
            return False
        # First the last stage, in which all comes from the new files: a kill in between changes nothing.
        self.rotation.write(replace(state, stage="drop"))
        if state.kinds.certificates:
            write_private(self._authority_file, self.rotation.authority_file.read_bytes())
        if state.kinds.passwords:
            new = _read_passwords(self.rotation.password_file)
            _write_passwords(self._password_file, {**_read_passwords(self._password_file), **new})
        self.rotation.remove()
        return True

    def _prepare_certificates(self, now: datetime) -> list[str]:
        made = []
        if not self._authority_file.exists() or not self._authority().is_valid_for(certificates.RENEW_DAYS, now):
            new = new_authority(now)
            write_private(self._authority_file, new.key_pem + new.certificate_pem)
            made.append(f"a certificate authority, {self.authority_certificate}")
        authority = self._authority()
        if not self.server_pem.exists() or not self._is_usable(self._read(self.server_pem), authority, now, self.names):
            self._write_server(certificates.new_server(authority, now, self.names))
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

    def _is_usable(self, server: KeyPair, authority: KeyPair, now: datetime, names: tuple[str, ...]) -> bool:
        return (
            certificates.is_signed_by(server, authority)
            and certificates.server_names(server) == names
            and server.is_valid_for(certificates.RENEW_DAYS, now)
        )

    def _prepare_passwords(self) -> list[str]:
        known = _read_passwords(self._password_file) if self._password_file.exists() else {}
        missing = [name for name in _SECRETS if name not in known]
        if missing:
            _write_passwords(self._password_file, {**known, **{name: new_password() for name in missing}})
        return ["the users and their passwords"] if missing else []

    def _write_derived(self) -> None:
        """Write what follows from keys and passwords, always: a kill may have left the files of earlier ones."""
        server, authority = self._read(self.server_pem), self._authority()
        trusted = self._trusted()
        write_private(self.authority_certificate, b"".join(each.certificate_pem for each in trusted), mode=0o644)
        write_private(self.server_store, certificates.pkcs12_store(server, authority, self.store_password))
        write_private(self.trust_store, certificates.trust_store(trusted, self.store_password))
        for role in ROLES:
            lines = (f"{name}={value}\n" for name, value in self._role_settings(role).items())
            write_private(self.role_file(role), "".join(lines).encode())
        write_private(self.password_file(DEPLOYER), self.password(DEPLOYER).encode())
        write_private(self.metrics_users, json.dumps(self.callers("METRICS")).encode())

    def _role_settings(self, role: str) -> Mapping[str, str]:
        password, authority = self.password(role), str(self.authority_certificate)
        found = {}
        if role in KAFKA_ROLES or role == BROKER:
            found = {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_MECHANISM": self.mechanism(role),
                "KAFKA_SASL_USERNAME": role,
                "KAFKA_SASL_PASSWORD": password,
                "KAFKA_SSL_CA_LOCATION": authority,
            }
        for api, callers in API_CALLERS.items():
            if role in callers and api in BY_CERTIFICATE:
                found |= {f"{api}_CERTIFICATE_LOCATION": str(self.client_pem(role)), f"{api}_CA_LOCATION": authority}
            elif role in callers:
                found |= {f"{api}_USER": role, f"{api}_PASSWORD": password, f"{api}_CA_LOCATION": authority}
        if role == CONNECT:
            # For clients in connectors that take no certificate as a PEM file.
            found["CONNECT_TRUST_STORE_PASSWORD"] = self.store_password
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
        """The one that signs."""
        state = self.rotation.state()
        is_new = state is not None and state.kinds.certificates and state.stage != "accept"
        return self._read(self.rotation.authority_file if is_new else self._authority_file)

    def _trusted(self) -> tuple[KeyPair, ...]:
        """Whom clients and servers trust, the signing one first."""
        state = self.rotation.state()
        if state is None or not state.kinds.certificates or state.stage == "drop":
            return (self._authority(),)
        both = (self._read(self._authority_file), self._read(self.rotation.authority_file))
        return both if state.stage == "accept" else both[::-1]

    def _accepted(self, name: str, state: RotationState | None) -> tuple[str, ...]:
        """The passwords that are accepted, the one in use first."""
        path = self._password_file
        found = _undamaged(path, lambda: _passwords_in(path.read_text())[name])
        if state is None or not state.kinds.passwords:
            return (found,)
        new = _read_passwords(self.rotation.password_file).get(name, found)
        return {"accept": (found, new), "use": (new, found), "drop": (new,)}[state.stage]

    def _read(self, path: Path) -> KeyPair:
        return _undamaged(path, lambda: certificates.read_key_pair(path.read_bytes()))

    def _write_server(self, server: KeyPair) -> None:
        chain = server.certificate_pem + self._authority().certificate_pem
        write_private(self.server_pem, server.key_pem + chain)


def secure_folder(settings: Settings) -> SecureFolder:
    """The folder of a home and target. On compose, other containers call the broker by the name of its service."""
    names = (*certificates.LOCAL_NAMES, "kafka") if settings.target == "compose" else certificates.LOCAL_NAMES
    return SecureFolder(settings.secure_folder, names)


def new_password() -> str:
    """A random password of letters, digits, `-` and `_`, which needs no escaping in any file."""
    return secrets.token_urlsafe(24)


def _read_passwords(path: Path) -> dict[str, str]:
    return _undamaged(path, lambda: _passwords_in(path.read_text()))


def _write_passwords(path: Path, passwords: Mapping[str, str]) -> None:
    write_private(path, json.dumps(passwords, indent=1).encode())


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
