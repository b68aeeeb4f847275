"""Carries out statements about connectors through Kafka Connect's REST API."""

from __future__ import annotations

from typing import Any

from bifrost.clients.connect import ConnectClient, ConnectorStatus
from bifrost.engine.statements.results import ConnectorAnswer, Result
from bifrost.errors import AnalysisError, Refused
from bifrost.sql.tree import (
    CreateConnector,
    DescribeConnector,
    DropConnector,
    Literal,
    ParsedStatement,
    Show,
    Subject,
)

_LISTED = {Subject.CONNECTORS: None, Subject.SOURCE_CONNECTORS: "source", Subject.SINK_CONNECTORS: "sink"}


class ConnectorStatements:
    """Carries out statements about connectors."""

    def __init__(self, connect: ConnectClient) -> None:
        self._connect = connect

    def answer(self, statement: ParsedStatement) -> Result | None:
        """The result of a statement about connectors; None for all other statements.

        Raises:
            AnalysisError: the connector already exists, or does not exist.
            RemoteError: Connect refused the request or is unavailable.
        """
        text = statement.text
        match statement.tree:
            case Show(subject=subject) if subject in _LISTED:
                return self._list(text, _LISTED[subject])
            case Show(subject=Subject.CONNECTOR_PLUGINS):
                return self._plugins(text)
            case DescribeConnector(name):
                return self._describe(text, name)
            case CreateConnector() as create:
                return self._create(text, create)
            case DropConnector(name, if_exists):
                return self._drop(text, name, if_exists=if_exists)
            case _:
                return None

    def _list(self, text: str, kind: str | None) -> ConnectorAnswer:
        configs = self._connect.configs()
        found = [status for name, status in sorted(self._connect.statuses().items()) if kind in (None, status.type)]
        entries = [
            {
                "name": status.name,
                "type": status.type,
                "className": configs.get(status.name, {}).get("connector.class", ""),
                "state": _state(status),
            }
            for status in found
        ]
        return ConnectorAnswer(text, "connector_list", {"connectors": entries})

    def _plugins(self, text: str) -> ConnectorAnswer:
        entries = [
            {"className": plugin.class_name, "type": plugin.type, "version": plugin.version}
            for plugin in self._connect.plugins()
        ]
        return ConnectorAnswer(text, "connector_plugins_list", {"connectorsPlugins": entries})

    def _describe(self, text: str, name: str) -> ConnectorAnswer:
        config, status = self._connect.config(name), self._connect.status(name)
        if config is None or status is None:
            raise AnalysisError(f"Failed to query connector status: Connector {name} not found")
        body = {
            "connectorClass": config.get("connector.class", ""),
            "status": _status(status),
            "sources": [],
            "topics": list(self._connect.topics(name)),
        }
        return ConnectorAnswer(text, "connector_description", body)

    def _create(self, text: str, create: CreateConnector) -> ConnectorAnswer:
        # Connect's PUT would replace the connector, which CREATE must not do.
        if self._connect.config(create.name) is not None:
            if create.if_not_exists:
                message = f"Connector {create.name} already exists"
                return ConnectorAnswer(text, "warning_entity", {"message": message})
            raise AnalysisError(f"Failed to create connector: Connector {create.name} already exists")
        config = {name: _plain(value) for name, value in create.properties.items()}
        try:
            self._connect.put(create.name, {**config, "name": create.name})
        except Refused as error:
            raise AnalysisError(f"Failed to create connector: {error.body}") from error
        info = {"name": create.name, "config": config, "tasks": [], "type": create.kind.value.lower()}
        return ConnectorAnswer(text, "connector_info", {"info": info})

    def _drop(self, text: str, name: str, *, if_exists: bool) -> ConnectorAnswer:
        if self._connect.config(name) is None:
            if if_exists:
                return ConnectorAnswer(text, "warning_entity", {"message": f"Connector '{name}' does not exist."})
            raise AnalysisError(f"Failed to drop connector: Connector {name} not found")
        self._connect.delete(name)
        return ConnectorAnswer(text, "drop_connector", {"connectorName": name})


def _state(status: ConnectorStatus) -> str:
    """The state as ksqlDB lists it, with the number of running tasks."""
    running = sum(task.state == "RUNNING" for task in status.tasks)
    if status.state != "RUNNING" or not status.tasks:
        return status.state
    if running == len(status.tasks):
        return f"RUNNING ({running}/{running} tasks RUNNING)"
    word = "WARNING" if running else "FAILED"
    return f"{word} ({running}/{len(status.tasks)} tasks RUNNING)"


def _status(status: ConnectorStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "connector": {"state": status.state, "worker_id": status.worker, "trace": status.trace or None},
        "tasks": [
            {"id": task.id, "state": task.state, "worker_id": task.worker, "trace": task.trace or None}
            for task in status.tasks
        ],
        "type": status.type,
    }


def _plain(literal: Literal) -> str:
    value = getattr(literal, "value", None)
    if isinstance(value, bool):
        return str(value).lower()
    return str(literal) if value is None else str(value)
