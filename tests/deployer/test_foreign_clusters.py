"""Clusters that others run: the example environments configure every client, and connectors suit the workers."""

import re
import shutil
from base64 import b64encode

import pytest

from bifrost import settings
from bifrost.clients import connect, ksqldb, schema_registry
from bifrost.deployer.declared.files import load
from bifrost.deployer.targets import PLACEHOLDER, for_target, substitutions
from bifrost.settings import PROJECT
from tests.fakes.http_server import Answer, FakeServer, running

EXAMPLES = sorted(path.name.removesuffix(".env.example") for path in (PROJECT / "environments").glob("*.env.example"))
HISTORY = "schema.history.internal"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """The settings of an example that was copied without its suffix."""
    for name in ("BIFROST_ENV", "BIFROST_TARGET", "CONNECT_URL", "KAFKA_BOOTSTRAP_SERVERS", "CONNECT_PLACEHOLDER"):
        monkeypatch.delenv(name, raising=False)

    def select(name: str) -> settings.Settings:
        (tmp_path / "environments").mkdir(exist_ok=True)
        shutil.copy(PROJECT / "environments" / f"{name}.env.example", tmp_path / "environments" / f"{name}.env")
        return settings.load(tmp_path, name)

    return select


def deployed(found):
    """The project's connectors as these settings deploy them, by name."""
    return {item.name: item.config for item in for_target(load(PROJECT), substitutions(found)).connectors}


def test_there_is_an_example_of_each_kind():
    assert EXAMPLES == ["confluent-cloud", "strimzi"]


def test_kafka_with_api_keys(environment):
    assert environment("confluent-cloud").kafka_client() == {
        "bootstrap.servers": "pkc-00000.europe-west1.gcp.confluent.cloud:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "KAFKA_API_KEY",
        "sasl.password": "kafka-api-secret",
    }


def test_kafka_with_scram_and_a_ca_of_its_own(environment):
    assert environment("strimzi").kafka_client() == {
        "bootstrap.servers": "bootstrap.kafka.example.com:9094",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "bifrost",
        "sasl.password": "scram-password",
        "ssl.ca.location": "/etc/bifrost/cluster-ca.crt",
    }


@pytest.mark.parametrize(
    ("client", "url", "user", "password"),
    [
        (schema_registry, "SCHEMA_REGISTRY_URL", "REGISTRY_API_KEY", "registry-api-secret"),
        (ksqldb, "KSQLDB_URL", "KSQLDB_API_KEY", "ksqldb-api-secret"),
        (connect, "CONNECT_URL", "deployer", "connect-password"),
    ],
)
def test_each_api_gets_its_own_key(environment, client, url, user, password):
    seen = []

    def respond(request):
        seen.append(request.headers["Authorization"])
        return Answer(200, [])

    found = environment("confluent-cloud")
    with running(FakeServer(respond)) as server:
        opened = client.from_settings(found.with_values(**{url: server.url}), patience_s=0)
        with opened:
            opened.http.get("/")

    assert seen == [_basic(user, password)]


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def test_placeholders_are_those_of_the_workers(environment):
    config = deployed(environment("strimzi"))["mysql-demo-customers"]

    assert config["database.password"] == "${secrets:kafka/bifrost:MYSQL_PASSWORD}"
    found = {place[0] for value in config.values() for place in PLACEHOLDER.finditer(value)}
    assert found
    assert all(re.fullmatch(r"\$\{secrets:kafka/bifrost:[A-Z_]+\}", place) for place in found)
    assert deployed(environment("confluent-cloud"))["mysql-demo-customers"]["database.password"] == (
        "${env:MYSQL_PASSWORD}"
    )


@pytest.mark.parametrize(
    ("name", "mechanism", "module", "user"),
    [
        ("confluent-cloud", "PLAIN", "plain.PlainLoginModule", "${env:KAFKA_SASL_USERNAME}"),
        ("strimzi", "SCRAM-SHA-512", "scram.ScramLoginModule", "${secrets:kafka/bifrost:KAFKA_SASL_USERNAME}"),
    ],
)
def test_the_kafka_client_of_a_schema_history_is_secured_too(environment, name, mechanism, module, user):
    config = deployed(environment(name))["mysql-demo-customers"]

    for client in ("producer", "consumer"):
        assert config[f"{HISTORY}.{client}.security.protocol"] == "SASL_SSL"
        assert config[f"{HISTORY}.{client}.sasl.mechanism"] == mechanism
        jaas = config[f"{HISTORY}.{client}.sasl.jaas.config"]
        assert jaas.startswith(f'org.apache.kafka.common.security.{module} required username="{user}" password="${{')
    assert not any("secret" in value and "${" not in value for value in config.values())


def test_what_a_file_says_about_the_history_wins(environment, tmp_path):
    (tmp_path / "connectors/x").mkdir(parents=True)
    (tmp_path / "connectors/x/a.json").write_text(
        f'{{"connector.class": "x", "{HISTORY}.kafka.bootstrap.servers": "k", '
        f'"{HISTORY}.producer.security.protocol": "SSL"}}'
    )
    (connector,) = for_target(load(tmp_path), substitutions(environment("strimzi"))).connectors

    assert connector.config[f"{HISTORY}.producer.security.protocol"] == "SSL"
    assert connector.config[f"{HISTORY}.consumer.security.protocol"] == "SASL_SSL"


def test_other_connectors_and_targets_get_no_such_keys(environment):
    found = environment("strimzi")
    assert not any(f"{HISTORY}.producer" in key for key in deployed(found)["postgres-soe"])
    local = found.with_values(BIFROST_TARGET="embedded")
    assert not any("sasl" in key for key in deployed(local)["mysql-demo-customers"])
