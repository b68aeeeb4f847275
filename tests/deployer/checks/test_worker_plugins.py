"""What the workers have decides which classes are used; what they lack blocks nothing."""

import pytest

from bifrost.clients.connect import Plugin
from bifrost.deployer.checks.worker_plugins import Offer, adapted
from bifrost.deployer.declared.files import load
from bifrost.deployer.targets import TABLES, for_target, unavailable_connectors
from tests.deployer.conftest import CONNECTOR, TOPICS

MYSQL = "io.debezium.connector.mysql.MySqlConnector"
MARIADB = "io.debezium.connector.mariadb.MariaDbConnector"
S3, OUR_S3 = "io.confluent.connect.s3.S3SinkConnector", "bifrost.connect.s3.S3SinkConnector"
CSV = "com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector"
OUR_CSV = "bifrost.connect.spooldir.SpoolDirCsvSourceConnector"
BIGQUERY = "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector"
JDBC = "io.confluent.connect.jdbc.JdbcSourceConnector"
AVRO = "io.confluent.connect.avro.AvroConverter"
OTHER_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"


def offer(*classes: str, converters: tuple[str, ...] = (AVRO, OTHER_CONVERTER)) -> Offer:
    return Offer(tuple(Plugin(name, "source", "1") for name in classes), frozenset(converters))


def on_target(project, target: str, found: Offer):
    declared = load(project.root)
    table = adapted(TABLES[target], declared, found)
    classes = {item.name: item.config["connector.class"] for item in for_target(declared, table).connectors}
    return classes, unavailable_connectors(declared, table)


@pytest.mark.parametrize("target", ["compose", "remote"])
@pytest.mark.parametrize(
    ("wanted", "available", "used"),
    [
        (S3, (S3,), S3),
        (S3, (S3, OUR_S3), S3),
        (S3, (OUR_S3,), OUR_S3),
        (S3, (), None),
        (CSV, (OUR_CSV,), OUR_CSV),
        (CSV, (CSV,), CSV),
        (CSV, (), None),
        (BIGQUERY, (BIGQUERY,), BIGQUERY),
        (BIGQUERY, (), None),
        (JDBC, ("io.confluent.connect.jdbc.JdbcSinkConnector",), None),
        (JDBC, ("bifrost.connect.jdbc.JdbcSourceConnector",), "bifrost.connect.jdbc.JdbcSourceConnector"),
    ],
)
def test_the_vendors_class_else_ours_else_none(project, target, wanted, available, used):
    project.write("connectors/ratings/x.json", {"connector.class": wanted, "topics": "ratings"})

    classes, unavailable = on_target(project, target, offer(MYSQL, *available))

    assert classes.get("x") == used
    assert classes["mysql-demo-customers"] == MYSQL
    assert unavailable == ({} if used else {"x": f"{wanted} is not available on this worker"})


def test_the_embedded_database_needs_its_own_class_even_where_the_other_is_there(project):
    classes, unavailable = on_target(project, "embedded", offer(MYSQL, MARIADB, converters=(OTHER_CONVERTER,)))
    assert (classes, unavailable) == ({"mysql-demo-customers": MARIADB}, {})


def test_a_missing_converter_leaves_out_its_connectors(project):
    classes, unavailable = on_target(project, "remote", offer(MYSQL, converters=(OTHER_CONVERTER,)))
    assert classes == {}
    assert unavailable == {"mysql-demo-customers": f"its converter {AVRO} is not available on this worker"}


def test_workers_that_list_no_converters_are_believed_to_have_all(project):
    assert on_target(project, "remote", offer(MYSQL, converters=()))[1] == {}


def test_a_misspelt_class_stays_for_the_check_to_report(project):
    project.write("connectors/ratings/x.json", {"connector.class": S3.replace("Sink", "Snik"), "topics": "ratings"})
    assert "x" in on_target(project, "remote", offer(MYSQL, S3))[0]


def test_schemas_that_a_missing_connector_would_register_become_the_projects_own(project, fakes):
    project.write("connectors/ratings/csv.json", {"connector.class": CSV})
    project.write("topics/ratings.json", {**TOPICS, "orders": {"key": "none", "connector": "csv"}})
    schema = {"type": "record", "name": "o", "fields": [{"name": "id", "type": "int"}]}
    project.write("topics/schemas/orders-value.avsc", schema)
    declared = load(project.root)

    found = for_target(declared, adapted(TABLES["remote"], declared, offer(MYSQL)))

    assert [subject.name for subject in found.subjects if not subject.is_snapshot] == ["orders-value", "ratings-value"]


def test_up_and_plan_deploy_the_rest_and_warn(project, fakes, run):
    project.write("connectors/ratings/x.json", {"connector.class": "com.example.Sink", "topics": "ratings"})

    for command in (("plan",), ("up", "--no-demo")):
        found = run(*command)
        assert found.code in (0, 3)
        assert "warning: x: is not deployed: com.example.Sink is not available on this worker" in found.err
    assert set(fakes.connect.configs) == {"mysql-demo-customers"}
    assert "UNAVAILABLE" in run("status").out


def test_up_names_converter_keys_that_have_no_effect(project, run):
    changed = {**CONNECTOR, "key.converter.use.latest.version": "true"}
    project.write("connectors/ratings/mysql-demo-customers.json", changed)
    assert "key.converter.use.latest.version: has no effect here" in run("plan").err
