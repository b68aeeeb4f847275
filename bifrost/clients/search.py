"""The search engine's REST API: the part common to Elasticsearch and OpenSearch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from bifrost.clients.http import PATIENCE_S, RestClient, connection_to
from bifrost.clients.search_indices import SearchIndices
from bifrost.errors import Refused
from bifrost.settings import Settings

SYSTEM = "search"
BUSY = frozenset({429, 503})
SEARCH_TIMEOUT_S = 20.0

Body = Mapping[str, Any]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search: an index (a pattern or a list is allowed) and the request body."""

    index: str
    body: Body


class SearchClient(RestClient):
    """Manages index templates, searches, and writes documents.

    Every method raises `Unreachable`, `NotReady` or `Refused` as `HttpClient.call` does.
    """

    def template(self, name: str) -> dict[str, Any] | None:
        """Return a composable index template as stored, `None` if it does not exist."""
        found = self.http.get_or_none(f"/_index_template/{_path_segment(name)}")
        return None if found is None else dict(found["index_templates"][0]["index_template"])

    def templates(self) -> dict[str, dict[str, Any]]:
        """Return all composable index templates by name."""
        found = self.http.get("/_index_template")["index_templates"]
        return {entry["name"]: dict(entry["index_template"]) for entry in found}

    def put_template(self, name: str, template: Body) -> None:
        """Create or replace an index template; existing indices keep their mappings."""
        self.http.call("PUT", f"/_index_template/{_path_segment(name)}", body=template)

    def delete_template(self, name: str) -> None:
        """Delete an index template; a missing one is not an error."""
        try:
            self.http.call("DELETE", f"/_index_template/{_path_segment(name)}")
        except Refused as error:
            if error.status != 404:
                raise

    @property
    def indices(self) -> SearchIndices:
        """The indices of this engine."""
        return SearchIndices(self.http)

    def mapping(self, index: str) -> dict[str, Any] | None:
        """Return the mapping of an index or of the one behind an alias, `None` if it does not exist."""
        found = self.http.get_or_none(f"/{_path_segment(index)}/_mapping")
        return None if not found else dict(next(iter(found.values()))["mappings"])

    def count(self, index: str) -> int:
        """Return the number of documents of an index; 0 if it does not exist."""
        found = self.http.get_or_none(f"/{_path_segment(index)}/_count")
        return 0 if found is None else int(found["count"])

    def search_all(self, requests: Sequence[SearchRequest], *, timeout_s: float = SEARCH_TIMEOUT_S) -> list[Any]:
        """Run several searches in one request and return their answers in order.

        A missing index counts as empty. The answer of a failed search is its error as JSON, `{"error": ...}`.
        """
        lines: list[Body] = []
        for request in requests:
            lines += ({"index": request.index, "ignore_unavailable": True}, request.body)
        found = self._send_lines("/_msearch", lines, {}, timeout_s=timeout_s, repeatable=True)
        return list(found["responses"])

    def index_all(self, index: str, documents: Iterable[Document], *, refresh: bool = False) -> None:
        """Write documents; the engine generates their ids.

        Raises:
            Refused: the engine rejected one of them.
        """
        lines: list[Body] = []
        for document in documents:
            lines += ({"create": {"_index": index}}, document)
        # Not repeatable: the engine generates the ids, so a second attempt would write the documents twice.
        found = self._send_lines("/_bulk", lines, {"refresh": str(refresh).lower()}, repeatable=False)
        if found["errors"]:
            failed = next(item["create"] for item in found["items"] if "error" in item["create"])
            body = orjson.dumps(failed["error"]).decode()
            raise Refused(SYSTEM, f"write to {index}", status=int(failed["status"]), body=body)

    def delete_index(self, index: str) -> None:
        """Delete an index with its documents; a missing one is not an error."""
        self.http.call("DELETE", f"/{_path_segment(index)}", params={"ignore_unavailable": "true"})

    def _send_lines(
        self,
        path: str,
        lines: Iterable[Body],
        params: Body,
        *,
        repeatable: bool,
        timeout_s: float = SEARCH_TIMEOUT_S,
    ) -> Any:
        content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        return self.http.send(
            "POST",
            path,
            content,
            content_type="application/x-ndjson",
            params=params,
            timeout_s=timeout_s,
            repeatable=repeatable,
        )


def from_settings(settings: Settings, *, patience_s: float = PATIENCE_S) -> SearchClient:
    """Return the client of the target's search engine (settings `ELASTICSEARCH_*`)."""
    url = settings.endpoints.search
    return SearchClient(connection_to(settings, SYSTEM, url, "ELASTICSEARCH", patience_s=patience_s, busy=BUSY))


def _path_segment(name: str) -> str:
    return quote(name, safe="*,")
