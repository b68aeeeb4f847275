"""Kibana's saved-objects API: import objects, and read one back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from bifrost.clients.http import PATIENCE_S, RestClient, connection_to
from bifrost.errors import Refused
from bifrost.settings import Settings

SYSTEM = "Kibana"
BUSY = frozenset({429, 503})
# Kibana refuses writes without this header.
_REQUEST_HEADERS = {"kbn-xsrf": "bifrost"}


@dataclass(frozen=True, slots=True)
class SavedObject:
    """One saved object, as in a line of an export file."""

    type: str
    id: str
    attributes: Mapping[str, Any]
    references: tuple[Mapping[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the object as in an export file."""
        return {
            "type": self.type,
            "id": self.id,
            "attributes": dict(self.attributes),
            "references": [dict(reference) for reference in self.references],
        }


class KibanaClient(RestClient):
    """Writes saved objects and reads them back.

    Every method raises `Unreachable`, `NotReady` (while Kibana starts) or `Refused`.
    """

    def attributes(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the attributes of one object, `None` if it does not exist."""
        # Without the details, the answer is one JSON object instead of lines.
        request = {"objects": [{"type": kind, "id": name}], "excludeExportDetails": True}
        try:
            found = self.http.call(
                "POST", "/api/saved_objects/_export", body=request, headers=_REQUEST_HEADERS, repeatable=True
            )
        except Refused as error:
            # Kibana reports a missing object as a bad request.
            if error.status in (400, 404):
                return None
            raise
        return dict(found["attributes"])

    def import_objects(self, objects: Iterable[SavedObject]) -> None:
        """Create these objects, or replace those of the same type and id.

        Raises:
            Refused: Kibana rejected one of them.
        """
        lines = "".join(json.dumps(each.as_json(), ensure_ascii=False) + "\n" for each in objects)
        content, content_type = encode_multipart_formdata({"file": ("dashboards.ndjson", lines, "application/ndjson")})
        found = self.http.send(
            "POST",
            "/api/saved_objects/_import",
            content,
            content_type=content_type,
            params={"overwrite": "true"},
            headers=_REQUEST_HEADERS,
        )
        if not found.get("success"):
            body = json.dumps(found.get("errors", found))
            raise Refused(SYSTEM, "import of saved objects", status=200, body=body)


def from_settings(settings: Settings, *, patience_s: float = PATIENCE_S) -> KibanaClient | None:
    """Return the client of the target's Kibana (settings `KIBANA_*`), `None` if it has none."""
    url = settings.endpoints.kibana
    if not url:
        return None
    return KibanaClient(connection_to(settings, SYSTEM, url, "KIBANA", patience_s=patience_s, busy=BUSY))
