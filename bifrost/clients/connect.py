"""Kafka Connect's REST API, with a typed record for each JSON shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bifrost.clients.http import PATIENCE_S, RestClient, checks_shape, connection_to
from bifrost.errors import Refused
from bifrost.settings import Settings

# Debezium connects to the database within validate and PUT; Connect gives up after 90 s.
VALIDATE_TIMEOUT_S = 95.0


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """One task; `trace` is empty unless it failed."""

    id: int
    state: str
    worker: str
    trace: str


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """The state of a connector and of its tasks; `trace` is empty unless the connector itself failed."""

    name: str
    type: str
    state: str
    worker: str
    trace: str
    tasks: tuple[TaskStatus, ...]


@dataclass(frozen=True, slots=True)
class Plugin:
    """A connector class that the workers can load."""

    class_name: str
    type: str
    version: str


@dataclass(frozen=True, slots=True)
class ValidatedKey:
    """The worker's verdict on one key. `value` has its placeholders resolved and may be secret: never show it."""

    name: str
    known: bool
    required: bool
    errors: tuple[str, ...]
    value: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Connect's answer to a validate request."""

    class_name: str
    error_count: int
    keys: tuple[ValidatedKey, ...]


class ConnectClient(RestClient):
    """The client of one Connect cluster."""

    @checks_shape
    def names(self, *, patience_s: float | None = None) -> tuple[str, ...]:
        """Return the names of the connectors, sorted."""
        return tuple(sorted(self.http.get("/connectors", patience_s=patience_s)))

    @checks_shape
    def configs(self) -> dict[str, dict[str, str]]:
        """Return the configuration of each connector by name, with unresolved placeholders."""
        found = self.http.get("/connectors", params={"expand": "info"})
        return {name: dict(entry["info"]["config"]) for name, entry in found.items()}

    @checks_shape
    def statuses(self) -> dict[str, ConnectorStatus]:
        """Return the status of each connector by name."""
        found = self.http.get("/connectors", params={"expand": "status"})
        return {name: self._status(entry["status"]) for name, entry in found.items()}

    @checks_shape
    def config(self, name: str) -> dict[str, str] | None:
        """Return the configuration of a connector, `None` if it does not exist."""
        found = self.http.get_or_none(f"{_path(name)}/config")
        return None if found is None else {str(key): str(value) for key, value in found.items()}

    @checks_shape
    def status(self, name: str) -> ConnectorStatus | None:
        """Return the status of a connector, `None` if it has none (or was created a moment ago)."""
        found = self.http.get_or_none(f"{_path(name)}/status")
        return None if found is None else self._status(found)

    @checks_shape
    def topics(self, name: str) -> tuple[str, ...]:
        """Return the topics that a connector has used so far, sorted; none if it does not exist."""
        found = self.http.get_or_none(f"{_path(name)}/topics")
        return () if found is None else tuple(sorted(found.get(name, {}).get("topics", ())))

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector, or replace its configuration.

        Raises:
            Refused: Connect rejected the configuration (400), or the worker failed (500).
        """
        self.http.call("PUT", f"{_path(name)}/config", body=dict(config), timeout_s=VALIDATE_TIMEOUT_S)

    def delete(self, name: str) -> None:
        """Delete a connector; a missing one is not an error, since a retried request may find it deleted."""
        try:
            self.http.call("DELETE", _path(name))
        except Refused as error:
            if error.status != 404:
                raise

    def restart(self, name: str, *, only_failed: bool = False) -> None:
        """Restart a connector and its tasks, or only the failed ones."""
        flags = {"includeTasks": "true", "onlyFailed": str(only_failed).lower()}
        self.http.call("POST", f"{_path(name)}/restart", params=flags)

    def pause(self, name: str) -> None:
        """Pause a connector: its tasks stay, but read and write nothing until it is resumed."""
        self.http.call("PUT", f"{_path(name)}/pause")

    def resume(self, name: str) -> None:
        """Resume a paused or stopped connector."""
        self.http.call("PUT", f"{_path(name)}/resume")

    def stop(self, name: str) -> None:
        """Stop a connector: its tasks end, and its offsets can be read, set and deleted (Kafka 3.5 and newer)."""
        self.http.call("PUT", f"{_path(name)}/stop")

    def create_stopped(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector that runs only once it is resumed (Kafka 3.7 and newer).

        Raises:
            Refused: it exists (409), or Connect rejected the configuration (400).
        """
        body = {"name": name, "config": dict(config), "initial_state": "STOPPED"}
        self.http.call("POST", "/connectors", body=body, timeout_s=VALIDATE_TIMEOUT_S)

    @checks_shape
    def version(self) -> str:
        """Return the version of the worker that answers."""
        return str(self.http.get("/")["version"])

    @checks_shape
    def offsets(self, name: str) -> list[dict[str, Any]]:
        """Return the stored offsets of a connector: `{"partition": {...}, "offset": {...}}` each."""
        return [dict(entry) for entry in self.http.get(f"{_path(name)}/offsets")["offsets"]]

    def set_offsets(self, name: str, offsets: Sequence[Mapping[str, Any]]) -> None:
        """Set offsets of a stopped connector; those of other partitions stay (Kafka 3.6 and newer)."""
        self.http.call("PATCH", f"{_path(name)}/offsets", body={"offsets": list(offsets)}, repeatable=True)

    def delete_offsets(self, name: str) -> None:
        """Delete all offsets of a stopped connector (Kafka 3.6 and newer)."""
        self.http.call("DELETE", f"{_path(name)}/offsets")

    @checks_shape
    def plugins(self, *, connectors_only: bool = True) -> tuple[Plugin, ...]:
        """Return the classes that the workers offer, ordered by class name.

        Args:
            connectors_only: leave out converters, transformations and predicates, which have their own `type`.
        """
        params = None if connectors_only else {"connectorsOnly": "false"}
        found = self.http.get("/connector-plugins", params=params)
        return tuple(
            sorted(
                (Plugin(entry["class"], entry.get("type", ""), entry.get("version") or "") for entry in found),
                key=lambda plugin: plugin.class_name,
            )
        )

    @checks_shape
    def validate(self, class_name: str, config: Mapping[str, str]) -> ValidationReport:
        """Let a worker validate a configuration; `config` must contain `name` and `connector.class`.

        Raises:
            Refused: the class is unknown, or the validation itself failed.
        """
        path = f"/connector-plugins/{quote(class_name, safe='')}/config/validate"
        found = self.http.call("PUT", path, body=dict(config), timeout_s=VALIDATE_TIMEOUT_S, repeatable=True)
        keys = tuple(self._validated(entry) for entry in found.get("configs", ()))
        return ValidationReport(class_name, int(found.get("error_count", 0)), keys)

    def _validated(self, entry: Mapping[str, Any]) -> ValidatedKey:
        definition, value = entry.get("definition") or {}, entry.get("value") or {}
        return ValidatedKey(
            name=str(value.get("name") or definition.get("name") or ""),
            known=bool(definition),
            required=bool(definition.get("required")),
            errors=tuple(self.http.redacted(str(text)) for text in value.get("errors") or ()),
            value=None if value.get("value") is None else str(value["value"]),
        )

    def _status(self, found: Mapping[str, Any]) -> ConnectorStatus:
        connector = found["connector"]
        return ConnectorStatus(
            name=found["name"],
            type=found.get("type") or "",
            state=connector["state"],
            worker=connector.get("worker_id", ""),
            trace=self.http.redacted(connector.get("trace") or ""),
            tasks=tuple(
                TaskStatus(
                    int(task["id"]),
                    task["state"],
                    task.get("worker_id", ""),
                    self.http.redacted(task.get("trace") or ""),
                )
                for task in found.get("tasks", ())
            ),
        )


def from_settings(settings: Settings, *, patience_s: float = PATIENCE_S) -> ConnectClient:
    """Return the client of the target's Connect cluster (settings `CONNECT_*`)."""
    url = settings.endpoints.connect
    return ConnectClient(connection_to(settings, "Kafka Connect", url, "CONNECT", patience_s=patience_s))


def root_cause(trace: str) -> str:
    """Return the innermost cause of a Java stack trace in one line."""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or [""])[-1 if causes else 0]


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"
