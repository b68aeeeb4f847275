"""`docker/secure.yml` secures Kafka and the REST APIs of `docker-compose.yml`. Comparing needs no Docker engine."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from bifrost import role_credentials
from bifrost.clients.access import BasicAuth
from bifrost.clients.http import HttpClient, connection_to
from bifrost.default_settings import MOUNTED
from bifrost.deployer.declared.files import load
from bifrost.deployer.targets import config_for_target, substitutions
from bifrost.security.certificates import read_key_pair, server_names
from bifrost.security.container_files import SCHEMA_REGISTRY, registry_rights, write_container_files
from bifrost.security.open_parts import open_parts
from bifrost.security.roles import (
    API_CALLERS,
    BROKER,
    BY_CERTIFICATE,
    CONNECT,
    DEPLOYER,
    ENGINE,
    KAFKA_ROLES,
    REST_PROXY,
    ROLES,
    SUPERVISOR,
)
from bifrost.security.secure_folder import MECHANISM, SecureFolder, secure_folder
from bifrost.settings import PROJECT, Settings

PLAIN_FILE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
SECURED_TEXT = (PROJECT / "docker" / "secure.yml").read_text(encoding="utf-8")
SECURED_FILE: dict[str, Any] = yaml.safe_load(SECURED_TEXT)
CONTAINERS = "${BIFROST_HOME:-./.bifrost}/secure-compose/containers"

CLIENTS = {
    "schema-registry": (SCHEMA_REGISTRY, ("SCHEMA_REGISTRY_KAFKASTORE_",)),
    "connect": (CONNECT, ("CONNECT_", "CONNECT_PRODUCER_", "CONNECT_CONSUMER_", "CONNECT_ADMIN_")),
    "ksqldb-server": (ENGINE, ("KSQL_",)),
    "rest-proxy": (REST_PROXY, ("KAFKA_REST_CLIENT_",)),
}
SERVERS = {
    "schema-registry": ("SCHEMA_REGISTRY", 8081, "SCHEMA_REGISTRY_", "SCHEMA_REGISTRY_OPTS"),
    "ksqldb-server": ("KSQLDB", 8088, "KSQL_", "KSQL_OPTS"),
    "rest-proxy": ("REST_PROXY", 8082, "KAFKA_REST_", "KAFKAREST_OPTS"),
    "connect": ("CONNECT", 8083, "CONNECT_", ""),
}
"""Prefix of the callers' settings, port, prefix of the variables and the variable with options of Java, by server."""
WITH_LOGIN = tuple(name for name, (api, *_) in SERVERS.items() if api not in BY_CERTIFICATE)
REGISTRY_CLIENTS = {
    "connect": (
        CONNECT,
        (
            ("CONNECT_KEY_CONVERTER_", "CONNECT_KEY_CONVERTER_SCHEMA_REGISTRY_"),
            ("CONNECT_VALUE_CONVERTER_", "CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_"),
        ),
    ),
    "ksqldb-server": (ENGINE, (("KSQL_KSQL_SCHEMA_REGISTRY_", "KSQL_KSQL_SCHEMA_REGISTRY_"),)),
    "rest-proxy": (REST_PROXY, (("KAFKA_REST_SCHEMA_REGISTRY_", "KAFKA_REST_SCHEMA_REGISTRY_"),)),
}
"""User and prefixes of the variables with login and with trust store, by client of the registry."""
OPEN = {
    "elasticsearch": "search",
    "mysql": "MySQL",
    "postgres": "PostgreSQL",
    "mongodb": "MongoDB",
    "minio": "S3 store",
}
"""What `up` names as open, by service."""


def compose_settings(home: Path, **values: str) -> Settings:
    return Settings({"BIFROST_TARGET": "compose", "BIFROST_HOME": str(home), **values})


@pytest.fixture
def prepared(tmp_path: Path) -> tuple[Settings, SecureFolder]:
    """Settings of a home whose files are made, and its folder."""
    settings = compose_settings(tmp_path)
    folder = secure_folder(settings)
    folder.prepare(datetime.now(UTC))
    write_container_files(folder, settings.container_files)
    return settings, folder


def merged(base: Any, over: Any) -> Any:
    """Two files as Docker Compose merges them: maps by key, volumes by their target, commands replaced."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    found = {**base}
    for key, value in over.items():
        if key == "volumes" and isinstance(value, list):
            targets = {volume.rsplit(":", 2)[-2] for volume in value}
            found[key] = [each for each in base.get(key, ()) if not targets & set(each.split(":"))] + value
        else:
            found[key] = merged(base.get(key), value)
    return found


SERVICES: dict[str, dict[str, Any]] = merged(PLAIN_FILE, SECURED_FILE)["services"]


def environment(service: str, containers: Path) -> dict[str, str]:
    """The variables of a container: those of the files of variables, then those of the compose files."""
    found: dict[str, str] = {}
    for file in SERVICES[service].get("env_file", ()):
        for line in Path(file.replace(CONTAINERS, str(containers))).read_text().splitlines():
            name, _, value = line.partition("=")
            assert value[0] == value[-1] == "'" and "'" not in value[1:-1], name
            found[name] = value[1:-1]
    return {**found, **{name: str(value) for name, value in SERVICES[service]["environment"].items()}}


def mounted_file(service: str, containers: Path, path: str) -> Path:
    """The file of this machine that a container finds at a path."""
    folder, name = path.rsplit("/", 1)
    assert folder == MOUNTED, path
    volume = next(each for each in SERVICES[service]["volumes"] if f":{MOUNTED}:ro" in each)
    return Path(volume.replace(CONTAINERS, str(containers)).removesuffix(f":{MOUNTED}:ro")) / name


def subjects_trusted_by(store: Path, password: str) -> set[x509.Name]:
    """Whom a trust store trusts."""
    return {
        each.certificate.subject for each in pkcs12.load_pkcs12(store.read_bytes(), password.encode()).additional_certs
    }


def subject_of_authority(folder: SecureFolder) -> x509.Name:
    return folder.read_certificate(folder.root / "ca.pem").certificate.subject


def properties(variables: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The properties that the images of Confluent make of variables."""
    found = {}
    for name, value in variables.items():
        if name.startswith(prefix):
            words = name.removeprefix(prefix).lower().replace("___", "-").replace("__", "\0").replace("_", ".")
            found[words.replace("\0", "_")] = value
    return found


def test_only_known_services_are_changed():
    assert set(SECURED_FILE["services"]) == {"kafka", *CLIENTS, "ksqldb-cli"}
    assert set(SERVICES) == set(PLAIN_FILE["services"])


def test_every_container_that_connects_to_kafka_is_secured():
    uses_kafka = {name for name, service in PLAIN_FILE["services"].items() if "kafka:29092" in str(service)}

    assert uses_kafka == {"kafka", *CLIENTS}


def test_every_listener_of_the_broker_requires_tls_and_a_login(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    broker = properties(environment("kafka", settings.container_files), "KAFKA_")

    protocols = dict(pair.split(":") for pair in broker["listener.security.protocol.map"].split(","))
    listeners = {listener.split("://")[0] for listener in broker["listeners"].split(",")}
    assert protocols == dict.fromkeys(listeners, "SASL_SSL")
    for listener in listeners:
        prefix = f"listener.name.{listener.lower()}"
        mechanisms = broker[f"{prefix}.sasl.enabled.mechanisms"].split(",")
        assert set(mechanisms) == ({"PLAIN"} if listener == "CONTROLLER" else {MECHANISM, "PLAIN"})
        for mechanism in mechanisms:
            assert broker[f"{prefix}.{mechanism.lower()}.sasl.jaas.config"].endswith(";")
        password = folder.password(BROKER)
        own = broker[f"{prefix}.plain.sasl.jaas.config"]
        assert f'username="{BROKER}" password="{password}" user_{BROKER}="{password}";' in own


def test_the_broker_refuses_what_no_right_allows(prepared: tuple[Settings, SecureFolder]):
    broker = properties(environment("kafka", prepared[0].container_files), "KAFKA_")

    assert broker["authorizer.class.name"] == "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    assert broker["allow.everyone.if.no.acl.found"] == "false"
    assert broker["super.users"] == f"User:{BROKER}"


def test_the_image_does_not_look_for_key_stores_of_its_own():
    """It does where an advertised listener is called `SSL` or `SASL_...`."""
    assert not re.search(r"SSL://|SASL_\w*://", SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"])


@pytest.mark.parametrize("service", CLIENTS)
def test_a_client_of_kafka_has_the_login_of_its_role(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    user, prefixes = CLIENTS[service]
    known = folder.root / f"{SCHEMA_REGISTRY}.password"
    password = known.read_text() if user == SCHEMA_REGISTRY else folder.password(user)
    variables = environment(service, settings.container_files)

    for prefix in prefixes:
        client = properties(variables, prefix)
        assert client["security.protocol"] == "SASL_SSL"
        assert client["sasl.mechanism"] == MECHANISM
        assert client["sasl.jaas.config"].endswith(f' required username="{user}" password="{password}";')
        assert client["ssl.truststore.type"] == "PKCS12"
        store = mounted_file(service, settings.container_files, client["ssl.truststore.location"])
        trusted = subjects_trusted_by(store, client["ssl.truststore.password"])
        assert trusted == {subject_of_authority(folder)}


def test_no_client_names_a_listener_without_tls():
    for service in CLIENTS:
        assert "PLAINTEXT" not in str(SERVICES[service]["environment"]), service


@pytest.mark.parametrize("service", SERVERS)
def test_a_server_listens_with_its_own_certificate(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    _, port, prefix, _ = SERVERS[service]
    server = properties(environment(service, settings.container_files), prefix)

    # The health check's listener is on the loopback of the container, which nothing publishes.
    assert server["listeners"].split(",") == [f"https://0.0.0.0:{port}", f"http://127.0.0.1:{10000 + port}"]
    assert SERVICES[service]["ports"][0].rsplit(":", 1)[1] == str(port)
    assert not any(str(10000 + port) in each for each in SERVICES[service]["ports"])
    tls = "listeners.https.ssl" if service == "connect" else "ssl"
    assert server[f"{tls}.keystore.type"] == "PKCS12"
    assert server[f"{tls}.key.password"] == server[f"{tls}.keystore.password"] == folder.store_password
    store = mounted_file(service, settings.container_files, server[f"{tls}.keystore.location"])
    held = pkcs12.load_pkcs12(store.read_bytes(), folder.store_password.encode())
    assert held.key is not None
    assert held.cert is not None
    names = held.cert.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {"localhost", "127.0.0.1", service}
    assert held.cert.certificate.issuer == subject_of_authority(folder)


def test_no_two_servers_share_a_key(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    stores = [settings.container_files / service / "server.p12" for service in SERVERS]
    held = [pkcs12.load_pkcs12(store.read_bytes(), folder.store_password.encode()).cert for store in stores]

    serials = {each.certificate.serial_number for each in held if each is not None}
    assert len(serials | {folder.read_certificate(folder.server_pem).certificate.serial_number}) == len(SERVERS) + 1


@pytest.mark.parametrize("service", WITH_LOGIN)
def test_a_server_accepts_the_users_that_may_call_it(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    api, _, prefix, options = SERVERS[service]
    variables = environment(service, settings.container_files)
    server = properties(variables, prefix)

    assert server["authentication.method"] == "BASIC"
    login = variables[options].removeprefix("-Djava.security.auth.login.config=")
    text = mounted_file(service, settings.container_files, login).read_text()
    section, module, users = re.findall(r'([\w-]+) \{\s+([\w.]+) required\s+file="(.+)";\s+\};', text)[0]
    assert server["authentication.realm"] == section
    assert module == "org.eclipse.jetty.security.jaas.spi.PropertyFileLoginModule"
    group = server["authentication.roles"]
    lines = mounted_file(service, settings.container_files, users).read_text().splitlines()
    assert lines == [f"{role}: {folder.password(role)},{group}" for role in API_CALLERS[api]]


def test_connect_accepts_certificates_of_the_authority_alone(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    listener = properties(environment("connect", settings.container_files), "CONNECT_LISTENERS_HTTPS_")

    assert listener["ssl.client.auth"] == "required"
    store = mounted_file("connect", settings.container_files, listener["ssl.truststore.location"])
    assert subjects_trusted_by(store, listener["ssl.truststore.password"]) == {subject_of_authority(folder)}
    assert SERVICES["connect"]["environment"]["CONNECT_REST_ADVERTISED_LISTENER"] == "https"


@pytest.mark.parametrize("service", REGISTRY_CLIENTS)
def test_a_client_of_the_registry_has_the_login_of_its_role(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    user, prefixes = REGISTRY_CLIENTS[service]
    variables = environment(service, settings.container_files)

    assert user in API_CALLERS["SCHEMA_REGISTRY"]
    for login, store in prefixes:
        assert variables[f"{store}URL"] == "https://schema-registry:8081"
        assert variables[f"{login}BASIC_AUTH_CREDENTIALS_SOURCE"] == "USER_INFO"
        assert variables[f"{login}BASIC_AUTH_USER_INFO"] == f"{user}:{folder.password(user)}"
        assert variables[f"{store}SSL_TRUSTSTORE_TYPE"] == "PKCS12"
        path = mounted_file(service, settings.container_files, variables[f"{store}SSL_TRUSTSTORE_LOCATION"])
        assert subjects_trusted_by(path, variables[f"{store}SSL_TRUSTSTORE_PASSWORD"]) == {subject_of_authority(folder)}


def test_ksqldb_calls_connect_with_the_certificate_of_its_role(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    client = properties(environment("ksqldb-server", settings.container_files), "KSQL_KSQL_CONNECT_")

    assert client["url"] == "https://connect:8083"
    assert client["ssl.endpoint.identification.algorithm"] == "https"
    path = mounted_file("ksqldb-server", settings.container_files, client["ssl.keystore.location"])
    held = pkcs12.load_pkcs12(path.read_bytes(), client["ssl.keystore.password"].encode())
    assert held.cert is not None
    assert held.cert.certificate == folder.read_certificate(folder.client_pem(ENGINE)).certificate
    store = mounted_file("ksqldb-server", settings.container_files, client["ssl.truststore.location"])
    assert subjects_trusted_by(store, client["ssl.truststore.password"]) == {subject_of_authority(folder)}


def test_no_container_calls_a_secured_server_without_tls():
    plain = re.compile(rf"http://({'|'.join(SERVERS)})\b")

    assert not {name for name, service in SERVICES.items() if plain.search(str(service))}


def test_the_converters_of_every_connector_have_the_login_of_the_worker(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    table = substitutions(settings.with_values(GOOGLE_APPLICATION_CREDENTIALS="/key.json"))
    worker = environment("connect", settings.container_files)
    assert worker["SCHEMA_REGISTRY_URL"] == "https://schema-registry:8081"
    assert worker["SCHEMA_REGISTRY_USER_INFO"] == f"{CONNECT}:{folder.password(CONNECT)}"
    seen = 0

    for connector in load(PROJECT).connectors:
        config = config_for_target(connector, table)
        for key in ("key.converter", "value.converter"):
            if f"{key}.schema.registry.url" in connector.config:
                seen += 1
                assert config[f"{key}.schema.registry.url"] == "${env:SCHEMA_REGISTRY_URL}"
                assert config[f"{key}.basic.auth.credentials.source"] == "USER_INFO"
                assert config[f"{key}.basic.auth.user.info"] == "${env:SCHEMA_REGISTRY_USER_INFO}"
                path = config[f"{key}.schema.registry.ssl.truststore.location"]
                store = mounted_file("connect", settings.container_files, path)
                password = config[f"{key}.schema.registry.ssl.truststore.password"]
                assert password == "${env:TRUST_STORE_PASSWORD}"
                assert subjects_trusted_by(store, worker["TRUST_STORE_PASSWORD"]) == {subject_of_authority(folder)}
            else:
                assert f"{key}.basic.auth.user.info" not in config
    assert seen > 10


@pytest.mark.parametrize("service", SERVERS)
def test_the_health_check_of_a_server_reaches_it(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    plain, secured = (each["services"][service]["healthcheck"]["test"] for each in (PLAIN_FILE, SECURED_FILE))
    _, port, prefix, _ = SERVERS[service]

    assert secured[:3] == plain[:3]
    assert int(secured[3]) == port + 10000
    assert f"http://127.0.0.1:{secured[3]}" in SERVICES[service]["environment"][f"{prefix}LISTENERS"]
    assert secured[4] == plain[4]
    if service in WITH_LOGIN:
        header = mounted_file(service, settings.container_files, secured[5]).read_text()
        expected = requests.Request("GET", "http://x", auth=(SUPERVISOR, folder.password(SUPERVISOR))).prepare()
        assert header == f"Authorization: {expected.headers['Authorization']}\n"
    else:
        assert len(secured) == 5


@pytest.mark.parametrize(("login", "code"), [("right", 0), ("wrong", 1), ("missing file", 1), ("", 1)])
def test_the_health_check_sends_the_login_of_a_file(login: str, code: int, tmp_path: Path):
    file = tmp_path / "ready.header"
    if login in ("right", "wrong"):
        file.write_text(f"Authorization: Basic {login}\n")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.headers["Authorization"] == "Basic right" else 401)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        command = ["bash", str(PROJECT / "docker" / "ready.sh"), str(server.server_port), "/subjects"]
        done = subprocess.run([*command, *([str(file)] if login else [])], capture_output=True, timeout=60, check=False)
        server.shutdown()

    assert done.returncode == code


def test_the_command_line_of_ksqldb_asks_for_the_password(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    command = SERVICES["ksqldb-cli"]["entrypoint"]

    assert command[-1] == "https://ksqldb-server:8088"
    assert "--password" not in command
    assert command[command.index("--user") + 1] in API_CALLERS["KSQLDB"]
    path = mounted_file("ksqldb-cli", settings.container_files, command[command.index("--config-file") + 1])
    client = dict(line.split("=", 1) for line in path.read_text().splitlines())
    store = mounted_file("ksqldb-cli", settings.container_files, client["ssl.truststore.location"])
    assert subjects_trusted_by(store, client["ssl.truststore.password"]) == {subject_of_authority(folder)}


@pytest.mark.parametrize("service", ["kafka", *CLIENTS])
def test_every_mounted_file_is_made(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, _ = prepared
    mounted = [each for each in SERVICES[service]["volumes"] if f":{MOUNTED}:ro" in each]
    assert len(mounted) == 1
    folder = Path(mounted[0].replace(CONTAINERS, str(settings.container_files)).removesuffix(f":{MOUNTED}:ro"))

    named = set(re.findall(rf"{MOUNTED}/([\w.-]+)", str(SERVICES[service])))
    assert named
    for name in named:
        # The user of the image reads them; the folder around them keeps others of this machine out.
        assert (folder / name).stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o755
    assert settings.secure_folder.stat().st_mode & 0o777 == 0o700


def test_clients_do_not_get_the_key_of_the_broker(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    key = folder.server_pem.read_bytes()

    assert key == (settings.container_files / "broker" / "server.pem").read_bytes()
    for service in (*CLIENTS, "ksqldb-cli"):
        mounted = {path.name: path.read_bytes() for path in (settings.container_files / service).iterdir()}
        assert {"ca.crt", "trusted.p12"} <= mounted.keys()
        assert not any(b"PRIVATE KEY" in content for content in mounted.values())


def test_the_certificate_is_for_the_names_by_which_the_broker_is_called(prepared: tuple[Settings, SecureFolder]):
    pem = (prepared[0].container_files / "broker" / "server.pem").read_bytes()
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]

    called = {address.split("://")[1].split(":")[0] for address in advertised.split(",")}
    assert called <= set(server_names(read_key_pair(pem)))


def test_the_health_check_logs_in(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    assert f"--command-config {MOUNTED}/client.properties" in SERVICES["kafka"]["healthcheck"]["test"][-1]
    client = (settings.container_files / "broker" / "client.properties").read_text()

    assert f'username="{BROKER}" password="{folder.password(BROKER)}";' in client
    assert "security.protocol=SASL_SSL" in client


def test_the_files_of_the_project_hold_no_password():
    assert not re.search(r"password", re.sub(r"#.*", "", SECURED_TEXT), re.IGNORECASE)
    assert "USER_INFO:" not in SECURED_TEXT


def test_files_stay_the_same_at_the_next_start(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    before = {path: path.read_bytes() for path in settings.container_files.glob("*.env")}
    servers = {path: path.read_bytes() for path in folder.root.glob("servers/*.pem")}

    folder.prepare(datetime.now(UTC))
    write_container_files(folder, settings.container_files)

    assert len(before) == len(CLIENTS) + 1
    assert {path: path.read_bytes() for path in settings.container_files.glob("*.env")} == before
    assert {path: path.read_bytes() for path in folder.root.glob("servers/*.pem")} == servers
    assert len(servers) == len(SERVERS)


def test_a_program_of_this_machine_connects_to_kafka_as_its_role(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    program = compose_settings(settings.home, BIFROST_ROLE="services")

    client = program.kafka_client()

    assert client["security.protocol"] == "SASL_SSL"
    assert client["sasl.username"] == "services"
    assert client["sasl.password"] == folder.password("services")
    assert Path(client["ssl.ca.location"]).read_bytes() == folder.authority_certificate.read_bytes()


def test_open_parts_get_no_password(prepared: tuple[Settings, SecureFolder]):
    settings = compose_settings(prepared[0].home, BIFROST_SECURE="1")

    assert settings.endpoints.search.startswith("http://")
    assert settings.endpoints.kibana.startswith("http://")
    for name in ("ELASTICSEARCH_PASSWORD", "MONGODB_PASSWORD", "CONSOLE_PASSWORD", "METRICS_PASSWORD"):
        assert settings.get(name) == ""


@pytest.mark.parametrize("service", SERVERS)
def test_a_program_of_this_machine_calls_a_server_as_its_role(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    api, port, *_ = SERVERS[service]
    part = role_credentials.PARTS[api]

    assert settings.role == DEPLOYER
    assert DEPLOYER in API_CALLERS[api]
    assert settings.endpoints.as_json()[part] == f"https://127.0.0.1:{port}"
    connection = connection_to(settings, part, settings.local_url(part), api)
    assert connection.tls.ca == str(folder.authority_certificate)
    if api in BY_CERTIFICATE:
        assert connection.tls.certificate == str(folder.client_pem(DEPLOYER))
        assert connection.auth is None
    else:
        assert connection.auth == BasicAuth(DEPLOYER, folder.password(DEPLOYER))


@pytest.mark.parametrize("service", SERVERS)
def test_our_client_reaches_a_server_with_these_files(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    api, *_ = SERVERS[service]
    part = role_credentials.PARTS[api]
    store = (settings.container_files / service / "server.p12").read_bytes()
    key, certificate, _ = pkcs12.load_key_and_certificates(store, folder.store_password.encode())
    assert key is not None
    assert certificate is not None
    pem = settings.home / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if api in BY_CERTIFICATE:
        context.load_verify_locations(settings.container_files / service / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
    seen: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"] or "")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        program = settings.with_values(**{f"BIFROST_PORT_{part.upper()}": str(server.server_port)})
        client = HttpClient(connection_to(program, part, program.endpoints.as_json()[part], api, patience_s=0))
        assert client.get("/") == {}
        client.close()
        server.shutdown()

    login = requests.Request("GET", "http://x", auth=(DEPLOYER, folder.password(DEPLOYER))).prepare()
    assert seen == ["" if api in BY_CERTIFICATE else login.headers["Authorization"]]


def test_another_server_in_the_place_of_a_secured_one_gets_no_password(prepared: tuple[Settings, SecureFolder]):
    settings = compose_settings(prepared[0].home, SCHEMA_REGISTRY_URL="https://other.example")

    assert settings.get("SCHEMA_REGISTRY_PASSWORD") == ""
    assert settings.get("KSQLDB_PASSWORD") != ""


def test_without_security_no_server_has_tls_or_a_login(tmp_path: Path):
    settings = compose_settings(tmp_path)

    assert settings.tls_parts == frozenset()
    assert settings.endpoints.connect.startswith("http://")
    assert settings.get("SCHEMA_REGISTRY_PASSWORD") == ""


def test_a_home_stays_secured_until_it_is_started_without_security(prepared: tuple[Settings, SecureFolder]):
    home = prepared[0].home

    assert compose_settings(home).is_secured
    assert not compose_settings(home, BIFROST_SECURE="0").is_secured
    shutil.rmtree(compose_settings(home).container_files)
    assert not compose_settings(home).is_secured
    assert compose_settings(home, BIFROST_SECURE="1").is_secured


def test_the_embedded_platform_of_the_home_has_files_of_its_own(tmp_path: Path):
    embedded = Settings({"BIFROST_HOME": str(tmp_path)})

    assert embedded.secure_folder != compose_settings(tmp_path).secure_folder
    assert str(compose_settings(tmp_path).container_files) == CONTAINERS.replace(
        "${BIFROST_HOME:-./.bifrost}", str(tmp_path)
    )


def test_every_published_service_is_secured_or_named_as_open(prepared: tuple[Settings, SecureFolder]):
    settings, _ = prepared
    named = ", ".join(open_parts(settings.tls_parts))

    listening = {name for name, service in SERVICES.items() if service.get("ports")}
    assert listening - {"kafka", "kibana"} == {*OPEN, *SERVERS}
    assert all(name in named for name in OPEN.values())
    assert not any(name in named for name in ("Schema Registry", "Kafka Connect", "ksqlDB", "REST proxy"))


def test_the_user_of_the_registry_has_rights_to_its_own_topic_alone():
    assert SCHEMA_REGISTRY not in {*ROLES, *KAFKA_ROLES}
    assert {right.name for right in registry_rights() if right.resource == "topic"} == {"_schemas"}


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_docker_compose_merges_both_files_as_here(prepared: tuple[Settings, SecureFolder], tmp_path: Path):
    settings, _ = prepared
    empty = tmp_path / "env"  # in the place of a developer's own .env
    empty.touch()
    secrets = {f"{name}_{account}PASSWORD": "one" for name in ("MYSQL", "POSTGRES") for account in ("", "APP_")}
    files = [part for name in ("docker-compose.yml", "docker/secure.yml") for part in ("--file", str(PROJECT / name))]
    done = subprocess.run(
        ["docker-compose", *files, "--env-file", str(empty), "config"],
        env={"PATH": os.environ["PATH"], "BIFROST_HOME": str(settings.home), "AWS_SECRET_ACCESS_KEY": "two", **secrets},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    services = yaml.safe_load(done.stdout)["services"]
    for service in ("kafka", *CLIENTS):
        found = services[service]["environment"]
        ours = environment(service, settings.container_files)
        assert set(found) == set(ours)
        for name in (each for each in ours if re.search("SASL|SSL|SECUR|AUTH|LISTENERS$|OPTS|URL$|USER_INFO", each)):
            assert "${" in ours[name] or found[name] == ours[name], name
        check = SERVICES[service]["healthcheck"]
        assert services[service]["healthcheck"]["test"] == check["test"]
        assert services[service]["healthcheck"]["retries"] == check["retries"]
        assert MOUNTED in str(services[service]["volumes"])
        assert len(services[service]["volumes"]) == len(SERVICES[service]["volumes"])
