"""The schema registry's REST API as Confluent defines it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from bifrost.clients.http import PATIENCE_S, Connection, RestClient, basic_auth
from bifrost.errors import Refused
from bifrost.settings import Settings

_HEADERS = {
    "Accept": "application/vnd.schemaregistry.v1+json",
    "Content-Type": "application/vnd.schemaregistry.v1+json",
}

# The registry's 409 means "not compatible", which waiting does not cure.
BUSY = frozenset({503})


@dataclass(frozen=True, slots=True)
class Reference:
    """A schema that another one imports by `name`, found as a version of a subject."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class SubjectVersion:
    """One version of a subject; `schema` is its text, `type` is `AVRO`, `JSON` or `PROTOBUF`.

    Asked for by its id alone, a schema has no subject and version 0.
    """

    subject: str
    version: int
    id: int
    schema: str
    type: str
    references: tuple[Reference, ...] = ()


class SchemaRegistryClient(RestClient):
    """Reads and registers schemas."""

    def subjects(self, *, patience_s: float | None = None) -> tuple[str, ...]:
        """The names of all subjects, sorted."""
        return tuple(sorted(self.http.call("GET", "/subjects", headers=_HEADERS, patience_s=patience_s)))

    def latest(self, subject: str) -> SubjectVersion | None:
        """The newest version of a subject, `None` when there is no such subject."""
        return self._version(subject, "latest")

    def version(self, subject: str, version: int) -> SubjectVersion | None:
        """One version of a subject, `None` when it is not there."""
        return self._version(subject, str(version))

    def version_of(self, subject: str, schema: str, *, schema_type: str = "AVRO") -> int | None:
        """The version under which a subject holds exactly this schema, `None` when it does not."""
        try:
            return int(self._write(_path(subject), schema, schema_type)["version"])
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def by_id(self, schema_id: int) -> SubjectVersion:
        """The schema with this id.

        Raises:
            Refused: the id is unknown (404).
        """
        found = self.http.call("GET", f"/schemas/ids/{schema_id}", headers=_HEADERS)
        return _registered({"subject": "", "version": 0, "id": schema_id, **found})

    def register(
        self, subject: str, schema: str, *, schema_type: str = "AVRO", references: Sequence[Reference] = ()
    ) -> int:
        """Register a schema and return its id; the same schema again gives the same id, so repeating is safe.

        Raises:
            Refused: it is not compatible (409) or not a schema (422).
        """
        path = f"{_path(subject)}/versions"
        return int(self._write(path, schema, schema_type, references)["id"])

    def is_compatible(self, subject: str, schema: str, *, schema_type: str = "AVRO") -> bool:
        """Whether the subject's rules let this schema be its next version; yes for a new subject."""
        path = f"/compatibility/subjects/{quote(subject, safe='')}/versions/latest"
        try:
            return bool(self._write(path, schema, schema_type)["is_compatible"])
        except Refused as error:
            if error.status == 404:
                return True
            raise

    def delete(self, subject: str) -> None:
        """Remove a subject and all its versions; one that is not there is fine."""
        try:
            self.http.call("DELETE", _path(subject), headers=_HEADERS)
        except Refused as error:
            if error.status != 404:
                raise

    def _version(self, subject: str, version: str) -> SubjectVersion | None:
        try:
            found = self.http.call("GET", f"{_path(subject)}/versions/{version}", headers=_HEADERS)
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return _registered(found)

    def _write(self, path: str, schema: str, schema_type: str, references: Sequence[Reference] = ()) -> Any:
        body: dict[str, Any] = {"schema": schema, "schemaType": schema_type}
        if references:
            body["references"] = [asdict(reference) for reference in references]
        return self.http.call("POST", path, body=body, headers=_HEADERS, repeatable=True)


def from_settings(settings: Settings, *, patience_s: float = PATIENCE_S) -> SchemaRegistryClient:
    """The client of the target's registry (`SCHEMA_REGISTRY_USER`, `SCHEMA_REGISTRY_PASSWORD` where set)."""
    url, auth = settings.endpoints.schema_registry, basic_auth(settings, "SCHEMA_REGISTRY")
    return SchemaRegistryClient(
        Connection("Schema Registry", url, auth, busy=BUSY, secrets=settings.values, patience_s=patience_s)
    )


def _path(subject: str) -> str:
    return f"/subjects/{quote(subject, safe='')}"


def _registered(found: Mapping[str, Any]) -> SubjectVersion:
    return SubjectVersion(
        subject=found["subject"],
        version=int(found["version"]),
        id=int(found["id"]),
        schema=found["schema"],
        type=found.get("schemaType") or "AVRO",
        references=tuple(
            Reference(entry["name"], entry["subject"], int(entry["version"])) for entry in found.get("references") or ()
        ),
    )
