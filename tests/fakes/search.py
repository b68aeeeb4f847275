"""A search engine's templates and searches, Kibana's saved objects, and a store's buckets, as their users see them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http_server import Answer, FakeServer, Request


@dataclass
class FakeSearch:
    """`answers` is what the next searches are answered with, an error for an unknown one."""

    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)

    def server(self) -> FakeServer:
        return FakeServer(self.respond, is_write=lambda request: request.method in ("PUT", "DELETE"))

    def respond(self, request: Request) -> Answer:
        match (request.method, *request.path.strip("/").split("/")):
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
