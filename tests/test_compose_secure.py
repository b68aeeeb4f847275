"""`docker/secure.yml` secures Kafka of `docker-compose.yml` and all its clients. Comparing needs no Docker engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import pkcs12

from bifrost.default_settings import MOUNTED
from bifrost.security.certificates import read_key_pair, server_names
from bifrost.security.container_files import SCHEMA_REGISTRY, registry_rights, write_container_files
from bifrost.security.open_parts import open_parts
from bifrost.security.roles import BROKER, CONNECT, ENGINE, KAFKA_ROLES, REST_PROXY, ROLES
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
OPEN = {
    "schema-registry": "Schema Registry",
    "connect": "Kafka Connect",
    "ksqldb-server": "ksqlDB",
    "rest-proxy": "REST proxy",
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


def properties(variables: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The properties that the images of Confluent make of variables."""
    found = {}
    for name, value in variables.items():
        if name.startswith(prefix):
            words = name.removeprefix(prefix).lower().replace("___", "-").replace("__", "\0").replace("_", ".")
            found[words.replace("\0", "_")] = value
    return found


def test_only_known_services_are_changed():
    assert set(SECURED_FILE["services"]) == {"kafka", *CLIENTS}
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
        store = settings.container_files / "trust" / Path(client["ssl.truststore.location"]).name
        trusted = pkcs12.load_pkcs12(store.read_bytes(), client["ssl.truststore.password"].encode())
        subjects = {each.certificate.subject for each in trusted.additional_certs}
        assert subjects == {folder.read_certificate(folder.root / "ca.pem").certificate.subject}


def test_no_client_names_a_listener_without_tls():
    for service in CLIENTS:
        assert "PLAINTEXT" not in str(SERVICES[service]["environment"]), service


@pytest.mark.parametrize("service", ["kafka", *CLIENTS])
def test_every_mounted_file_is_made(service: str, prepared: tuple[Settings, SecureFolder]):
    settings, _ = prepared
    mounted = [each for each in SERVICES[service]["volumes"] if f":{MOUNTED}:ro" in each]
    assert len(mounted) == 1
    folder = Path(mounted[0].replace(CONTAINERS, str(settings.container_files)).removesuffix(f":{MOUNTED}:ro"))

    named = set(re.findall(rf"{MOUNTED}/([\w.]+)", str(SERVICES[service])))
    assert named
    for name in named:
        # The user of the image reads them; the folder around them keeps others of this machine out.
        assert (folder / name).stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o755
    assert settings.secure_folder.stat().st_mode & 0o777 == 0o700


def test_clients_do_not_get_the_key_of_the_broker(prepared: tuple[Settings, SecureFolder]):
    trust = prepared[0].container_files / "trust"

    assert {path.name for path in trust.iterdir()} == {"ca.crt", "trusted.p12"}
    assert b"PRIVATE KEY" not in (trust / "ca.crt").read_bytes()


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


def test_files_stay_the_same_at_the_next_start(prepared: tuple[Settings, SecureFolder]):
    settings, folder = prepared
    before = {path: path.read_bytes() for path in settings.container_files.glob("*.env")}

    folder.prepare(datetime.now(UTC))
    write_container_files(folder, settings.container_files)

    assert len(before) == len(CLIENTS) + 1
    assert {path: path.read_bytes() for path in settings.container_files.glob("*.env")} == before


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

    assert settings.endpoints.schema_registry.startswith("http://")
    assert settings.get("SCHEMA_REGISTRY_PASSWORD") == settings.get("ELASTICSEARCH_PASSWORD") == ""
    assert settings.get("CONNECT_CERTIFICATE_LOCATION") == ""


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
    assert listening - {"kafka", "kibana"} == set(OPEN)
    assert all(name in named for name in OPEN.values())


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
        for name in (each for each in ours if re.search("SASL|SSL|SECUR", each)):
            assert found[name] == ours[name], name
        assert MOUNTED in str(services[service]["volumes"])
        assert len(services[service]["volumes"]) == len(SERVICES[service]["volumes"])
