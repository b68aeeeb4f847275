"""What a worker says about a connector's configuration, as people read it before anything is deployed."""

from __future__ import annotations

import pytest

from bifrost.deployer.checks.connect_validate import check_connectors, refuse_connector_problems
from bifrost.deployer.declared.files import load
from bifrost.errors import BifrostError, DeclarationError
from tests.deployer.conftest import CONNECTOR, fakes, project

__all__ = ["fakes", "project"]


class TestChecksBeforeAnyChange:
    def refused(self, project, fakes) -> str:
        with pytest.raises(BifrostError) as caught:
            fakes.up(project.declared())
        assert isinstance(caught.value, DeclarationError)
        assert fakes.writes() == []
        assert "hunter22" not in str(caught.value)
        return str(caught.value)

    def change(self, project, **keys):
        config = {key.replace("__", "."): value for key, value in keys.items()}
        project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, **config})

    def test_an_unset_variable(self, project, fakes):
        del fakes.connect.variables["MYSQL_HOST"]
        assert "database.hostname: ${env:MYSQL_HOST} is unknown to the Connect worker" in self.refused(project, fakes)

    def test_a_placeholder_in_an_error_is_found_although_no_value_is_echoed(self, project, fakes):
        fakes.connect.variables["MYSQL_PASSWORD"] = "${env:MYSQL_PASSWORD}"
        fakes.connect.errors["database.hostname"] = "Unable to connect: Access denied for ${env:MYSQL_PASSWORD}"
        assert "database.password: ${env:MYSQL_PASSWORD} is unknown to the Connect" in self.refused(project, fakes)

    def test_a_misspelt_key(self, project, fakes):
        self.change(project, tabel__include__list="demo.CUSTOMERS")
        assert "tabel.include.list: " in (text := self.refused(project, fakes))
        assert "does not know this key; did you mean table.include.list?" in text

    def test_an_unknown_class(self, project, fakes):
        self.change(project, connector__class="io.debezium.connector.mariadb.MariaDBConnector")
        text = self.refused(project, fakes)
        assert (
            "is unknown; did you mean io.debezium.connector.mariadb.MariaDbConnector?; available: io.debezium" in text
        )

    def test_the_available_classes_are_listed_once(self, project, fakes):
        for name in ("one", "two", "three"):
            self.change(project, connector__class="io.debezium.connector.mariadb.MariaDBConnector")
            project.write(f"connectors/orders/{name}.json", {"connector.class": f"x.{name}", "topics": "ratings"})
        text = self.refused(project, fakes)
        assert text.count("available: ") == 1
        assert text.count("is unknown") == 4

    def test_a_class_is_not_suggested_in_place_of_itself(self, project, fakes):
        config = {"connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector", "topics": "ratings"}
        project.write("connectors/orders/x.json", config)
        declared = load(project.root)
        with pytest.raises(DeclarationError) as caught:
            refuse_connector_problems(check_connectors(fakes.platform.connect, declared.connectors))
        assert "JdbcSourceConnector is unknown" in str(caught.value)
        assert "mean io.confluent.connect.jdbc.JdbcSourceConnector" not in str(caught.value)

    def test_an_error_of_the_plugin_shows_no_secret(self, project, fakes):
        fakes.connect.errors["database.hostname"] = "Unable to connect: Access denied with hunter22"
        text = self.refused(project, fakes)
        assert "database.hostname: Unable to connect: Access denied with ********" in text

    def test_a_key_that_only_the_worker_knows_passes(self, project, fakes):
        self.change(project, driver__useSSL="false", transforms__x__type="y", column__truncate__to__20__chars="a")
        fakes.up(project.declared())
