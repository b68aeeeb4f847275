"""Statements about connectors, against a Connect in memory."""

import pytest

from bifrost.clients.connect import ConnectorStatus, Plugin, TaskStatus
from bifrost.errors import Refused, Unreachable


class MemoryConnect:
    """What `ConnectClient` does, for the engine's needs."""

    def __init__(self):
        self.there = {}
        self.away = False

    def _check(self):
        if self.away:
            raise Unreachable("Kafka Connect", "GET /connectors", "connection refused")

    def configs(self):
        self._check()
        return dict(self.there)

    def statuses(self):
        self._check()
        return {name: self.status(name) for name in self.there}

    def config(self, name):
        self._check()
        return self.there.get(name)

    def status(self, name):
        tasks = (TaskStatus(0, "RUNNING", "w:1", ""), TaskStatus(1, "FAILED", "w:1", "java.lang.Boom"))
        return ConnectorStatus(name, "source", "RUNNING", "w:1", "", tasks) if name in self.there else None

    def topics(self, name):
        return ("jdbc-orders",)

    def put(self, name, config):
        if config["connector.class"] == "Nope":
            raise Refused("Kafka Connect", "PUT", status=400, body="Failed to find any class")
        self.there[name] = dict(config)

    def delete(self, name):
        del self.there[name]

    def plugins(self):
        return (Plugin("org.x.JdbcSource", "source", "1.0"),)


@pytest.fixture
def connect(world):
    world.connect = MemoryConnect()
    return world.connect


CREATE = "CREATE SOURCE CONNECTOR jdbc WITH ('connector.class'='org.x.JdbcSource', 'tasks.max'=2, 'flag'=true);"


def test_a_connector_comes_and_goes(connect, api):
    (entity,) = api.run(CREATE)
    assert entity["@type"] == "connector_info"
    assert entity["info"]["config"] == {"connector.class": "org.x.JdbcSource", "tasks.max": "2", "flag": "true"}
    assert connect.there["JDBC"]["name"] == "JDBC"

    (entity,) = api.run("SHOW CONNECTORS;")
    assert entity["@type"] == "connector_list"
    assert entity["connectors"] == [
        {
            "name": "JDBC",
            "type": "source",
            "className": "org.x.JdbcSource",
            "state": "WARNING (1/2 tasks RUNNING)",
        }
    ]
    assert api.run("SHOW SINK CONNECTORS;")[0]["connectors"] == []

    (entity,) = api.run("DESCRIBE CONNECTOR jdbc;")
    assert (entity["connectorClass"], entity["topics"]) == ("org.x.JdbcSource", ["jdbc-orders"])
    assert entity["status"]["tasks"][1]["trace"] == "java.lang.Boom"

    (entity,) = api.run("DROP CONNECTOR jdbc;")
    assert (entity["@type"], entity["connectorName"]) == ("drop_connector", "JDBC")
    assert connect.there == {}


def test_what_is_there_or_not_there(connect, api):
    api.run(CREATE)
    assert "already exists" in api.refused(CREATE)["message"]
    (entity,) = api.run(CREATE.replace("CONNECTOR", "CONNECTOR IF NOT EXISTS"))
    assert entity["@type"] == "warning_entity"
    assert "not found" in api.refused("DESCRIBE CONNECTOR other;")["message"]
    assert "not found" in api.refused("DROP CONNECTOR other;")["message"]
    assert api.run("DROP CONNECTOR IF EXISTS other;")[0]["@type"] == "warning_entity"


def test_connect_says_no(connect, api):
    error = api.refused("CREATE SINK CONNECTOR c WITH ('connector.class'='Nope');")
    assert error["message"] == "Failed to create connector: Failed to find any class"


def test_connect_is_away(connect, api):
    connect.away = True
    answer = api.ksql("SHOW CONNECTORS;")
    assert answer.status_code >= 500
    assert "connection refused" in answer.json()["message"]


def test_plugins(connect, api):
    (entity,) = api.run("SHOW CONNECTOR PLUGINS;")
    assert entity["connectorsPlugins"] == [{"className": "org.x.JdbcSource", "type": "source", "version": "1.0"}]
