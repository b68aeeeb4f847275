"""The search engine's REST API, as far as Elasticsearch and OpenSearch agree on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from bifrost.clients.http import PATIENCE_S, Connection, RestClient, basic_auth
from bifrost.errors import Refused
from bifrost.settings import Settings

SYSTEM = "search"
BUSY = frozenset({429, 503})
SEARCH_TIMEOUT_S = 20.0

Body = Mapping[str, Any]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search: an index (a pattern or a list is fine) and the request's body."""

    index: str
    body: Body


class SearchClient(RestClient):
    """Templates, searches, and what tests need to write documents.

    Every method raises `Unreachable`, `NotReady` or `Refused` as `HttpClient.call` does.
    """

    def template(self, name: str) -> dict[str, Any] | None:
        """A composable index template as the engine has it, `None` when there is none of that name."""
        found = self.http.get_or_none(f"/_index_template/{_part(name)}")
        return None if found is None else dict(found["index_templates"][0]["index_template"])

    def templates(self) -> dict[str, dict[str, Any]]:
        """All composable index templates by name."""
        found = self.http.get("/_index_template")["index_templates"]
        return {entry["name"]: dict(entry["index_template"]) for entry in found}

    def put_template(self, name: str, template: Body) -> None:
        """Make an index template, or replace it; indices that exist keep their mappings."""
        self.http.call("PUT", f"/_index_template/{_part(name)}", body=template)

    def delete_template(self, name: str) -> None:
        """Remove an index template; one that is not there is fine."""
        try:
            self.http.call("DELETE", f"/_index_template/{_part(name)}")
        except Refused as error:
            if error.status != 404:
                raise

    def mapping(self, index: str) -> dict[str, Any] | None:
        """The mapping of an index, `None` when there is no such index."""
        found = self.http.get_or_none(f"/{_part(index)}/_mapping")
        return None if found is None else dict(found[index]["mappings"])

    def count(self, index: str) -> int:
        """How many documents an index holds; none when it does not exist."""
        found = self.http.get_or_none(f"/{_part(index)}/_count")
        return 0 if found is None else int(found["count"])

    def search_all(self, requests: Sequence[SearchRequest], *, timeout_s: float = SEARCH_TIMEOUT_S) -> list[Any]:
        """The answers of several searches, in one round trip and in their order.

        An index that does not exist yet counts as empty. An answer that failed is its error's JSON, `{"error": ...}`.
        """
        lines: list[Body] = []
        for request in requests:
            lines += ({"index": request.index, "ignore_unavailable": True}, request.body)
        found = self._send_lines("/_msearch", lines, {}, timeout_s=timeout_s, repeatable=True)
        return list(found["responses"])

    def index_all(self, index: str, documents: Iterable[Document], *, refresh: bool = False) -> None:
        """Write documents with ids that the engine gives them.

        Raises:
            Refused: one of them was not accepted.
        """
        lines: list[Body] = []
        for document in documents:
            lines += ({"create": {"_index": index}}, document)
        found = self._send_lines("/_bulk", lines, {"refresh": str(refresh).lower()}, repeatable=False)
        if found["errors"]:
            failed = next(item["create"] for item in found["items"] if "error" in item["create"])
            body = orjson.dumps(failed["error"]).decode()
            raise Refused(SYSTEM, f"write to {index}", status=int(failed["status"]), body=body)

    def delete_index(self, index: str) -> None:
        """Remove an index and its documents; one that is not there is fine."""
        self.http.call("DELETE", f"/{_part(index)}", params={"ignore_unavailable": "true"})

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
    """The client of the target's search engine (`ELASTICSEARCH_USER`, `ELASTICSEARCH_PASSWORD` where set)."""
    auth = basic_auth(settings, "ELASTICSEARCH")
    url = settings.endpoints.search
    return SearchClient(Connection(SYSTEM, url, auth, patience_s, BUSY, secrets=settings.values))


def _part(name: str) -> str:
    return quote(name, safe="*,")
