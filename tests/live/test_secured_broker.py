"""Secured Java servers: who is refused what, and how that reads, with this project's rights."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic

from bifrost import settings as project_settings
from bifrost.clients.kafka import KafkaAdmin, consumer, producer
from bifrost.clients.kafka_access import KafkaAccess, Operation, Right
from bifrost.clients.schema_registry import from_settings as registry_client
from bifrost.clients.search import from_settings as search_client
from bifrost.clients.supervisor import SupervisorClient
from bifrost.deployer.declared.files import load
from bifrost.deployer.live.granted_rights import GrantedRights
from bifrost.deployer.plan.declared_rights import declared_rights
from bifrost.deployer.targets import TABLES, for_target
from bifrost.errors import ComponentError, Refused, RemoteError
from bifrost.security.certificates import new_authority
from bifrost.security.rights import platform_rights
from bifrost.security.roles import API_CALLERS, BROKER, CONNECT, DEPLOYER, KAFKA_ROLES, ROLES, SERVICES
from bifrost.security.rotation import continue_rotation
from bifrost.security.rotation_state import RotatedKinds
from bifrost.security.secure_folder import secure_folder
from bifrost.security.supervised_parts import SupervisedParts
from bifrost.settings import PROJECT, Settings
from bifrost.supervisor.launch import start_platform
from bifrost.supervisor.stop import stop_platform
from tests.live.conftest import free_ports
from tests.waiting import eventually

WAIT_S = 60.0
TOPICS = (
    "ratings",
    "pcap",
    "platform_events",
    "asgard.demo.CUSTOMERS",
    "dbhistory.demo",
    "UNHAPPY_PLATINUM_CUSTOMERS",
    "es_sink_orders.dlq",
    "ssid_alert_list_01",
    "_connect-configs",
    "_confluent-ksql-default__command_topic",
    "bifrost-deployments",
    "undeclared",
)
"""One of each kind, with one that no declaration names."""
_OF_OTHERS = ("KAFKA_", "SCHEMA_REGISTRY_", "ELASTICSEARCH_")
CALLERS = {
    "schema_registry": {
        "deployer",
        "console",
        "connect",
        "engine",
        "services",
        "rest-proxy",
        "generators",
        "supervisor",
    },
    "search": {"deployer", "console", "connect", "watch", "supervisor"},
}
"""The roles that each HTTP API accepts; all others are refused."""
PATHS = {"schema_registry": "/subjects", "search": "/_cat/indices?format=json"}
CLIENTS: dict[str, tuple[str, Callable[[Settings], object]]] = {
    "schema_registry": ("SCHEMA_REGISTRY", lambda settings: registry_client(settings, patience_s=0).subjects()),
    "search": ("ELASTICSEARCH", lambda settings: search_client(settings, patience_s=0).templates()),
}
"""The prefix of an API's settings, and a request of this project's client."""
_START = (
    "from bifrost.settings import load; from bifrost.supervisor.launch import start_platform; "
    "start_platform(load(), progress=print, only=('broker', 'schema_registry', 'search'))"
)
_OPERATIONS: dict[Operation, AclOperation] = {
    "read": AclOperation.READ,
    "write": AclOperation.WRITE,
    "delete": AclOperation.DELETE,
    "alter configs": AclOperation.ALTER_CONFIGS,
}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A platform of a secured broker with the rights of this project, of the registry and of search."""
    ours = project_settings.load()
    values = {
        **{name: value for name, value in ours.values.items() if not name.startswith(_OF_OTHERS)},
        **{f"BIFROST_PORT_{part.upper()}": str(port) for part, port in free_ports().items()},
        "BIFROST_HOME": str(tmp_path_factory.mktemp("home")),
        "BIFROST_CACHE": str(ours.cache),
        "BIFROST_TARGET": "embedded",
        "BIFROST_SECURE": "1",
        "BIFROST_JMX": "1",
    }
    command = (sys.executable, "-c", _START)
    done = subprocess.run(command, env=values, cwd=PROJECT, capture_output=True, text=True, timeout=5 * WAIT_S)
    assert not done.returncode, f"{done.stdout}\n{done.stderr}"
    settings = Settings(values, PROJECT)
    try:
        admin = AdminClient(client_of(settings, BROKER))
        for future in admin.create_topics([NewTopic(name, 1, 1) for name in TOPICS]).values():
            try:
                future.result(WAIT_S)
            except KafkaException as error:
                assert error.args[0].name() == "TOPIC_ALREADY_EXISTS", error
        with GrantedRights(KafkaAccess(client_of(settings, DEPLOYER)), platform_rights("default_")).during(declared()):
            yield settings
    finally:
        stop_platform(settings, progress=lambda _line: None)


def declared() -> frozenset[Right]:
    return declared_rights(for_target(load(PROJECT), TABLES["embedded"]))


def client_of(settings: Settings, role: str) -> dict[str, str]:
    return settings.with_values(BIFROST_ROLE=role).kafka_client()


def allowed(rights: frozenset[Right], role: str, topic: str, operation: Operation) -> bool:
    return any(
        right.user == role
        and right.resource == "topic"
        and right.operation == operation
        and (right.name in ("*", topic) or (right.is_prefix and topic.startswith(right.name)))
        for right in rights
    )


@pytest.mark.parametrize("role", KAFKA_ROLES)
def test_the_broker_allows_each_role_what_its_declarations_need_and_nothing_else(secured: Settings, role: str) -> None:
    rights = platform_rights("default_") | declared()
    admin = AdminClient(client_of(secured, role))
    futures = admin.describe_topics(TopicCollection(list(TOPICS)), include_authorized_operations=True)
    for topic, future in futures.items():
        wanted = {operation for operation in _OPERATIONS if allowed(rights, role, topic, operation)}
        try:
            granted = frozenset(future.result(WAIT_S).authorized_operations or ())
        except KafkaException as error:
            assert error.args[0].name() in ("TOPIC_AUTHORIZATION_FAILED", "UNKNOWN_TOPIC_OR_PART"), error
            assert not allowed(rights, role, topic, "describe"), topic
            granted = frozenset()
        assert {name for name, operation in _OPERATIONS.items() if operation in granted} == wanted, topic


def test_a_write_without_the_right_is_refused_and_one_with_it_is_accepted(secured: Settings) -> None:
    outcome: dict[str, str] = {}
    writer = producer(
        client_of(secured, CONNECT),
        delivered=lambda error, message: outcome.update({str(message.topic()): error.name() if error else "accepted"}),
    )
    for topic in ("asgard.demo.CUSTOMERS", "UNHAPPY_PLATINUM_CUSTOMERS", "_confluent-ksql-default__command_topic"):
        writer.produce(topic, b"x")
    assert writer.flush(WAIT_S) == 0
    assert outcome == {
        "asgard.demo.CUSTOMERS": "accepted",
        "UNHAPPY_PLATINUM_CUSTOMERS": "TOPIC_AUTHORIZATION_FAILED",
        "_confluent-ksql-default__command_topic": "TOPIC_AUTHORIZATION_FAILED",
    }


def test_a_service_cannot_take_the_place_of_a_sink_in_its_group(secured: Settings) -> None:
    reader = consumer(client_of(secured, SERVICES), "connect-es_sink_orders")
    reader.subscribe(["UNHAPPY_PLATINUM_CUSTOMERS"])
    try:
        with pytest.raises(KafkaException) as refused:
            answer = reader.poll(WAIT_S)
            if answer is not None and answer.error():
                raise KafkaException(answer.error())
        assert refused.value.args[0].name() == "GROUP_AUTHORIZATION_FAILED"
    finally:
        reader.close()


def test_a_program_without_rights_to_the_cluster_cannot_grant_itself_any(secured: Settings) -> None:
    with pytest.raises(Refused, match="Cluster authorization failed"):
        KafkaAccess(client_of(secured, CONNECT)).grant(frozenset({Right(CONNECT, "topic", "*", "write")}))
    with pytest.raises(Refused, match="Cluster authorization failed"):
        KafkaAccess(client_of(secured, CONNECT)).set_passwords({"stranger": "known"})


@pytest.mark.parametrize(
    "changed",
    [{"sasl.password": "wrong"}, {"sasl.username": "stranger"}, {"sasl.mechanism": "PLAIN"}],
    ids=["wrong password", "unknown user", "mechanism of the broker"],
)
def test_a_wrong_login_is_refused_in_words(secured: Settings, changed: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"(?i)authentication failed"):
        KafkaAdmin({**client_of(secured, DEPLOYER), **changed}, timeout_s=3).topics()


def test_a_broker_of_another_authority_is_not_trusted(secured: Settings, tmp_path: Path) -> None:

    foreign = tmp_path / "foreign.crt"
    foreign.write_bytes(new_authority(datetime.now(UTC)).certificate_pem)
    with pytest.raises(Refused, match=r"is not trusted; KAFKA_SSL_CA_LOCATION"):
        KafkaAdmin({**client_of(secured, DEPLOYER), "ssl.ca.location": str(foreign)}, timeout_s=3).topics()


def test_plain_text_gets_no_answer(secured: Settings) -> None:
    with pytest.raises(RemoteError):
        KafkaAdmin({"bootstrap.servers": secured.endpoints.kafka}, timeout_s=3).topics()


@pytest.mark.parametrize("part", CALLERS)
def test_an_http_api_accepts_the_roles_that_call_it_and_refuses_all_others(secured: Settings, part: str) -> None:
    folder, url = secure_folder(secured), secured.local_url(part) + PATHS[part]
    with requests.Session() as client:
        client.trust_env, client.verify = False, str(folder.authority_certificate)
        found = {
            role: client.get(url, auth=(role, folder.password(role)), timeout=WAIT_S).status_code for role in ROLES
        }
        assert found == {role: 200 if role in CALLERS[part] else 401 for role in ROLES}
        for login in (None, (DEPLOYER, "wrong"), ("stranger", folder.password(DEPLOYER))):
            refused = client.get(url, auth=login, timeout=WAIT_S)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Basic ")
            assert "user or password is missing or wrong" in refused.text.lower()


@pytest.mark.parametrize("part", CALLERS)
def test_registry_and_search_refuse_in_words(secured: Settings, part: str, tmp_path: Path) -> None:
    prefix, call = CLIENTS[part]
    call(secured)
    with pytest.raises(RemoteError, match=rf"check {prefix}_USER and {prefix}_PASSWORD"):
        call(remote(secured, part, password="wrong"))
    with pytest.raises(RemoteError, match=rf"{prefix}_CA_LOCATION names the file with the CA"):
        foreign = tmp_path / "foreign.crt"
        foreign.write_bytes(new_authority(datetime.now(UTC)).certificate_pem)
        call(remote(secured, part, authority=foreign))
    with pytest.raises(RemoteError):
        call(remote(secured, part, scheme="http"))


def remote(
    secured: Settings, part: str, *, password: str = "", authority: Path | None = None, scheme: str = "https"
) -> Settings:
    """The settings of another machine that calls an API of the secured platform as the deployer."""
    prefix, _ = CLIENTS[part]
    folder = secure_folder(secured)
    urls = {f"{name}_URL": "http://127.0.0.1:1" for name in ("CONNECT", "KSQLDB", "SCHEMA_REGISTRY")}
    return Settings(
        {
            **urls,
            "BIFROST_TARGET": "remote",
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            f"{prefix}_URL": secured.local_url(part).replace("https", scheme),
            f"{prefix}_USER": DEPLOYER,
            f"{prefix}_PASSWORD": password or folder.password(DEPLOYER),
            f"{prefix}_CA_LOCATION": str(authority or folder.authority_certificate),
        }
    )


def test_the_agent_in_the_broker_serves_its_figures_to_those_that_may_read_them(secured: Settings) -> None:
    folder = secure_folder(secured)
    url = f"{secured.local_url('jmx_broker')}/metrics"
    with requests.Session() as client:
        client.trust_env, client.verify = False, str(folder.authority_certificate)
        answers = {role: client.get(url, auth=(role, folder.password(role)), timeout=WAIT_S) for role in ROLES}
        assert {role for role, answer in answers.items() if answer.ok} == set(API_CALLERS["METRICS"])
        assert "kafka_topic_messages_in_total{" in answers[DEPLOYER].text
        for login in (None, (DEPLOYER, "wrong"), (DEPLOYER, folder.password("console"))):
            refused = client.get(url, auth=login, timeout=WAIT_S)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Basic ")
            assert "kafka_" not in refused.text
        for other in ("/", "/-/healthy"):
            assert client.get(f"{secured.local_url('jmx_broker')}{other}", timeout=WAIT_S).status_code == 401
    with pytest.raises(requests.ConnectionError):
        requests.get(url.replace("https", "http"), timeout=WAIT_S)


def test_the_ports_behind_registry_and_search_accept_nobody(secured: Settings) -> None:
    """That of the registry's application, and that on which nodes of search would meet."""
    login = (DEPLOYER, secure_folder(secured).password(DEPLOYER))
    inner = {part: [port for port in ports_of(secured, part) if port != secured.port(part)] for part in CALLERS}
    assert all(inner.values())
    for port in inner["schema_registry"]:
        url = f"http://127.0.0.1:{port}/apis/registry/v2/system/info"
        assert requests.get(url, auth=login, timeout=WAIT_S).status_code == 401
    for port in inner["search"]:
        context = ssl.create_default_context(cafile=str(secure_folder(secured).authority_certificate))
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as raw:
            # In TLS 1.3 the server refuses after the client's end of the handshake.
            with (
                pytest.raises(ssl.SSLError, match=r"(?i)alert"),
                context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
            ):
                tls.recv(1)


def ports_of(settings: Settings, part: str) -> list[int]:
    """The ports on which the process of a component listens."""
    process = Path("/proc") / str(SupervisorClient(settings).component(part).pid)
    links = {os.readlink(link) for link in (process / "fd").iterdir()}
    lines = (
        line.split() for table in ("tcp", "tcp6") for line in (process / "net" / table).read_text().splitlines()[1:]
    )
    return [int(row[1].rpartition(":")[2], 16) for row in lines if row[3] == "0A" and f"socket:[{row[9]}]" in links]


def test_no_password_is_in_the_environment_or_the_command_of_a_process_or_in_a_log(secured: Settings) -> None:
    passwords = [client_of(secured, role)["sasl.password"] for role in (BROKER, *KAFKA_ROLES)]
    shown = subprocess.run(("ps", "axeww"), capture_output=True, text=True, timeout=WAIT_S, check=True).stdout
    logs = "".join(path.read_text(errors="replace") for path in secured.logs.glob("*.log"))
    assert not [password for password in passwords if password in shown or password in logs]
    written = secured.run / "broker" / "server.properties"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_running_platform_does_not_become_an_unsecured_one(secured: Settings) -> None:
    with pytest.raises(ComponentError, match="runs with security; `down` first"):
        start_platform(secured.with_values(BIFROST_SECURE="0"), progress=lambda _line: None)


def test_rights_that_nothing_needs_any_more_are_revoked_and_missing_ones_granted(secured: Settings) -> None:
    access = KafkaAccess(client_of(secured, DEPLOYER))
    wanted = platform_rights("default_") | declared()
    left = Right(SERVICES, "topic", "undeclared", "write")
    missing = Right(CONNECT, "topic", "asgard.demo.CUSTOMERS", "write")
    access.grant(frozenset({left}))
    access.revoke(frozenset({missing}))
    # The controller answers before the broker, which lists the rights, has the change.
    eventually(lambda: access.rights(KAFKA_ROLES) == (wanted | {left}) - {missing}, "one right more, one less")
    with GrantedRights(access, platform_rights("default_")).during(declared()):
        eventually(lambda: access.rights(KAFKA_ROLES) == wanted | {left}, "the missing right")
    eventually(lambda: access.rights(KAFKA_ROLES) == wanted, "no right that nothing needs")


def test_the_command_line_uses_the_deployers_account(secured: Settings) -> None:
    command = (sys.executable, "-c", "from bifrost.settings import load; print(load().kafka_client())")
    done = subprocess.run(command, env=secured.values, cwd=PROJECT, capture_output=True, text=True, timeout=WAIT_S)
    assert "'sasl.username': 'deployer'" in done.stdout


def test_a_rotation_keeps_clients_working_and_refuses_the_old_password_and_authority_at_the_end(
    secured: Settings, tmp_path: Path
) -> None:
    old, folder, kept = client_of(secured, DEPLOYER), secure_folder(secured), tmp_path / "old.crt"
    kept.write_bytes(folder.authority_certificate.read_bytes())
    delivered: list[str] = []
    # It does not restart in the first round: it connects again as before.
    writer = producer(
        client_of(secured, CONNECT), delivered=lambda error, _message: delivered.append(str(error or "accepted"))
    )
    rounds: list[str] = []
    folder.begin_rotation(datetime.now(UTC), RotatedKinds(certificates=True, passwords=True))

    class Parts(SupervisedParts):
        def running(self) -> tuple[str, ...]:
            return ("broker",)

        def restart(self, name: str) -> None:
            super().restart(name)
            rounds.append(name)
            # The old password is accepted until the last round.
            if len(rounds) < 3:
                KafkaAdmin({**old, "ssl.ca.location": str(folder.authority_certificate)}).topics()
            if len(rounds) == 1:
                writer.produce("asgard.demo.CUSTOMERS", b"x")
                assert writer.flush(WAIT_S) == 0
            KafkaAdmin(client_of(secured, DEPLOYER)).topics()

    continue_rotation(
        folder,
        Parts(SupervisorClient(secured)),
        lambda: KafkaAccess(client_of(secured, DEPLOYER)),
        lambda: datetime.now(UTC),
        lambda _line: None,
    )

    assert rounds == ["broker"] * 3
    assert delivered == ["accepted"]
    new = client_of(secured, DEPLOYER)
    assert new["sasl.mechanism"] == "SCRAM-SHA-512"
    for changed in ({"sasl.password": old["sasl.password"]}, {"sasl.mechanism": "SCRAM-SHA-256"}):
        with pytest.raises(Refused, match=r"(?i)authentication failed"):
            KafkaAdmin({**new, **changed}, timeout_s=3).topics()
    figures = f"{secured.local_url('jmx_broker')}/metrics"
    authority = str(folder.authority_certificate)
    for password, status in ((new["sasl.password"], 200), (old["sasl.password"], 401)):
        answer = requests.get(figures, auth=(DEPLOYER, password), verify=authority, timeout=WAIT_S)
        assert answer.status_code == status
    with pytest.raises(Refused, match="is not trusted"):
        KafkaAdmin({**new, "ssl.ca.location": str(kept)}, timeout_s=3).topics()
