"""How the platform's components are configured and depend on each other."""

import errno
import os
import stat
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bifrost.default_settings import JMX_PROGRAMS, LOOPBACK, PORTS
from bifrost.errors import ComponentError, SettingError
from bifrost.security.rights import CONNECT_TOPICS
from bifrost.security.roles import API_CALLERS, ROLES
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import PROJECT, Settings
from bifrost.supervisor.component import Restart
from bifrost.supervisor.components import broker, connect, jmx_agent, mariadb, s3
from bifrost.supervisor.components.config_files import write_properties
from bifrost.supervisor.components.generator import DEMOS
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack, stack_of
from bifrost.supervisor.platform_components import COMPONENTS, ON_COMMAND, platform_components
from bifrost.supervisor.ports import write_ports


@pytest.fixture
def home(tmp_path) -> Settings:
    """A home with a stack and a Java that are there, but are not real."""
    jdk = tmp_path / "jdk"
    (jdk / "bin").mkdir(parents=True)
    (jdk / "bin" / "java").touch()
    (jdk / "release").write_text('JAVA_VERSION="17.0.1"\n')
    values = {"BIFROST_HOME": str(tmp_path / "home"), "JAVA_HOME": str(jdk), "DOTENV_NAME": "its value"}
    settings = Settings(values, tmp_path)
    registry = stack_of(settings).root / "registry"
    registry.mkdir(parents=True)
    (registry / "registry-runner.jar").touch()
    return settings


def test_the_platform_has_its_components_in_starting_order(home):
    every = platform_components(home)
    assert tuple(component.name for component in every) == COMPONENTS
    seen: set[str] = set()
    for component in every:
        assert set(component.depends_on) <= seen
        seen.add(component.name)
    assert tuple(component.name for component in every if not component.with_platform) == ON_COMMAND


def test_connect_stops_before_the_broker(home):
    worker = next(component for component in platform_components(home) if component.name == "connect")
    assert "broker" in worker.depends_on


def test_a_part_of_the_platform_can_be_started(home):
    assert [component.name for component in platform_components(home, only=("connect", "broker"))] == [
        "broker",
        "connect",
    ]
    with pytest.raises(ComponentError, match="brokr: no such component; known are broker"):
        platform_components(home, only=("brokr",))


def test_everything_listens_on_the_loopback_alone(home):
    listeners = broker.server_properties(home)["listeners"]
    assert listeners == f"PLAINTEXT://{LOOPBACK}:9092,CONTROLLER://{LOOPBACK}:9093"
    assert connect.worker_properties(home, (home.home,))["listeners"] == f"http://{LOOPBACK}:8083"
    commands = {component.name: component.command for component in platform_components(home)}
    assert f"--bind-address={LOOPBACK}" in commands["mariadb"]
    assert f"listen_addresses={LOOPBACK}" in commands["postgres"]


def test_logs_of_the_databases_do_not_fill_the_disk(home):
    """Both keep what connectors have yet to read, but not forever."""
    commands = {component.name: component.command for component in platform_components(home)}
    (expiry,) = (word for word in commands["mariadb"] if word.startswith("--binlog-expire-logs-seconds="))
    assert 7 <= int(expiry.partition("=")[2]) / 86_400 <= 30
    assert any(word.startswith("max_slot_wal_keep_size=") for word in commands["postgres"])


def test_connectors_find_their_endpoints_credentials_and_dotenv_in_the_environment(home):
    environment = connect.worker_environment(home.with_values(MYSQL_PASSWORD="other", BIFROST_PORT_MYSQL="13306"))
    assert environment["MYSQL_HOST"] == LOOPBACK
    assert environment["MYSQL_PORT"] == "13306"
    assert (environment["MYSQL_USER"], environment["MYSQL_PASSWORD"]) == ("debezium", "other")
    assert (environment["POSTGRES_HOST"], environment["POSTGRES_PORT"]) == (LOOPBACK, "5432")
    assert (environment["POSTGRES_USER"], environment["POSTGRES_PASSWORD"]) == ("debezium", "dbz")
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == f"{LOOPBACK}:9092"
    assert environment["SCHEMA_REGISTRY_URL"] == f"http://{LOOPBACK}:8081"
    assert environment["ELASTICSEARCH_URL"] == f"http://{LOOPBACK}:9200"
    assert environment["S3_ENDPOINT"] == f"http://{LOOPBACK}:9000"
    assert environment["DOTENV_NAME"] == "its value"


def test_the_store_knows_the_account_that_connectors_sign_with(home):
    chosen = home.with_values(AWS_ACCESS_KEY_ID="someone", AWS_SECRET_ACCESS_KEY="hunter24")
    properties, environment = s3.store_properties(chosen), connect.worker_environment(chosen)
    assert properties["s3proxy.identity"] == environment["AWS_ACCESS_KEY_ID"] == "someone"
    assert properties["s3proxy.credential"] == environment["AWS_SECRET_ACCESS_KEY"] == "hunter24"
    assert properties["s3proxy.endpoint"] == environment["S3_ENDPOINT"]
    assert not any("hunter24" in argument for part in platform_components(chosen) for argument in part.command)


def test_the_workers_converters_write_confluents_wire_format_for_keys_and_values(home):
    properties = connect.worker_properties(home, (home.home,))
    for side in ("key", "value"):
        assert properties[f"{side}.converter"] == connect.CONVERTER
        assert properties[f"{side}.converter.apicurio.registry.as-confluent"] == "true"
        assert properties[f"{side}.converter.apicurio.registry.use-id"] == "contentId"
        assert properties[f"{side}.converter.apicurio.registry.headers.enabled"] == "false"


def test_connects_internal_topics_are_those_that_the_broker_makes_beforehand(home):
    properties = connect.worker_properties(home, (home.home,))
    topics = {properties[f"{kind}.storage.topic"] for kind in ("config", "offset", "status")}
    assert topics == set(CONNECT_TOPICS)


def test_only_with_the_setting_agents_serve_the_figures_of_broker_and_connect(home):
    def agents(settings: Settings) -> list[str]:
        commands = [component.command for component in platform_components(settings)]
        return [option for command in commands for option in command if option.startswith("-javaagent:")]

    assert agents(home) == []
    broker_agent, connect_agent = agents(home.with_values(BIFROST_JMX="1"))
    assert f"=127.0.0.1:9420:{home.project}/dashboards/platform/jmx/broker.yml" in broker_agent
    assert f"=127.0.0.1:9421:{home.project}/dashboards/platform/jmx/connect.yml" in connect_agent


@pytest.mark.parametrize("jmx", ["0", "1"])
def test_on_a_secured_platform_the_agents_read_who_may_read_the_figures(home, jmx):
    secured = home.with_values(BIFROST_SECURE="1", BIFROST_JMX=jmx)
    folder = secure_folder(secured)
    folder.prepare(datetime.now(UTC))
    for name in JMX_PROGRAMS:
        (component,) = platform_components(secured, only=(name,))
        file = secured.run / name / "security.properties"
        assert (f"-Dbifrost.security={file}" in component.command) == (jmx == "1")
        jmx_agent.prepare(secured, name)
        assert file.exists() == (jmx == "1")
        if file.exists():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            users = {line for line in file.read_text().splitlines() if line.startswith("user.")}
            assert users == {f"user.{role}.0={folder.password(role)}" for role in API_CALLERS["METRICS"]}


def test_the_agents_of_an_open_platform_require_nothing(home):
    for component in platform_components(home.with_values(BIFROST_JMX="1"), only=JMX_PROGRAMS):
        assert not any(option.startswith("-Dbifrost.security") for option in component.command)


def test_a_running_platform_decides_whether_there_are_agents(home):
    for runs_with, wanted in ((True, "0"), (False, "1")):
        write_ports(home.endpoints_file, PORTS, jmx=runs_with)
        assert home.with_values(BIFROST_JMX=wanted).has_jmx == runs_with
        assert not home.with_values(BIFROST_JMX=wanted, BIFROST_TARGET="remote").has_jmx


@pytest.mark.parametrize("jmx", ["0", "1"])
def test_no_program_with_an_agent_is_to_write_an_archive_of_its_classes(home, jmx):
    """Java ends at once: "Must enable AllowArchivingWithJavaAgent in order to run Java agent during CDS dumping"."""
    archiving = {
        component.name
        for component in platform_components(home.with_values(BIFROST_JMX=jmx))
        if any(
            option.startswith(("-XX:+AutoCreateSharedArchive", "-XX:ArchiveClassesAtExit"))
            for option in component.command
        )
    }
    assert ("broker" in archiving) == (jmx == "0")
    assert "connect" not in archiving
    assert "search" in archiving


def test_a_setting_of_the_agents_that_is_no_switch_is_refused(home):
    with pytest.raises(SettingError, match="'yes' is neither 1 nor 0"):
        platform_components(home.with_values(BIFROST_JMX="yes"))


def test_no_password_is_in_a_command_line(home):
    databases = {"MYSQL_PASSWORD": "hunter22", "MYSQL_APP_PASSWORD": "hunter23", "POSTGRES_PASSWORD": "hunter24"}
    secret = home.with_values(**databases, POSTGRES_APP_PASSWORD="hunter25")
    for component in platform_components(secret):
        assert not any("hunter2" in argument for argument in component.command)


def test_passwords_with_quotes_stay_one_sql_literal(home):
    sql = mariadb.account_sql(home.with_values(MYSQL_PASSWORD="it's \\ odd"))
    assert "IDENTIFIED BY 'it''s \\\\ odd';" in sql


def test_the_broker_has_data_folders_of_its_home(home):
    assert str(broker.server_properties(home)["log.dirs"]).startswith(str(home.data))
    component = broker.component(home, Java(home.home, 17), Stack(home.home))
    assert component.command[0].endswith("bin/java")


def test_committed_offsets_outlive_a_long_rest(home):
    a_year = 366 * 24 * 60
    assert int(str(broker.server_properties(home)["offsets.retention.minutes"])) > a_year


def test_properties_files_are_for_their_owner_alone(tmp_path):
    path = tmp_path / "worker" / "worker.properties"
    write_properties(path, {"password": "a\\b\nc", "port": 1})
    assert path.read_text() == "password=a\\\\b\\nc\nport=1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (" s ecret", b"\\ s ecret"),
        ("\tx", b"\\\tx"),
        ("a\rb", b"a\\rb"),
        ("pässwörd€", b"p\\u00e4ssw\\u00f6rd\\u20ac"),
        ("😀", b"\\ud83d\\ude00"),
    ],
)
def test_java_reads_every_secret_as_it_was_set(tmp_path, value, line):
    path = tmp_path / "s3.properties"
    write_properties(path, {"credential": value})
    assert path.read_bytes() == b"credential=" + line + b"\n"


def test_a_cluster_id_never_begins_like_an_option():
    candidates = [uuid.UUID(bytes=b"\xf8" * 16), uuid.UUID(bytes=b"\xfb" * 16), uuid.UUID(int=0)]
    assert broker.new_cluster_id(iter(candidates).__next__) == "A" * 22
    assert all(len(broker.new_cluster_id()) == 22 for _ in range(100))
    assert not any(broker.new_cluster_id().startswith("-") for _ in range(1000))


def test_every_java_program_can_read_its_logging_configuration(home):
    """As properties: the search engine lacks what log4j reads YAML with."""
    for name in ("broker", "connect", "search"):
        (component,) = platform_components(home, only=(name,))
        (option,) = (part for part in component.command if part.startswith("-Dlog4j2.configurationFile="))
        assert option.endswith(".properties")


def test_every_pipeline_has_a_demo_that_starts_on_request_only(home):
    pipelines = {path.stem for path in (PROJECT / "topics").glob("*.json")}
    assert set(DEMOS) == pipelines - {"platform"}, "what the platform reports about itself needs no demo"
    components = {component.name: component for component in platform_components(home)}
    for name in DEMOS.values():
        assert not components[name].with_platform
        assert components[name].restart is Restart.ON_FAILURE


def test_records_of_the_broker_are_for_their_owner_alone(home):
    data = home.data / "broker"
    data.mkdir(parents=True, mode=0o755)
    (data / "formatted").touch()
    prepare = broker.component(home, Java(home.home, 17), Stack(home.home)).prepare
    assert prepare is not None
    prepare()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_the_file_of_an_upload_that_a_kill_ended_is_no_object(tmp_path: Path) -> None:
    folder = tmp_path / "bucket" / "topics" / "partition=0"
    folder.mkdir(parents=True)
    suffix = "0f8fad5b-d9cb-469f-a165-70867728950e"
    whole, unfinished, named_so = folder / "a+0+0.avro", folder / f"a+0+3.avro-{suffix}", folder / f"report-{suffix}"
    for path in (whole, unfinished, named_so):
        path.write_bytes(b"rows")
    os.setxattr(named_so, "user.user.storage-tier", b"STANDARD")

    s3.remove_unfinished(tmp_path)

    assert sorted(folder.iterdir()) == [whole, named_so]


def test_no_object_is_removed_where_the_file_system_has_no_attributes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    path = tmp_path / "report-0f8fad5b-d9cb-469f-a165-70867728950e"
    path.write_bytes(b"rows")

    s3.remove_unfinished(tmp_path)

    assert path.exists()


@pytest.fixture
def secured(home) -> Settings:
    """The same home with its certificates and passwords."""
    settings = home.with_values(BIFROST_SECURE="1")
    secure_folder(settings).prepare(datetime.now(UTC))
    return settings


def test_a_secured_broker_has_no_plain_listener_and_refuses_what_no_right_allows(secured):
    properties = broker.server_properties(secured)
    assert "PLAINTEXT" not in " ".join(map(str, properties.values()))
    assert properties["allow.everyone.if.no.acl.found"] == "false"
    assert properties["super.users"] == "User:broker"


def test_a_secured_worker_requires_certificates_and_logs_in_with_each_of_its_clients(secured):
    properties = connect.worker_properties(secured, ())
    assert str(properties["listeners"]).startswith("https://")
    assert properties["listeners.https.ssl.client.auth"] == "required"
    logins = [properties[f"{prefix}sasl.jaas.config"] for prefix in ("", "producer.", "consumer.", "admin.")]
    assert len(set(logins)) == 1


@pytest.mark.parametrize(
    ("part", "api"),
    [("schema_registry", "SCHEMA_REGISTRY"), ("search", "ELASTICSEARCH"), ("mongodb", "MONGODB")],
)
def test_registry_search_and_mongodb_of_a_secured_platform_know_their_callers_from_a_file_of_their_owner(
    secured, part, api
):
    component = next(each for each in platform_components(secured) if each.name == part)
    component.prepare()
    file = secured.run / part / "security.properties"
    assert f"-Dbifrost.security={file}" in component.command
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = dict(line.split("=", 1) for line in file.read_text().splitlines())
    folder = secure_folder(secured)
    assert written.pop("keystore") == str(folder.server_store)
    assert written.pop("keystore.password") == folder.store_password
    assert written.pop("readers", "") == ("connect" if part == "mongodb" else "")
    assert written == {f"user.{role}.0": folder.password(role) for role in API_CALLERS[api]}


def test_a_secured_worker_calls_registry_and_search_over_tls_and_logs_in(secured):
    environment, properties = connect.worker_environment(secured), connect.worker_properties(secured, ())
    assert environment["SCHEMA_REGISTRY_URL"] == f"https://{LOOPBACK}:8081"
    assert environment["ELASTICSEARCH_URL"] == f"https://{LOOPBACK}:9200"
    folder = secure_folder(secured)
    for side in ("key", "value"):
        converter = f"{side}.converter.apicurio"
        assert properties[f"{converter}.registry.url"] == f"https://{LOOPBACK}:8081/apis/registry/v2"
        assert properties[f"{converter}.auth.username"] == "connect"
        assert properties[f"{converter}.auth.password"] == folder.password("connect")
        assert properties[f"{converter}.registry.request.ssl.truststore.location"] == folder.trust_store


def test_no_password_of_a_secured_platform_is_in_a_command_line_or_an_environment(secured):
    passwords = [secure_folder(secured).password(role) for role in ROLES]
    for component in platform_components(secured):
        shown = " ".join((*component.command, *component.env.values()))
        assert not [password for password in passwords if password in shown], component.name


def test_each_python_program_of_a_secured_platform_has_its_role(secured):
    roles = {component.name: component.env.get("BIFROST_ROLE") for component in platform_components(secured)}
    assert (roles["ksqldb"], roles["console"], roles["rest_proxy"]) == ("engine", "console", "rest-proxy")
    assert {roles[name] for name in ("alerts", "wifi_telegram_bot", "wifi_telegram_alerts")} == {"services"}
    assert (roles["platform_watch"], roles["wifi_replay"], roles["orders_demo"]) == ("watch", "capture", "generators")


def test_without_security_nothing_of_it_is_configured(home):
    texts = [f"{key}={value}" for key, value in broker.server_properties(home).items()]
    texts += [f"{key}={value}" for key, value in connect.worker_properties(home, ()).items()]
    assert not [text for text in texts if "ssl" in text.lower() or "sasl" in text.lower() or "authorizer" in text]
    for component in platform_components(home):
        assert "bifrost.security=" not in " ".join(component.command)
