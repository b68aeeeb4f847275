"""The document database and the S3 store of a secured platform: who is refused what, and how that reads."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from bifrost import settings as project_settings
from bifrost.clients.mongodb import seed
from bifrost.clients.s3 import from_settings as s3_client
from bifrost.clients.supervisor import SupervisorClient
from bifrost.default_settings import LOOPBACK
from bifrost.errors import Refused, RemoteError
from bifrost.security.certificates import new_authority
from bifrost.security.roles import CONNECT, DEPLOYER, ROLES
from bifrost.security.rotation_state import RotatedKinds
from bifrost.security.secure_folder import SecureFolder, secure_folder
from bifrost.settings import PROJECT, Settings
from bifrost.supervisor.components import mongodb, s3
from bifrost.supervisor.install import jvm_stack
from bifrost.supervisor.install.java import find_java
from tests.supervisor.conftest import running

SELECTION_MS = 5000
READY_S = 120.0

Use = Callable[[MongoClient[dict[str, Any]]], object]


def read(client: MongoClient[dict[str, Any]]) -> object:
    return client["ace"]["device"].find_one()


def free_port() -> str:
    with socket.create_server((LOOPBACK, 0)) as found:
        return str(found.getsockname()[1])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    ours = project_settings.load()
    values = {
        **{name: value for name, value in ours.values.items() if not name.startswith(("MONGODB_", "S3_", "AWS_"))},
        "BIFROST_HOME": str(tmp_path_factory.mktemp("home")),
        "BIFROST_CACHE": str(ours.cache),
        "BIFROST_TARGET": "embedded",
        "BIFROST_SECURE": "1",
        "BIFROST_PORT_MONGODB": free_port(),
        "BIFROST_PORT_S3": free_port(),
    }
    found = Settings(values, PROJECT)
    for folder in (found.run, found.logs, found.data):
        folder.mkdir(parents=True)
    secure_folder(found).prepare(datetime.now(UTC))
    return Settings(values, PROJECT)


@pytest.fixture(scope="module")
def stores(secured: Settings) -> Iterator[SupervisorClient]:
    java = find_java(secured)
    assert java is not None
    stack = jvm_stack.install(secured, java, lambda _line: None)
    parts = (mongodb.component(secured, java, stack), s3.component(secured, java, stack))
    with running(secured, *parts) as client:
        for part in parts:
            status = client.start(part.name, wait_s=READY_S)
            assert status.is_up, status.cause
        yield client


@pytest.fixture
def folder(secured: Settings, stores: SupervisorClient) -> SecureFolder:
    return secure_folder(secured)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "foreign.crt"
    path.write_bytes(new_authority(datetime.now(UTC)).certificate_pem)
    return path


def use(
    secured: Settings, what: Use, login: tuple[str, str] | None, authority: Path | None, mechanism: str = ""
) -> object:
    """Do something in MongoDB with a login and a trusted authority; without the latter in plain text."""
    options: dict[str, Any] = {"serverSelectionTimeoutMS": SELECTION_MS}
    if authority is not None:
        options |= {"tls": True, "tlsCAFile": str(authority)}
    if login is not None:
        options |= {"username": login[0], "password": login[1], "authSource": "admin"}
    if mechanism:
        options["authMechanism"] = mechanism
    with MongoClient(secured.mongodb_address, **options) as client:
        return what(client)


def test_mongodb_accepts_the_roles_that_call_it_and_refuses_all_others(secured: Settings, folder: SecureFolder) -> None:
    accepted = set()
    for role in ROLES:
        try:
            use(secured, read, (role, folder.password(role)), secured.authority)
            accepted.add(role)
        except OperationFailure as error:
            assert error.code == 18
    assert accepted == {"connect", "deployer", "supervisor"}


@pytest.mark.parametrize("login", [(DEPLOYER, "wrong"), ("stranger", "wrong")])
def test_mongodb_refuses_a_wrong_login(secured: Settings, folder: SecureFolder, login: tuple[str, str]) -> None:
    with pytest.raises(OperationFailure, match=r"Authentication failed\."):
        use(secured, read, login, secured.authority)


def test_mongodb_refuses_clients_without_a_login_and_older_mechanisms(secured: Settings, folder: SecureFolder) -> None:
    with pytest.raises(OperationFailure, match="command find requires authentication"):
        use(secured, read, None, secured.authority)
    with pytest.raises(OperationFailure, match="SCRAM-SHA-1 is not supported; use SCRAM-SHA-256"):
        use(secured, read, (DEPLOYER, folder.password(DEPLOYER)), secured.authority, "SCRAM-SHA-1")


def test_mongodb_refuses_plain_text_and_another_authority_is_not_trusted(
    secured: Settings, folder: SecureFolder, foreign: Path
) -> None:
    with pytest.raises(ServerSelectionTimeoutError, match="connection closed"):
        use(secured, read, None, None)
    with pytest.raises(ServerSelectionTimeoutError, match="certificate verify failed"):
        use(secured, read, (DEPLOYER, folder.password(DEPLOYER)), foreign)


def test_connect_reads_in_mongodb_what_the_commands_write_and_writes_nothing(
    secured: Settings, folder: SecureFolder, tmp_path: Path
) -> None:
    (tmp_path / "ace.people.json").write_text('[{"_id": 1, "name": "Astrid"}]')
    assert seed(secured.local_mongodb(), tmp_path) == ("ace.people",)
    login = (CONNECT, folder.password(CONNECT))
    assert use(secured, lambda client: client["ace"]["people"].find_one(), login, secured.authority) == {
        "_id": 1,
        "name": "Astrid",
    }
    writes: tuple[Use, ...] = (
        lambda client: client["ace"]["people"].insert_one({"_id": 2}),
        lambda client: client["ace"]["people"].delete_many({}),
        lambda client: client["ace"]["people"].aggregate([{"$out": "copy"}]),
        lambda client: client["ace"].drop_collection("people"),
        lambda client: client.drop_database("ace"),
    )
    for write in writes:
        with pytest.raises(OperationFailure, match="connect reads only") as refused:
            use(secured, write, login, secured.authority)
        assert refused.value.code == 13


def test_the_s3_store_refuses_a_wrong_key_plain_text_and_is_not_trusted_by_others(
    secured: Settings, folder: SecureFolder, foreign: Path
) -> None:
    def buckets(**changed: str) -> frozenset[str]:
        client = s3_client(secured.with_values(**changed))
        assert client is not None
        return client.buckets()

    assert buckets() == frozenset()
    with pytest.raises(Refused, match="SignatureDoesNotMatch"):
        buckets(AWS_SECRET_ACCESS_KEY="wrong")
    with pytest.raises(Refused, match="its certificate is not trusted"):
        buckets(S3_CA_LOCATION=str(foreign))
    with pytest.raises(RemoteError):
        buckets(S3_ENDPOINT=secured.local_url("s3").replace("https", "http"))


def test_no_password_is_in_a_log(secured: Settings, folder: SecureFolder) -> None:
    written = "".join(path.read_text(errors="replace") for path in secured.logs.glob("*.log"))
    assert not [role for role in ROLES if folder.password(role) in written]
    assert folder.store_password not in written


def test_a_store_accepts_the_old_and_the_new_password_until_a_rotation_ends(
    secured: Settings, folder: SecureFolder, stores: SupervisorClient
) -> None:
    """The last test: the passwords are others afterwards."""
    old, now = folder.password(DEPLOYER), datetime.now(UTC)
    folder.begin_rotation(now, RotatedKinds(certificates=True, passwords=True))
    state = folder.rotation.state()
    while state is not None:
        folder.write_stage(now)
        for part in (mongodb.NAME, s3.NAME):
            assert stores.restart(part, wait_s=READY_S).is_up
        new = folder.password(DEPLOYER)
        use(secured, read, (DEPLOYER, new), secured.authority)
        if state.stage == "drop":
            with pytest.raises(OperationFailure, match="Authentication failed"):
                use(secured, read, (DEPLOYER, old), secured.authority)
        else:
            use(secured, read, (DEPLOYER, old), secured.authority)
        client = s3_client(secured)
        assert client is not None
        client.buckets()
        state = state.next()
        if state is not None:
            folder.rotation.write(state)
    folder.end_rotation(now)
    assert old != folder.password(DEPLOYER)
