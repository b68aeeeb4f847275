"""Rotations on a platform of parts with real TLS: at every moment, each part accepts what the others use."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from bifrost.dotenv import read_dotenv
from bifrost.errors import ComponentError
from bifrost.security import private_files
from bifrost.security.roles import (
    API_CALLERS,
    BY_CERTIFICATE,
    CONNECT,
    CONSOLE,
    DEPLOYER,
    ENGINE,
    GENERATORS,
    KAFKA_ROLES,
    REST_PROXY,
    SERVICES,
    WATCH,
)
from bifrost.security.rotation import affected_parts, continue_rotation, write_kafka_users
from bifrost.security.rotation_state import RotatedKinds, RotationState
from bifrost.security.secure_folder import MECHANISM, SECOND_MECHANISM, SecureFolder
from tests.examples import sampled

ROLE_OF = {
    "connect": CONNECT,
    "ksqldb": ENGINE,
    "console": CONSOLE,
    "rest_proxy": REST_PROXY,
    "alerts": SERVICES,
    "platform_watch": WATCH,
    "generator": GENERATORS,
}
API_OF = {
    "mongodb": "MONGODB",
    "connect": "CONNECT",
    "ksqldb": "KSQLDB",
    "rest_proxy": "REST_PROXY",
    "console": "CONSOLE",
}
AGENTS = ("broker", "connect")
"""The parts in which an agent serves figures (BIFROST_JMX)."""
STORES = ("mariadb", "postgres", "s3")
PARTS = ("broker", "mongodb", *ROLE_OF)
"""The parts that a rotation restarts, in starting order."""
BOTH = RotatedKinds(certificates=True, passwords=True)


class Refusal(Exception):
    """A part did not accept another one."""


@dataclass
class Server:
    """What a server has read when it started."""

    tls: ssl.SSLContext
    accepted: Mapping[str, tuple[str, ...]]
    tokens: tuple[str, ...]
    readers: Mapping[str, tuple[str, ...]]
    """The accepted passwords of those who read the figures of an agent."""


@dataclass
class Caller:
    """What a program has read when it started."""

    role: str
    tls: ssl.SSLContext
    tls_with_certificate: ssl.SSLContext
    values: Mapping[str, str]


@dataclass
class Platform:
    """Parts that read the folder when they start, and Kafka's store of users."""

    folder: SecureFolder
    users: dict[tuple[str, str], str] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    restarts: list[str] = field(default_factory=list)
    checks: bool = True
    dies_at: int | None = None

    def start(self, name: str) -> None:
        trusted = self.folder.authority_certificate
        if name == "broker" or name in API_OF:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.folder.server_pem)
            if name == "connect":
                tls.verify_mode = ssl.CERT_REQUIRED
                tls.load_verify_locations(trusted)
            accepted = self.folder.callers(API_OF[name]) if name in API_OF else {}
            readers = self.folder.callers("METRICS") if name in AGENTS else {}
            self.servers[name] = Server(tls, accepted, self.folder.inbox_tokens, readers)
        if name == "broker":
            write_kafka_users(Store(self), self.folder.kafka_passwords(self.folder.rotation.state()))
        elif name in ROLE_OF:
            self.callers[name] = self.caller(ROLE_OF[name])

    def caller(self, role: str) -> Caller:
        trusted = self.folder.authority_certificate
        plain, with_certificate = (ssl.create_default_context(cafile=str(trusted)) for _ in range(2))
        if role in API_CALLERS["CONNECT"]:
            with_certificate.load_cert_chain(self.folder.client_pem(role))
        return Caller(role, plain, with_certificate, read_dotenv(self.folder.role_file(role)))

    def running(self) -> tuple[str, ...]:
        return PARTS

    def restart(self, name: str) -> None:
        if self.dies_at == len(self.restarts):
            raise ComponentError(name, "exit code 1")
        self.restarts.append(name)
        self.start(name)
        self.check()

    def check(self) -> None:
        if self.checks:
            for caller in self.callers.values():
                self.call(caller)

    def call(self, caller: Caller) -> None:
        """Call everything that this program may call."""
        handshake(self.servers["broker"].tls, caller.tls)
        login = caller.values["KAFKA_SASL_USERNAME"], caller.values["KAFKA_SASL_MECHANISM"]
        if self.users.get(login) != caller.values["KAFKA_SASL_PASSWORD"]:
            raise Refusal(f"Kafka refuses {login}")
        for name, api in API_OF.items():
            if caller.role in API_CALLERS[api]:
                by_certificate = api in BY_CERTIFICATE
                handshake(self.servers[name].tls, caller.tls_with_certificate if by_certificate else caller.tls)
                password = caller.values.get(f"{api}_PASSWORD")
                if not by_certificate and password not in self.servers[name].accepted[caller.role]:
                    raise Refusal(f"{name} refuses {caller.role}")
        if caller.role in API_CALLERS["METRICS"]:
            for name in AGENTS:
                if caller.values["METRICS_PASSWORD"] not in self.servers[name].readers[caller.role]:
                    raise Refusal(f"the agent in {name} refuses {caller.role}")
        token = caller.values.get("CONSOLE_INBOX_TOKEN")
        if token is not None and token not in self.servers["console"].tokens:
            raise Refusal("the inbox refuses a token")

    def rotate(self) -> None:
        continue_rotation(self.folder, self, lambda: Store(self), now, lambda _line: None, AGENTS)


class Store:
    """Kafka's users; the connection of the deployer must be accepted."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def set_passwords(self, passwords: Mapping[str, str], mechanism: str) -> None:
        self._platform.users.update({(user, mechanism): password for user, password in passwords.items()})
        self._check()

    def remove_passwords(self, users: Iterable[str], mechanism: str) -> None:
        for user in users:
            self._platform.users.pop((user, mechanism), None)
        self._check()

    def _check(self) -> None:
        if self._platform.callers:
            self._platform.check()
            self._platform.call(self._platform.caller(DEPLOYER))


def now() -> datetime:
    return datetime.now(UTC)


@cache
def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """A whole handshake of TLS in memory, with a byte that the client reads: only then has the server accepted it.

    Those of two parts that have not restarted meanwhile are not repeated.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    is_done = {"server": False, "client": False}
    try:
        while not all(is_done.values()):
            for name, side in (("client", theirs), ("server", ours)):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()
                    is_done[name] = True
        ours.write(b"x")
        assert theirs.read(1) == b"x"
    except ssl.SSLError as error:
        raise Refusal(str(error)) from error


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    made = Platform(SecureFolder(tmp_path / "secure"))
    made.folder.prepare(now())
    for name in PARTS:
        made.start(name)
    made.check()
    return made


def stored_secrets(folder: SecureFolder) -> dict[str, str]:
    return {role: folder.password(role) for role in KAFKA_ROLES}


def test_a_rotation_of_all_restarts_each_part_in_three_rounds_and_no_part_refuses_another(platform: Platform) -> None:
    old, old_passwords = platform.caller(DEPLOYER), stored_secrets(platform.folder)
    (old_token,) = platform.folder.inbox_tokens
    platform.folder.begin_rotation(now(), BOTH)
    platform.rotate()

    assert platform.restarts == [*PARTS] * 3
    assert not platform.folder.rotation.root.exists()
    new_passwords = stored_secrets(platform.folder)
    assert not set(new_passwords.values()) & set(old_passwords.values())
    # Kafka has one password by user, as before, and that is the new one.
    assert platform.users == {(role, MECHANISM): password for role, password in new_passwords.items()}
    assert platform.folder.authority_certificate.read_text().count("BEGIN CERTIFICATE") == 1
    assert old_token not in platform.servers["console"].tokens
    with pytest.raises(Refusal, match="certificate verify failed"):
        platform.call(old)
    # Also one that takes the new certificate of the authority, but keeps its password or its certificate.
    new = platform.caller(DEPLOYER)
    platform.call(new)
    with pytest.raises(Refusal, match="Kafka refuses"):
        platform.call(Caller(DEPLOYER, new.tls, new.tls_with_certificate, old.values))
    stale = ssl.create_default_context(cafile=str(platform.folder.authority_certificate))
    with pytest.raises(Refusal):
        handshake(platform.servers["connect"].tls, stale)


def test_a_client_of_before_keeps_working_until_the_last_round(platform: Platform) -> None:
    outside = platform.caller(DEPLOYER)
    platform.folder.begin_rotation(now(), BOTH)
    count = len(PARTS)
    for rounds in (1, 2):
        platform.dies_at = rounds * count if rounds == 1 else 2 * count - 1
        with pytest.raises(ComponentError):
            platform.rotate()
        # It trusts the old authority alone, so it reaches the servers whose certificate is still the old one.
        reached = {name for name, server in platform.servers.items() if reaches(outside, server)}
        assert reached == ({"broker", *API_OF} if rounds == 1 else set())
        assert platform.users[DEPLOYER, MECHANISM] == outside.values["KAFKA_SASL_PASSWORD"]
        assert all(
            outside.values["KSQLDB_PASSWORD"] in server.accepted[DEPLOYER]
            for name, server in platform.servers.items()
            if name in ("mongodb", "ksqldb", "console", "rest_proxy")
        )


def reaches(caller: Caller, server: Server) -> bool:
    try:
        handshake(server.tls, caller.tls_with_certificate)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(
    "kinds",
    [RotatedKinds(certificates=True, passwords=False), RotatedKinds(certificates=False, passwords=True)],
    ids=str,
)
def test_a_rotation_of_one_kind_leaves_the_other(platform: Platform, kinds: RotatedKinds) -> None:
    passwords, authority = stored_secrets(platform.folder), platform.folder.authority_certificate.read_bytes()
    platform.folder.begin_rotation(now(), kinds)
    platform.rotate()
    assert (stored_secrets(platform.folder) == passwords) is not kinds.passwords
    assert (platform.folder.authority_certificate.read_bytes() == authority) is not kinds.certificates
    assert {mechanism for _, mechanism in platform.users} == {MECHANISM}
    for name in AGENTS:
        assert platform.servers[name].readers == platform.folder.callers("METRICS"), "an old password is still accepted"


def test_passwords_alone_restart_only_what_knows_them() -> None:
    state = RotationState("accept", RotatedKinds(certificates=False, passwords=True), "")
    running = ("broker", *STORES, "mongodb", "connect", "ksqldb", "alerts")
    assert affected_parts(state, running) == ("broker", "mongodb", "ksqldb")
    use = state.next()
    assert use is not None
    assert affected_parts(use, running) == ("broker", "mongodb", "connect", "ksqldb", "alerts")
    drop = use.next()
    assert drop is not None
    assert affected_parts(drop, running) == ("mongodb", "connect", "ksqldb", "alerts")
    # An agent reads at its start whose passwords it accepts.
    assert affected_parts(state, running, AGENTS) == ("broker", "mongodb", "connect", "ksqldb")
    assert affected_parts(drop, running, AGENTS) == ("broker", "mongodb", "connect", "ksqldb", "alerts")


def test_a_store_restarts_once_for_its_certificate() -> None:
    state: RotationState | None = RotationState("accept", RotatedKinds(certificates=True, passwords=True), "")
    found = {}
    while state is not None:
        found[state.stage] = set(STORES) <= set(affected_parts(state, ("broker", *STORES, "connect")))
        state = state.next()
    assert found == {"accept": False, "use": True, "drop": False}


def test_another_rotation_follows_the_first(platform: Platform) -> None:
    platform.checks = False
    for _ in range(2):
        platform.folder.begin_rotation(now(), BOTH)
        platform.rotate()
    platform.checks = True
    platform.check()


@pytest.mark.parametrize("dies_at", sampled((0, 7, 9, 16, 26), every=2))
def test_a_part_that_does_not_start_stops_the_rotation_which_then_continues_with_it(
    platform: Platform, dies_at: int
) -> None:
    platform.folder.begin_rotation(now(), BOTH)
    platform.dies_at = dies_at
    with pytest.raises(ComponentError):
        platform.rotate()
    platform.check()
    platform.dies_at = None
    platform.rotate()
    assert platform.restarts == [*PARTS] * 3
    assert not platform.folder.rotation.root.exists()


@pytest.mark.parametrize("killed_at", sampled(range(4, 110, 15), every=3))
def test_a_rotation_that_was_killed_at_any_write_leaves_parts_that_work_and_can_be_completed(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    written: list[Path] = []
    replace = Path.replace

    def counted(source: Path, target: Path) -> Path:
        if len(written) == killed_at:
            raise KeyboardInterrupt
        written.append(target)
        return replace(source, target)

    platform.checks = False
    with monkeypatch.context() as patch:
        patch.setattr(private_files.Path, "replace", counted)
        with suppress(KeyboardInterrupt):
            platform.folder.begin_rotation(now(), BOTH)
            platform.rotate()
    platform.checks = True
    platform.check()
    # Whatever starts now, as after a crash, works with those that run.
    for name in PARTS:
        platform.start(name)
        platform.check()
    if killed_at % 2:
        platform.rotate()
    else:
        # The platform was stopped, and `up` starts it.
        platform.callers.clear()
        platform.folder.prepare(now())
        for name in PARTS:
            platform.start(name)
    platform.check()
    assert platform.folder.rotation.state() is None
    assert {mechanism for _, mechanism in platform.users} == {MECHANISM}
    assert platform.folder.authority_certificate.read_text().count("BEGIN CERTIFICATE") == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"stage": "later", "done": []}', '{"stage": "use"}'])
def test_a_damaged_state_is_named_with_the_way_out(platform: Platform, text: str) -> None:
    platform.folder.begin_rotation(now(), BOTH)
    (platform.folder.rotation.root / "state.json").write_text(text)
    with pytest.raises(ComponentError, match=r"state\.json cannot be used; stop the platform, delete"):
        platform.rotate()


def test_no_new_secret_is_readable_by_others(platform: Platform) -> None:
    platform.folder.begin_rotation(now(), BOTH)
    modes = {path.stat().st_mode & 0o777 for path in platform.folder.rotation.root.iterdir()}
    assert (modes, platform.folder.rotation.root.stat().st_mode & 0o777) == ({0o600}, 0o700)


def test_during_a_rotation_programs_use_the_second_mechanism_for_the_new_password(platform: Platform) -> None:
    platform.folder.begin_rotation(now(), BOTH)
    platform.dies_at = 1 + len(ROLE_OF) + 3
    with pytest.raises(ComponentError):
        platform.rotate()
    values = read_dotenv(platform.folder.role_file(CONNECT))
    assert values["KAFKA_SASL_MECHANISM"] == SECOND_MECHANISM
    assert platform.users[CONNECT, SECOND_MECHANISM] == values["KAFKA_SASL_PASSWORD"]
    assert platform.users[CONNECT, MECHANISM] != values["KAFKA_SASL_PASSWORD"]
