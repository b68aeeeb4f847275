"""A search engine's templates and searches, Kibana's saved objects, and a store's buckets, as their users see them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from tests.fakes.http_server import Answer, FakeServer, Request


@dataclass
class FakeSearch:
    """`answers` is what the next searches are answered with, an error for an unknown one.

    `indices` are mappings, settings, aliases and a number of documents; `misfits` of them fit no other mapping.
    """

    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    indices: dict[str, dict[str, Any]] = field(default_factory=dict)
    misfits: int = 0

    def server(self) -> FakeServer:
        return FakeServer(
            self.respond, is_write=lambda request: request.method in ("PUT", "DELETE") or request.path == "/_aliases"
        )

    def add_index(self, name: str, properties: dict[str, Any], documents: int, settings: dict[str, str]) -> None:
        self.indices[name] = {
            "mappings": {"properties": properties},
            "settings": settings,
            "aliases": {},
            "documents": documents,
        }

    def respond(self, request: Request) -> Answer:
        match (request.method, *request.path.strip("/").split("/")):
            case ("GET", names) if not names.startswith("_"):
                found = {name: entry for name, entry in self.indices.items() if _matches(name, entry, names)}
                return Answer(200, {name: {**entry, "documents": None} for name, entry in found.items()})
            case ("GET", name, "_count"):
                return Answer(200, {"count": self.indices[name]["documents"]})
            case ("PUT", name, "_mapping"):
                properties = self.indices[name]["mappings"]["properties"]
                properties |= request.body.pop("properties", {})
                self.indices[name]["mappings"] |= request.body
                return Answer(200, {"acknowledged": True})
            case ("PUT", name, "_settings"):
                self.indices[name]["settings"] |= request.body
                return Answer(200, {"acknowledged": True})
            case ("PUT", name) if not name.startswith("_"):
                mapping = request.body.get("mappings", {}).get("properties", {})
                self.add_index(name, mapping, 0, {})
                return Answer(200, {"acknowledged": True})
            case ("POST", name, "_refresh"):
                return Answer(200, {})
            case ("DELETE", name):
                self.indices.pop(name, None)
                return Answer(200, {"acknowledged": True})
            case ("POST", "_reindex"):
                source, target = request.body["source"]["index"], request.body["dest"]["index"]
                self.indices[target]["documents"] = self.indices[source]["documents"] - self.misfits
                return Answer(200, {"task": "n:1"})
            case ("GET", "_tasks", _):
                failures = [{"cause": {"reason": "failed to parse field [TS]"}}] if self.misfits else []
                return Answer(200, {"completed": True, "response": {"failures": failures}})
            case ("POST", "_aliases"):
                removed, added = request.body["actions"]
                self.indices.pop(removed["remove_index"]["index"])
                self.indices[added["add"]["index"]]["aliases"][added["add"]["alias"]] = {}
                return Answer(200, {"acknowledged": True})
            case ("GET", "_index_template"):
                return Answer(200, {"index_templates": [self._entry(name) for name in self.templates]})
            case ("GET", "_index_template", name) if name in self.templates:
                return Answer(200, {"index_templates": [self._entry(name)]})
            case ("PUT", "_index_template", name):
                self.templates[name] = request.body
                return Answer(200, {"acknowledged": True})
            case ("DELETE", "_index_template", name) if self.templates.pop(name, None):
                return Answer(200, {"acknowledged": True})
            case ("POST", "_msearch"):
                count = len(request.body) // 2
                return Answer(200, {"responses": [self.answers.pop(0) for _ in range(count)]})
            case ("POST", "_bulk"):
                return Answer(200, {"errors": False, "items": []})
        return Answer(404, {"error": {"type": "resource_not_found_exception"}, "status": 404})

    def _entry(self, name: str) -> dict[str, Any]:
        """As the engine gives it back: settings spelled out as texts, and what was left out filled in."""
        body = json.loads(json.dumps(self.templates[name]))
        settings = body.get("template", {}).get("settings", {})
        if settings:
            body["template"]["settings"] = {"index": {key: str(value) for key, value in settings.items()}}
        return {"name": name, "index_template": {**body, "composed_of": []}}


def _matches(name: str, entry: dict[str, Any], names: str) -> bool:
    return any(fnmatch(known, pattern) for pattern in names.split(",") for known in (name, *entry["aliases"]))


@dataclass
class FakeKibana:
    """Keeps what is imported."""

    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def server(self) -> FakeServer:
        return FakeServer(self.respond, is_write=lambda request: request.path.endswith("_import"))

    def respond(self, request: Request) -> Answer:
        self.headers.append(request.headers)
        if request.path == "/api/saved_objects/_export":
            wanted = request.body["objects"][0]
            found = self.objects.get((wanted["type"], wanted["id"]))
            missing = {"statusCode": 400, "message": "Error fetching objects to export"}
            return Answer(400, missing) if found is None else Answer(200, found)
        if request.path == "/api/saved_objects/_import":
            lines = [json.loads(line) for line in request.body.splitlines() if line.startswith("{")]
            if self.errors:
                return Answer(200, {"success": False, "errors": self.errors})
            self.objects |= {(line["type"], line["id"]): line for line in lines}
            return Answer(200, {"success": True, "successCount": len(lines)})
        return Answer(404, {"message": "Not Found"})


@dataclass
class FakeBuckets:
    """A store's buckets; `writes` are the names of those that were made."""

    names: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)

    def buckets(self) -> frozenset[str]:
        return frozenset(self.names)

    def create_bucket(self, name: str) -> None:
        self.names.add(name)
        self.writes.append(name)
