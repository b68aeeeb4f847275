"""Properties of requests: their values are checked, and those without effect are named."""

import pytest

from bifrost.errors import SettingError
from bifrost.server.__main__ import check_server_properties


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto.offset.reset", "earlist"),
        ("commit.interval.ms", "abc"),
        ("ksql.streams.processing.guarantee", "sometimes"),
        ("ksql.nested.error.set.null", "false"),
        ("ksql.query.pull.table.scan.enabled", 1),
        ("auto.offset.reset", ["earliest"]),
        ("auto.offset.reset", {"a": 1}),
    ],
)
def test_invalid_values_are_bad_requests_everywhere(orders, name, value):
    statement = "CREATE STREAM X AS SELECT * FROM ORDERS;"
    response = orders.ksql(statement, properties={name: value})
    assert (response.status_code, response.json()["error_code"]) == (400, 40001)
    assert response.json()["statementText"] == statement
    for path in ("/query", "/query-stream"):
        response = orders.query("SELECT * FROM STATS;", path, properties={name: value})
        assert (response.status_code, response.json()["error_code"]) == (400, 40001)
    assert [source["name"] for source in orders.run("SHOW STREAMS;")[0]["streams"]] == ["ORDERS"]


def test_set_with_an_invalid_value_is_refused_before_the_next_statement(api):
    error = api.refused("SET 'commit.interval.ms'='abc'; CREATE TYPE T AS STRING;")
    assert error["error_code"] == 40001
    assert error["message"].startswith("Invalid value 'abc' for property commit.interval.ms")
    assert error["statementText"] == "SET 'commit.interval.ms'='abc';"
    assert api.run("SHOW TYPES;")[0]["types"] == {}


@pytest.mark.parametrize("statement", ["UNSET 'auto.offset.rest';", "SET 'auto.offset.rest'='latest';"])
def test_unknown_properties_of_statements_are_refused(api, statement):
    error = api.refused(statement)
    assert error["error_code"] == 40001
    assert error["message"] == "Unknown property: auto.offset.rest\nDid you mean 'auto.offset.reset'?"
    assert error["statementText"] == statement


def test_unset_of_a_known_property_succeeds(api):
    assert api.run("SET 'auto.offset.reset'='earliest'; UNSET 'auto.offset.reset'; UNSET 'ksql.service.id';") == []


def test_json_values_of_properties_may_be_numbers_booleans_and_null(orders):
    properties = {"commit.interval.ms": 500, "ksql.query.pull.table.scan.enabled": True, "auto.offset.reset": None}
    assert orders.query("SELECT * FROM STATS;", properties=properties).status_code == 200
    properties["ksql.query.pull.table.scan.enabled"] = False
    assert orders.query("SELECT * FROM STATS;", properties=properties).status_code == 400


def test_properties_without_effect_are_named_in_a_warning(api):
    response = api.ksql("SHOW STREAMS;", properties={"ksql.streams.num.stream.threads": "4"})
    (warning,) = response.json()[0]["warnings"]
    assert "'ksql.streams.num.stream.threads' is accepted but has no effect" in warning["message"]
    assert api.ksql("SHOW STREAMS;", properties={"auto.offset.reset": "earliest"}).json()[0]["warnings"] == []


def test_set_of_a_property_without_effect_is_answered_with_a_warning(api):
    (answer,) = api.run("SET 'ksql.streams.num.standby.replicas'='1'; SET 'auto.offset.reset'='earliest';")
    assert answer["@type"] == "warning_entity"
    assert "'ksql.streams.num.standby.replicas' is accepted but has no effect" in answer["message"]
    assert api.run("SET 'auto.offset.reset'='earliest';") == []
    assert [entity["@type"] for entity in api.run("SET 'ksql.heartbeat.enable'='true'; SHOW STREAMS;")] == ["streams"]
    (answer,) = api.run("ALTER SYSTEM 'ksql.heartbeat.enable'='true';")
    assert "'ksql.heartbeat.enable' is accepted but has no effect" in answer["commandStatus"]["message"]


@pytest.mark.parametrize("path", ["/query", "/query-stream"])
def test_properties_without_effect_of_a_query_are_named_in_the_log(orders, path, caplog):
    properties = {"ksql.streams.num.stream.threads": "4", "auto.offset.reset": "earliest"}
    assert orders.query("SELECT * FROM STATS;", path, properties=properties).status_code == 200
    (warning,) = (record.getMessage() for record in caplog.records if "no effect" in record.getMessage())
    assert "'ksql.streams.num.stream.threads' is accepted but has no effect" in warning


def test_show_properties_says_what_each_property_does(api):
    effects = {entry["name"]: entry["effect"] for entry in api.run("SHOW PROPERTIES;")[0]["properties"]}
    assert effects["ksql.streams.auto.offset.reset"] == "honoured"
    assert effects["ksql.streams.cache.max.bytes.buffering"] == "honoured"
    assert effects["ksql.heartbeat.enable"] == "ignored"
    assert effects["ksql.nested.error.set.null"] == "fixed"
    assert effects["ksql.service.id"] == "server"


def test_the_number_of_persistent_queries_can_be_limited(orders):
    orders.engine.parts.properties["ksql.query.persistent.active.limit"] = "1"
    error = orders.refused("CREATE STREAM X AS SELECT * FROM ORDERS;")
    assert error["error_code"] == 40001
    assert "Current persistent query count: 1. Configured limit: 1." in error["message"]
    orders.run("TERMINATE ALL;")
    orders.run("CREATE STREAM X AS SELECT * FROM ORDERS;")


def test_the_server_can_deny_properties(api):
    api.engine.parts.properties["ksql.properties.overrides.denylist"] = "auto.offset.reset, commit.interval.ms"
    error = api.refused("SHOW STREAMS;")
    assert "prohibited by the KSQL server" in error["message"]
    assert "[auto.offset.reset]" in error["message"]


def test_hidden_topics_are_left_out_of_show_topics(orders):
    orders.engine.parts.properties["ksql.hidden.topics"] = "ord.*,_.*"
    assert [topic["name"] for topic in orders.run("SHOW TOPICS;")[0]["topics"]] == ["STATS", "test_ksql_processing_log"]
    assert "orders" in [topic["name"] for topic in orders.run("SHOW ALL TOPICS;")[0]["topics"]]
    orders.engine.parts.properties["ksql.hidden.topics"] = "("
    assert "is not a list of regular expressions" in orders.refused("SHOW TOPICS;")["message"]


@pytest.mark.parametrize("name", ["auto.offset.rest", "ksql.stream.x"])
def test_alter_system_checks_names_and_values(api, name):
    error = api.refused(f"ALTER SYSTEM '{name}'='x';")
    assert (error["error_code"], error["message"].split("\n")[0]) == (40001, f"Unknown property: {name}")
    assert "Invalid value 'x'" in api.refused("ALTER SYSTEM 'auto.offset.reset'='x';")["message"]


def test_variables_can_be_disabled_by_the_server(orders):
    assert orders.ksql("DESCRIBE ${s};", variables={"s": "ORDERS"}).status_code == 200
    orders.engine.parts.properties["ksql.variable.substitution.enable"] = "false"
    response = orders.ksql("DESCRIBE ${s};", variables={"s": "ORDERS"})
    assert (response.status_code, response.json()["error_code"]) == (400, 40001)
    assert "Variable 's' is not replaced: ksql.variable.substitution.enable is false" in response.json()["message"]


def test_the_servers_own_properties_are_checked_at_its_start(caplog):
    with pytest.raises(SettingError, match="KSQL_KSQL_STREAMS_AUTO_OFFSET_RESET: Invalid value 'earlist'"):
        check_server_properties({"ksql.streams.auto.offset.reset": "earlist"})
    check_server_properties({"ksql.service.id": "x_", "ksql.heartbeat.enable": "true", "ksql.no.such": "1"})
    assert "'ksql.heartbeat.enable' is accepted but has no effect" in caplog.text
    assert "Not recognizable as ksql, streams, consumer, or producer property: 'ksql.no.such'" in caplog.text
