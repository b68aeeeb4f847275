"""The schema registry's REST API, as defined by Confluent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from bifrost.clients.http import PATIENCE_S, RestClient, checks_shape, connection_to
from bifrost.errors import Refused
from bifrost.settings import Settings

_HEADERS = {
    "Accept": "application/vnd.schemaregistry.v1+json",
    "Content-Type": "application/vnd.schemaregistry.v1+json",
}

# A 409 of the registry means "not compatible"; a retry does not help.
BUSY = frozenset({503})


@dataclass(frozen=True, slots=True)
class Reference:
    """A schema that another one imports by `name`: a version of a subject."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class SubjectVersion:
    """One version of a subject; `schema` is its text, `type` is `AVRO`, `JSON` or `PROTOBUF`.

    A look-up by id alone returns an empty subject and version 0.
    """

    subject: str
    version: int
    id: int
    schema: str
    type: str
    references: tuple[Reference, ...] = ()


class SchemaRegistryClient(RestClient):
    """Reads and registers schemas."""

    @checks_shape
    def subjects(self, *, patience_s: float | None = None) -> tuple[str, ...]:
        """Return the names of all subjects, sorted."""
        return tuple(sorted(self.http.call("GET", "/subjects", headers=_HEADERS, patience_s=patience_s)))

    @checks_shape
    def latest(self, subject: str) -> SubjectVersion | None:
        """Return the newest version of a subject, `None` if the subject does not exist."""
        return self._version(subject, "latest")

    @checks_shape
    def versions(self, subject: str) -> tuple[int, ...]:
        """Return the numbers of a subject's versions, in order; none if it does not exist."""
        try:
            found = self.http.call("GET", f"{_path(subject)}/versions", headers=_HEADERS)
        except Refused as error:
            if error.status == 404:
                return ()
            raise
        return tuple(sorted(int(number) for number in found))

    def version(self, subject: str, version: int) -> SubjectVersion | None:
        """Return one version of a subject, `None` if it does not exist."""
        return self._version(subject, str(version))

    @checks_shape
    def version_of(self, subject: str, schema: str, *, schema_type: str = "AVRO") -> int | None:
        """Return the version of this schema in a subject, `None` if the subject does not contain it."""
        try:
            return int(self._write(_path(subject), schema, schema_type)["version"])
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def by_id(self, schema_id: int) -> SubjectVersion:
        """Return the schema with this id.

        Raises:
            Refused: the id is unknown (404).
        """
        found = self.http.call("GET", f"/schemas/ids/{schema_id}", headers=_HEADERS)
        return _subject_version({"subject": "", "version": 0, "id": schema_id, **found})

    def register(
        self, subject: str, schema: str, *, schema_type: str = "AVRO", references: Sequence[Reference] = ()
    ) -> int:
        """Register a schema and return its id; registering it again returns the same id.

        Raises:
            Refused: the schema is not compatible (409) or invalid (422).
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

    @checks_shape
    def conflicts(self, subject: str, schema: str) -> tuple[str, ...] | None:
        """Why the subject's rule forbids this Avro schema as its next version, in the registry's words.

        `None` if it is allowed; empty if it is forbidden and the registry says no more than that.
        """
        path = f"/compatibility/subjects/{quote(subject, safe='')}/versions"
        body = {"schema": schema, "schemaType": "AVRO"}
        try:
            found = self.http.call(
                "POST", path, body=body, params={"verbose": "true"}, headers=_HEADERS, repeatable=True
            )
        except Refused as error:
            # An older registry checks against one version at a time.
            if error.status in (404, 405):
                return None if self.is_compatible(subject, schema) else ()
            raise
        if found["is_compatible"]:
            return None
        return tuple(self.http.clean(str(text)) for text in found.get("messages") or ())

    @checks_shape
    def rule(self, subject: str) -> str:
        """Return the compatibility rule that applies to a subject: its own, else the registry's."""
        params = {"defaultToGlobal": "true"}
        path = f"/config/{quote(subject, safe='')}"
        try:
            return str(self.http.call("GET", path, params=params, headers=_HEADERS)["compatibilityLevel"])
        except Refused as error:
            if error.status != 404:
                raise
        return str(self.http.call("GET", "/config", headers=_HEADERS)["compatibilityLevel"])

    def register_incompatible(self, subject: str, schema: str) -> int:
        """Register a schema that the subject's rule forbids, and return its id; the rule applies again afterwards.

        Raises:
            Refused: the registry does not let the rule be changed, or the schema is invalid (422).
        """
        before = self._own_rule(subject)
        self._set_rule(subject, "NONE")
        try:
            return self.register(subject, schema)
        except Refused as error:
            if error.status != 409:
                raise
            # Some registries have no rule NONE of a subject: then the one of the whole registry applies.
            body = f"{error.body} (the rule of the whole registry applies to {subject}; it must be lifted there)"
            raise Refused(error.system, error.request, status=error.status, body=body) from error
        finally:
            if before is None:
                self._remove_rule(subject)
            else:
                self._set_rule(subject, before)

    def _own_rule(self, subject: str) -> str | None:
        try:
            found = self.http.call("GET", f"/config/{quote(subject, safe='')}", headers=_HEADERS)
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return str(found["compatibilityLevel"])

    def _set_rule(self, subject: str, rule: str) -> None:
        path = f"/config/{quote(subject, safe='')}"
        self.http.call("PUT", path, body={"compatibility": rule}, headers=_HEADERS)

    def _remove_rule(self, subject: str) -> None:
        try:
            self.http.call("DELETE", f"/config/{quote(subject, safe='')}", headers=_HEADERS)
        except Refused as error:
            if error.status != 404:
                raise

    def delete(self, subject: str) -> None:
        """Delete a subject with all its versions; a missing one is not an error."""
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
        return _subject_version(found)

    def _write(self, path: str, schema: str, schema_type: str, references: Sequence[Reference] = ()) -> Any:
        body: dict[str, Any] = {"schema": schema, "schemaType": schema_type}
        if references:
            body["references"] = [asdict(reference) for reference in references]
        # A repeated registration returns the same id, and the other writes change nothing.
        return self.http.call("POST", path, body=body, headers=_HEADERS, repeatable=True)


def from_settings(settings: Settings, *, patience_s: float = PATIENCE_S) -> SchemaRegistryClient:
    """Return the client of the target's registry (settings `SCHEMA_REGISTRY_*`)."""
    url = settings.endpoints.schema_registry
    return SchemaRegistryClient(
        connection_to(settings, "Schema Registry", url, "SCHEMA_REGISTRY", busy=BUSY, patience_s=patience_s)
    )


def _path(subject: str) -> str:
    return f"/subjects/{quote(subject, safe='')}"


def _subject_version(found: Mapping[str, Any]) -> SubjectVersion:
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
