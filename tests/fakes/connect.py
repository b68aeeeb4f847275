"""A Connect worker as the deployer sees it: stores configurations, resolves placeholders, lets tasks fail."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http_server import Answer, FakeServer, Request

MARIADB = "io.debezium.connector.mariadb.MariaDbConnector"
KNOWN_KEYS = (
    *("connector.class", "tasks.max", "transforms", "topics", "topic.prefix", "table.include.list"),
    *("include.schema.changes", "poll.interval.ms", "key.converter", "value.converter", "database.hostname"),
    *("database.port", "database.user", "database.password", "database.server.id", "database.ssl.mode"),
    "column.truncate.to.(d+).chars",
)


@dataclass
class FakeConnect:
    variables: dict[str, str] = field(default_factory=dict)
    plugins: tuple[str, ...] = (MARIADB,)
    converters: tuple[str, ...] = ("org.apache.kafka.connect.storage.StringConverter",)
    configs: dict[str, dict[str, str]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    on_put: Any = None
    topics: dict[str, list[str]] = field(default_factory=dict)
    sinks: set[str] = field(default_factory=set)
    offsets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    version: str = "4.3.1"
    restart_cures: bool = True

    def server(self) -> FakeServer:
        return FakeServer(
            self.respond, is_write=lambda request: request.method != "GET" and "validate" not in request.path
        )

    def respond(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        match (request.method, *parts):
            case ("GET", "connectors"):
                return self._listing(request.query.get("expand"))
            case ("GET", ""):
                return Answer(200, {"version": self.version})
            case ("POST", "connectors"):
                self.states[request.body["name"]] = request.body.get("initial_state", "RUNNING")
                return self._put(request.body["name"], request.body["config"])
            case ("GET", "connector-plugins"):
                offered = [{"class": name, "type": "source", "version": "1"} for name in self.plugins]
                if request.query.get("connectorsOnly") == "false":
                    offered += [{"class": name, "type": "converter"} for name in self.converters]
                return Answer(200, offered)
            case ("PUT", "connector-plugins", _, "config", "validate"):
                return self._validated(request.body)
            case ("PUT", "connectors", name, "config"):
                return self._put(name, request.body)
            case ("GET", "connectors", name, *_) if name not in self.configs:
                return Answer(404, {"error_code": 404, "message": f"Connector {name} not found"})
            case ("GET", "connectors", name, "config"):
                return Answer(200, self.configs[name])
            case ("GET", "connectors", name, "status"):
                return Answer(200, self._status(name))
            case ("PUT", "connectors", name, "pause"):
                self.states[name] = "PAUSED"
                return Answer(202)
            case ("PUT", "connectors", name, "stop"):
                self.states[name] = "STOPPED"
                return Answer(204)
            case ("GET", "connectors", name, "topics"):
                return Answer(200, {name: {"topics": self.topics.get(name, [])}})
            case ("GET", "connectors", name, "offsets"):
                return Answer(200, {"offsets": self.offsets.get(name, [])})
            case ("PATCH" | "DELETE", "connectors", name, "offsets") if self.states[name] != "STOPPED":
                return Answer(400, {"message": "Connectors must be in the STOPPED state before their offsets"})
            case ("PATCH", "connectors", name, "offsets"):
                changed = [entry["partition"] for entry in request.body["offsets"]]
                others = [entry for entry in self.offsets.get(name, []) if entry["partition"] not in changed]
                self.offsets[name] = [*request.body["offsets"], *others]
                return Answer(200, {"message": "done"})
            case ("DELETE", "connectors", name, "offsets"):
                self.offsets.pop(name, None)
                return Answer(200, {"message": "done"})
            case ("POST" | "PUT", "connectors", name, "restart" | "resume"):
                self.states[name] = "RUNNING"
                if self.restart_cures:
                    self.traces.pop(name, None)
                return Answer(202)
            case ("DELETE", "connectors", name):
                self.forget(name)
                return Answer(204)
        return Answer(404, {"message": f"no {request.path}"})

    def forget(self, name: str) -> None:
        for known in (self.configs, self.states, self.traces, self.offsets):
            known.pop(name, None)

    def _listing(self, expand: str | None) -> Answer:
        if expand == "status":
            return Answer(200, {name: {"status": self._status(name)} for name in self.configs})
        if expand == "info":
            return Answer(200, {name: {"info": {"config": config}} for name, config in self.configs.items()})
        return Answer(200, list(self.configs))

    def _put(self, name: str, config: dict[str, str]) -> Answer:
        self.configs[name] = config
        self.states.setdefault(name, "RUNNING")
        if self.on_put is not None:
            self.on_put(name)
        return Answer(201, {"name": name, "config": config})

    def _status(self, name: str) -> dict[str, Any]:
        state, trace = self.states[name], self.traces.get(name)
        task = {"id": 0, "state": "FAILED" if trace else state, "worker_id": "w", "trace": trace or ""}
        own = {"state": state, "worker_id": "w"}
        kind = "sink" if name in self.sinks else "source"
        return {"name": name, "type": kind, "connector": own, "tasks": [] if state == "STOPPED" else [task]}

    def _validated(self, config: dict[str, str]) -> Answer:
        entries = []
        for name in sorted({*KNOWN_KEYS, *config}):
            errors = [self.errors[name]] if name in self.errors else []
            value = {"name": name, "value": self._resolved(config.get(name)), "errors": errors}
            known = name in KNOWN_KEYS
            entries.append({"definition": {"name": name, "required": False} if known else None, "value": value})
        if "name" not in config:
            errors = ['Missing required configuration "name" which has no default value.']
            entries.append({"definition": {"name": "name"}, "value": {"name": "name", "value": None, "errors": errors}})
        return Answer(
            200, {"error_count": len(self.errors), "configs": [entry for entry in entries if entry["definition"]]}
        )

    def _resolved(self, value: str | None) -> str | None:
        if value is None:
            return None
        return re.sub(r"\$\{env:([^}]*)\}", lambda found: self.variables.get(found[1], found[0]), value)
