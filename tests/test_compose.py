"""`docker-compose.yml` agrees with settings, targets and connectors. Comparing needs no Docker engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bifrost.default_settings import PORTS
from bifrost.settings import PROJECT, Settings

FILE = PROJECT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONNECTORS = {path.stem: json.loads(path.read_text()) for path in sorted((PROJECT / "connectors").rglob("*.json"))}
DOCKERFILE = (PROJECT / "docker" / "connect" / "Dockerfile").read_text()
DEBEZIUM = (PROJECT / "docker" / "connect" / "pom.xml").read_text()

PART_OF = {
    "kafka": "kafka",
    "schema-registry": "schema_registry",
    "mysql": "mysql",
    "postgres": "postgres",
    "mongodb": "mongodb",
    "connect": "connect",
    "ksqldb-server": "ksqldb",
    "elasticsearch": "search",
    "kibana": "console",
    "minio": "s3",
    "rest-proxy": "rest_proxy",
}
PLUGINS = {
    "io.debezium.connector.mysql.": "<artifactId>debezium-connector-mysql</artifactId>",
    "io.debezium.connector.mongodb.": "<artifactId>debezium-connector-mongodb</artifactId>",
    "io.debezium.connector.postgresql.": "<artifactId>debezium-connector-postgres</artifactId>",
    "io.debezium.connector.jdbc.": "<artifactId>debezium-connector-jdbc</artifactId>",
    "io.confluent.connect.jdbc.": "confluentinc/kafka-connect-jdbc:",
    "io.confluent.connect.elasticsearch.": "confluentinc/kafka-connect-elasticsearch:",
    "io.confluent.connect.s3.": "confluentinc/kafka-connect-s3:",
    "com.wepay.kafka.connect.bigquery.": "wepay/kafka-connect-bigquery:",
    # Our plugins replace the vendor's: see the target's table.
    "com.github.jcustenborder.kafka.connect.spooldir.": "spooldir-csv-source",
    "com.github.jcustenborder.kafka.connect.syslog.": "syslog-source",
}
"""The text of the image's files that installs the plugin, by the prefix of its classes."""

SHIPPED = ("org.apache.kafka.connect.", "io.confluent.connect.avro.")
"""Packages that the worker's base image contains."""

PLATFORM_VERSION = "8.3.1"


def environment(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[service].get("environment", {}).items()}


@pytest.mark.parametrize(("service", "part"), PART_OF.items())
def test_a_part_listens_only_on_its_port_of_127_0_0_1(service: str, part: str):
    published, *further = SERVICES[service]["ports"]

    assert published.startswith(f"127.0.0.1:${{BIFROST_PORT_{part.upper()}:-{PORTS[part]}}}:")
    assert all(port.startswith("127.0.0.1:") for port in further)


def test_syslog_is_received_at_the_configured_address():
    _, *further = SERVICES["connect"]["ports"]
    inside = environment("connect")["SYSLOG_PORT"]

    assert further == [
        f"127.0.0.1:${{BIFROST_PORT_SYSLOG:-{PORTS['syslog']}}}:{inside}/{way}" for way in ("tcp", "udp")
    ]


def test_no_other_port_is_published():
    assert {name for name, service in SERVICES.items() if service.get("ports")} == set(PART_OF)


def test_the_broker_advertises_the_published_address():
    assert (
        f"OUTSIDE://127.0.0.1:${{BIFROST_PORT_KAFKA:-{PORTS['kafka']}}}"
        in (environment("kafka")["KAFKA_ADVERTISED_LISTENERS"])
    )


def test_the_endpoints_of_the_target_are_published():
    endpoints = Settings({"BIFROST_TARGET": "compose", "BIFROST_HOME": "/nonexistent"}).endpoints

    assert endpoints.kafka == f"127.0.0.1:{PORTS['kafka']}"
    assert endpoints.connect == f"http://127.0.0.1:{PORTS['connect']}"
    assert endpoints.schema_registry == f"http://127.0.0.1:{PORTS['schema_registry']}"
    assert endpoints.ksqldb == f"http://127.0.0.1:{PORTS['ksqldb']}"
    assert endpoints.search == f"http://127.0.0.1:{PORTS['search']}"
    assert endpoints.s3 == f"http://127.0.0.1:{PORTS['s3']}"
    assert endpoints.kibana == f"http://127.0.0.1:{PORTS['console']}"


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned(service: str):
    image = SERVICES[service]["image"]

    # PostgreSQL's releases have two numbers.
    assert re.search(r":(\d+\.\d+\.\d+|\d+\.\d+$|RELEASE\.\d{4}-\d{2}-\d{2}T[\d-]+Z)", image)
    assert not image.startswith("confluentinc/") or image.endswith(f":{PLATFORM_VERSION}")


@pytest.mark.parametrize("service", PART_OF)
def test_parts_have_a_health_check_and_wait_for_healthy_parts(service: str):
    assert SERVICES[service]["healthcheck"]["test"]
    for condition in SERVICES[service].get("depends_on", {}).values():
        assert condition == {"condition": "service_healthy"}


def test_a_part_starts_after_the_parts_that_it_calls():
    needs = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}

    assert needs["schema-registry"] >= {"kafka"}
    assert needs["connect"] >= {"kafka", "schema-registry", "mysql", "postgres", "elasticsearch", "minio"}
    assert needs["kibana"] >= {"elasticsearch"}
    assert needs["rest-proxy"] >= {"kafka", "schema-registry"}
    assert needs["ksqldb-server"] >= {"kafka", "schema-registry", "connect"}


def test_the_file_contains_no_secret():
    for name in SERVICES:
        for variable, value in environment(name).items():
            if re.search("PASSWORD$", variable) and "RANDOM" not in variable:
                assert re.fullmatch(r"\$\{((MYSQL|POSTGRES)_(APP_)?PASSWORD|AWS_SECRET_ACCESS_KEY):\?.+\}", value), (
                    f"{name}: {variable}"
                )


@pytest.mark.parametrize("connector", CONNECTORS)
def test_the_worker_has_every_variable_of_the_connectors(connector: str):
    wanted = set(re.findall(r"\$\{env:(\w+)\}", json.dumps(CONNECTORS[connector])))

    assert wanted - set(environment("connect")) == set()


def test_variables_of_the_connectors_name_the_services():
    worker = environment("connect")

    assert worker["MYSQL_HOST"] in SERVICES
    assert worker["POSTGRES_HOST"] in SERVICES
    assert worker["MONGODB_CONNECTION_STRING"] == "mongodb://mongodb:27017/?replicaSet=rs0"
    assert "host: 'mongodb:27017'" in SERVICES["mongodb"]["healthcheck"]["test"][-1]
    assert worker["KAFKA_BOOTSTRAP_SERVERS"] == worker["CONNECT_BOOTSTRAP_SERVERS"] == "kafka:29092"
    assert worker["SCHEMA_REGISTRY_URL"] == worker["CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL"]
    assert "INSIDE://kafka:29092" in environment("kafka")["KAFKA_ADVERTISED_LISTENERS"]


def test_kibana_and_elasticsearch_have_one_version_whose_vega_fits_the_panels():
    versions = {SERVICES[name]["image"].rpartition(":")[2] for name in ("elasticsearch", "kibana")}

    assert len(versions) == 1
    assert environment("kibana")["ELASTICSEARCH_HOSTS"] == "http://elasticsearch:9200"
    for path in (PROJECT / "dashboards").glob("*/*.json"):
        # Kibana 8 draws Vega 5 and Vega-Lite 5.
        assert re.search(r"/v5\.json$", json.loads(path.read_text()).get("$schema", "/v5.json")), path


def test_the_store_and_the_worker_share_an_account():
    store = environment("minio")

    assert store["MINIO_ROOT_USER"] == "${AWS_ACCESS_KEY_ID:-bifrost}"
    assert "AWS_SECRET_ACCESS_KEY" in store["MINIO_ROOT_PASSWORD"]


def test_placeholders_are_resolved_by_the_worker():
    worker = environment("connect")

    for name in worker["CONNECT_CONFIG_PROVIDERS"].split(","):
        provider = worker[f"CONNECT_CONFIG_PROVIDERS_{name.upper()}_CLASS"]
        assert provider.startswith("org.apache.kafka.common.config.provider.")
    assert "env" in worker["CONNECT_CONFIG_PROVIDERS"].split(",")


@pytest.mark.parametrize("connector", CONNECTORS)
def test_the_image_installs_every_class_that_the_connectors_name(connector: str):
    config = CONNECTORS[connector].get("config", CONNECTORS[connector])
    named = {
        value
        for key, value in config.items()
        if re.search(r"(^connector\.class|converter|\.type)$", key) and "." in str(value)
    }
    assert named
    for name in named:
        source = next((part for prefix, part in PLUGINS.items() if name.startswith(prefix)), None)
        # Debezium's transforms come with each of its connectors.
        is_debezium_transform = name.startswith("io.debezium.transforms.") and "debezium" in DEBEZIUM
        assert name.startswith(SHIPPED) or is_debezium_transform or (source and source in DOCKERFILE + DEBEZIUM), name


def test_plugins_are_pinned_by_version():
    versions = re.findall(r"<version>(.*\.Final)</version>", DEBEZIUM)

    assert len(versions) == DEBEZIUM.count("<artifactItem>") == 4
    assert all(re.fullmatch(r"\d+\.\d+\.\d+\.Final", version) for version in versions)
    assert "COPY docker/connect/pom.xml" in DOCKERFILE
    assert "!docker/connect/pom.xml" in (PROJECT / ".dockerignore").read_text().splitlines()
    assert all(re.search(r":\d+\.\d+(\.\d+)?", line) for line in re.findall(r"^FROM .*", DOCKERFILE, flags=re.M))
    from_hub = re.findall(r"confluent-hub install .*", DOCKERFILE)
    assert len(from_hub) == 4
    assert all(re.search(r" \w+/[\w-]+:\d+\.\d+\.\d+( \\)?$", line) for line in from_hub), from_hub


def test_the_elasticsearch_sink_fits_the_search_engine():
    """Version 16 of the sink writes to Elasticsearch 8.19 and newer; Kibana is of the engine's own version."""
    engine, kibana = (SERVICES[name]["image"].rpartition(":")[2] for name in ("elasticsearch", "kibana"))

    assert engine == kibana
    assert tuple(map(int, engine.split(".")[:2])) >= (8, 19)


@pytest.mark.parametrize("database", ["mysql", "postgres"])
def test_a_database_loads_every_file_of_its_data_folder_after_creating_its_accounts(database: str):
    mounted = [volume.split(":") for volume in SERVICES[database]["volumes"] if volume.startswith("./")]
    sources = {source for source, *_ in mounted}
    order = [target.rpartition("/")[2] for _, target, *_ in mounted]

    assert {f"./data/{database}/{path.name}" for path in (PROJECT / "data" / database).glob("*.sql")} <= sources
    assert order == sorted(order)
    assert all((PROJECT / source).is_file() for source in sources)


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_docker_compose_accepts_it(tmp_path: Path):
    databases = {f"{name}_{account}PASSWORD": "one" for name in ("MYSQL", "POSTGRES") for account in ("", "APP_")}
    secrets = {**databases, "AWS_SECRET_ACCESS_KEY": "three-three"}
    accepted = _config(secrets, tmp_path)
    assert accepted.returncode == 0, accepted.stderr
    assert "127.0.0.1:9092" in accepted.stdout

    refused = _config({}, tmp_path)
    assert refused.returncode != 0
    assert "set it in .env" in refused.stderr


def _config(variables: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    empty = folder / "env"  # in the place of a developer's own .env
    empty.touch()
    command = ["docker-compose", "--file", str(FILE), "--env-file", str(empty), "config"]
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, env={**path, **variables}, capture_output=True, text=True, timeout=60, check=False)
