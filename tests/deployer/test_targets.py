from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from bifrost.deployer.declared.files import load
from bifrost.deployer.targets import (
    TABLES,
    Substitutions,
    config_for_target,
    for_target,
    substitutions,
    unavailable_connectors,
    variables_of,
)
from bifrost.dotenv import read_dotenv
from bifrost.errors import SettingError
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings, role_file
from tests.deployer.conftest import CONNECTOR


def config(project, table: Substitutions) -> dict[str, str]:
    (connector,) = load(project.root).connectors
    return config_for_target(connector, table)


def test_the_embedded_target_maps_the_class_and_leaves_avro_to_the_worker(project):
    found = config(project, TABLES["embedded"])

    assert found["connector.class"] == "io.debezium.connector.mariadb.MariaDbConnector"
    assert found["database.ssl.mode"] == "disable"
    assert not [key for key in found if key.startswith("key.converter")]
    assert found["database.password"] == "${env:MYSQL_PASSWORD}"
    assert (found["name"], found["bifrost.pipeline"]) == ("mysql-demo-customers", "ratings")


def test_compose_runs_the_declaration_as_it_stands(project):
    found = config(project, TABLES["compose"])

    assert {key: found[key] for key in CONNECTOR} == CONNECTOR


def test_a_remote_worker_may_spell_placeholders_differently(project):
    values = {"BIFROST_TARGET": "remote", "CONNECT_PLACEHOLDER": "${file:/etc/x.properties:{name}}"}

    found = config(project, substitutions(Settings(values)))

    assert found["database.password"] == "${file:/etc/x.properties:MYSQL_PASSWORD}"
    assert found["topic.prefix"] == "asgard"


def test_a_placeholder_form_without_the_name():
    with pytest.raises(SettingError, match=r"does not contain \{name\}"):
        substitutions(Settings({"CONNECT_PLACEHOLDER": "${file:x}"}))


def test_variables_of_a_value():
    assert variables_of("http://${env:A}:${env:B}/${file:x:y}") == ("A", "B")


@pytest.mark.parametrize("name", ["elasticsearch.ElasticsearchSinkConnector", "s3.S3SinkConnector"])
def test_the_embedded_target_uses_the_projects_sinks(project, name):
    project.write(
        "connectors/ratings/sink.json", {"connector.class": f"io.confluent.connect.{name}", "topics": "ratings"}
    )
    declared = for_target(load(project.root), TABLES["embedded"])
    assert f"bifrost.connect.{name}" in {connector.config["connector.class"] for connector in declared.connectors}


BIGQUERY = {"connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector", "topics": "ratings"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"BIFROST_TARGET": "embedded"}, "BigQuery is a service of Google; compose and remote can run it"),
        ({"BIFROST_TARGET": "compose"}, "GOOGLE_APPLICATION_CREDENTIALS is not set"),
        ({"BIFROST_TARGET": "compose", "GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}, None),
        ({"BIFROST_TARGET": "remote"}, None),
    ],
)
def test_bigquery_is_written_to_where_it_can_be(project, values, reason):
    project.write("connectors/ratings/gbq.json", BIGQUERY)
    declared, table = load(project.root), substitutions(Settings(values))
    assert unavailable_connectors(declared, table).get("gbq") == reason
    assert ("gbq" in {connector.name for connector in for_target(declared, table).connectors}) == (reason is None)


def search_sink(project, url: str, table: Substitutions, **keys: str) -> dict[str, str]:
    """A sink of the search engine as it is deployed."""
    found = {"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "connection.url": url}
    (connector,) = load(project.root).connectors
    return config_for_target(replace(connector, config={**found, **keys}), table)


@pytest.fixture
def secured(tmp_path) -> Settings:
    settings = Settings({"BIFROST_HOME": str(tmp_path / "home"), "BIFROST_SECURE": "1"})
    secure_folder(settings).prepare(datetime.now(UTC))
    return Settings(settings.values)


def test_a_sink_of_a_secured_platform_logs_in_over_tls_without_a_password_in_its_configuration(project, secured):
    table = substitutions(secured)
    found = search_sink(project, "${env:ELASTICSEARCH_URL}", table)
    file = role_file(secured.secure_folder, "connect")
    assert found["connection.username"] == f"${{file:{file}:ELASTICSEARCH_USER}}"
    assert found["connection.password"] == f"${{file:{file}:ELASTICSEARCH_PASSWORD}}"
    assert read_dotenv(file)["ELASTICSEARCH_USER"] == "connect"
    assert found["elastic.security.protocol"] == "SSL"
    assert found["elastic.https.ssl.truststore.type"] == "PEM"
    assert found["elastic.https.ssl.truststore.location"] == str(secure_folder(secured).authority_certificate)


def test_a_sink_writes_to_the_platforms_engine_whatever_engine_the_commands_use(project, secured):
    elsewhere = secured.with_values(ELASTICSEARCH_URL="https://search.example:9200", ELASTICSEARCH_USER="me")
    url = "${env:ELASTICSEARCH_URL}"
    expected = search_sink(project, url, substitutions(secured))
    assert search_sink(project, url, substitutions(elsewhere)) == expected


def test_the_login_of_the_search_engine_is_not_sent_to_another_one(project, secured):
    table = substitutions(secured)
    found = search_sink(project, "https://search.example:9200", table)
    assert not [key for key in found if key.startswith(("connection.username", "connection.password", "elastic."))]
    assert "connection.username" not in config(project, table)


def test_what_a_file_says_about_the_login_wins(project, secured):
    keys = {"connection.username": "me", "elastic.https.ssl.truststore.location": "/my/ca"}
    found = search_sink(project, "${env:ELASTICSEARCH_URL}", substitutions(secured), **keys)
    assert {key: found[key] for key in keys} == keys


def mongodb_source(project, connection: str, table: Substitutions, **keys: str) -> dict[str, str]:
    """A source of MongoDB as it is deployed."""
    found = {
        "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
        "mongodb.connection.string": connection,
    }
    (connector,) = load(project.root).connectors
    return config_for_target(replace(connector, config={**found, **keys}), table)


def test_a_source_of_mongodb_logs_in_over_tls_without_a_password_in_its_configuration(project, secured):
    found = mongodb_source(project, "${env:MONGODB_CONNECTION_STRING}", substitutions(secured))
    file, folder = role_file(secured.secure_folder, "connect"), secure_folder(secured)
    login = {key: found[key].removeprefix(f"${{file:{file}:").removesuffix("}") for key in found if "mongodb" in key}
    written = read_dotenv(file)
    assert found["mongodb.ssl.enabled"] == "true"
    assert found["mongodb.ssl.truststore"] == str(folder.trust_store)
    assert written[login["mongodb.user"]] == "connect"
    assert written[login["mongodb.password"]] == folder.password("connect")
    assert written[login["mongodb.ssl.truststore.password"]] == folder.store_password
    assert not {folder.password("connect"), folder.store_password} & set(found.values())


def test_the_login_of_mongodb_is_not_sent_to_another_server(project, secured):
    own, table = "${env:MONGODB_CONNECTION_STRING}", substitutions(secured)
    for connection in (
        "mongodb://elsewhere.example",
        f"mongodb://elsewhere.example/?{own}",
        f"{own},elsewhere.example",
    ):
        found = mongodb_source(project, connection, table)
        assert not [key for key in found if key.startswith("mongodb.") and key != "mongodb.connection.string"]
    assert mongodb_source(project, own, table, **{"mongodb.user": "me"})["mongodb.user"] == "me"


POSTGRES_CLIENTS = [
    ("io.debezium.connector.postgresql.PostgresConnector", "database.hostname", "{host}", "database."),
    (
        "io.confluent.connect.jdbc.JdbcSourceConnector",
        "connection.url",
        "jdbc:postgresql://{host}:${{env:POSTGRES_PORT}}/demo",
        "connection.",
    ),
]


@pytest.mark.parametrize(("name", "key", "address", "prefix"), POSTGRES_CLIENTS)
def test_connectors_check_the_certificate_of_the_platforms_postgres_alone(project, secured, name, key, address, prefix):
    (connector,) = load(project.root).connectors
    table = substitutions(secured)

    def deployed(host: str, **keys: str) -> dict[str, str]:
        config = {"connector.class": name, key: address.format(host=host), **keys}
        return config_for_target(replace(connector, config=config), table)

    own = deployed("${env:POSTGRES_HOST}")
    assert own[f"{prefix}sslmode"] == "verify-full"
    assert own[f"{prefix}sslrootcert"] == str(secure_folder(secured).authority_certificate)
    assert not [key for key in deployed("db.example") if "ssl" in key]
    ours = {f"{prefix}sslmode": "require"}
    assert deployed("${env:POSTGRES_HOST}", **ours)[f"{prefix}sslmode"] == "require"


def test_a_jdbc_sink_gets_what_its_driver_needs_in_its_url(project, secured):
    (connector,) = load(project.root).connectors

    def deployed(url: str) -> str:
        config = {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "connection.url": url}
        return config_for_target(replace(connector, config=config), substitutions(secured))["connection.url"]

    own = "jdbc:postgresql://${env:POSTGRES_HOST}:${env:POSTGRES_PORT}/demo"
    authority = quote(str(secure_folder(secured).authority_certificate), safe="")
    assert deployed(own) == f"{own}?sslmode=verify-full&sslrootcert={authority}"
    assert deployed(f"{own}?sslmode=require") == f"{own}?sslmode=require&sslrootcert={authority}"
    assert deployed("jdbc:postgresql://db.example/demo") == "jdbc:postgresql://db.example/demo"


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_connectors_check_the_certificate_of_the_platforms_mysql_alone(project, secured, scheme):
    (connector,) = load(project.root).connectors
    table, folder = substitutions(secured), secure_folder(secured)

    def deployed(name: str, **keys: str) -> dict[str, str]:
        return config_for_target(replace(connector, config={"connector.class": name, **keys}), table)

    class_name = "io.debezium.connector.mysql.MySqlConnector"
    cdc = deployed(class_name, **{"database.hostname": "${env:MYSQL_HOST}"})
    assert cdc["database.ssl.mode"] == "verify-full"
    assert cdc["database.ssl.truststore"] == str(folder.trust_store)
    assert folder.store_password not in cdc.values()
    trust = {"database.hostname": "${env:MYSQL_HOST}", "database.ssl.mode": "trust"}
    assert deployed("io.debezium.connector.mariadb.MariaDbConnector", **trust)["database.ssl.mode"] == "trust"
    foreign = deployed(class_name, **{"database.hostname": "db.example"})
    assert foreign["database.ssl.mode"] == "disable"
    assert "database.ssl.truststore" not in foreign

    class_name = "io.confluent.connect.jdbc.JdbcSourceConnector"
    url = f"jdbc:{scheme}://${{env:MYSQL_HOST}}:${{env:MYSQL_PORT}}/demo?user=${{env:MYSQL_USER}}"
    rows = deployed(class_name, **{"connection.url": url})
    assert rows["connection.sslMode"] == "verify-full"
    assert rows["connection.serverSslCert"] == str(folder.authority_certificate)
    assert "connection.sslmode" not in rows
    assert "connection.sslMode" not in deployed(class_name, **{"connection.url": f"jdbc:{scheme}://db.example/demo"})


def test_a_sink_checks_the_certificate_of_the_platforms_s3_alone(project, secured):
    (connector,) = load(project.root).connectors

    def deployed(url: str) -> dict[str, str]:
        config = {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "store.url": url}
        return config_for_target(replace(connector, config=config), substitutions(secured))

    key = "s3.https.ssl.truststore.location"
    assert deployed("${env:S3_ENDPOINT}")[key] == str(secure_folder(secured).authority_certificate)
    assert key not in deployed("https://s3.example")


def test_a_sink_of_a_remote_target_gets_the_login_of_its_search_engine_as_placeholders(project):
    values = {"BIFROST_TARGET": "remote", "CONNECT_PLACEHOLDER": "${secrets:x:{name}}"}
    login = {"ELASTICSEARCH_USER": "sinks", "ELASTICSEARCH_PASSWORD": "hunter2"}
    found = search_sink(project, "${env:ELASTICSEARCH_URL}", substitutions(Settings(values | login)))
    assert found["connection.username"] == "${secrets:x:ELASTICSEARCH_USER}"
    assert found["connection.password"] == "${secrets:x:ELASTICSEARCH_PASSWORD}"
    assert "connection.username" not in search_sink(
        project, "${env:ELASTICSEARCH_URL}", substitutions(Settings(values))
    )


def test_the_history_client_of_a_secured_container_logs_in_with_the_variables_of_its_worker(tmp_path):
    settings = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_TARGET": "compose", "BIFROST_SECURE": "1"})
    secure_folder(settings).prepare(datetime.now(UTC))

    table = substitutions(settings)

    assert table.history_client == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required "
            'username="${env:KAFKA_SASL_USERNAME}" password="${env:KAFKA_SASL_PASSWORD}";'
        ),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/etc/bifrost/ca.crt",
    }


def test_a_converter_of_a_secured_container_logs_in_at_the_registry_of_the_target_alone(project, tmp_path):
    settings = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_TARGET": "compose", "BIFROST_SECURE": "1"})
    secure_folder(settings).prepare(datetime.now(UTC))
    table = substitutions(settings)

    def deployed(url: str) -> dict[str, str]:
        return search_sink(project, "${env:ELASTICSEARCH_URL}", table, **{"value.converter.schema.registry.url": url})

    own, other = deployed("${env:SCHEMA_REGISTRY_URL}"), deployed("https://other.example")
    assert own["value.converter.basic.auth.user.info"] == "${env:SCHEMA_REGISTRY_USER_INFO}"
    assert own["value.converter.schema.registry.ssl.truststore.location"] == "/etc/bifrost/trusted.p12"
    assert not [
        key for key in other if key.startswith(("value.converter.basic.", "value.converter.schema.registry.ssl"))
    ]
    # The search engine of this target requires no login.
    assert not [key for key in own if key.startswith(("key.converter.basic.", "connection.user", "elastic.https"))]
