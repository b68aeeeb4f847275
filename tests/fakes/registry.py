"""A schema registry as the deployer sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.fakes.http_server import Answer, FakeServer, Request


@dataclass
class FakeRegistry:
    versions: dict[str, list[str]] = field(default_factory=dict)

    def server(self) -> FakeServer:
        return FakeServer(
            self.respond, is_write=lambda request: request.method == "POST" and request.path.endswith("/versions")
        )

    def respond(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        match (request.method, *parts):
            case ("GET", "subjects"):
                return Answer(200, sorted(self.versions))
            case ("GET", "subjects", name, "versions", "latest") if name in self.versions:
                return Answer(200, self._entry(name, len(self.versions[name])))
            case ("POST", "subjects", name) if _found(self.versions.get(name, []), request.body["schema"]):
                return Answer(200, self._entry(name, _found(self.versions[name], request.body["schema"])))
            case ("POST", "subjects", name, "versions"):
                self.versions.setdefault(name, []).append(request.body["schema"])
                return Answer(200, {"id": len(self.versions[name])})
        return Answer(404, {"error_code": 40401, "message": "Subject not found"})

    def _entry(self, name: str, version: int) -> dict:
        return {"subject": name, "version": version, "id": version, "schema": self.versions[name][version - 1]}


def _found(schemas: list[str], schema: str) -> int:
    plain = [json.loads(text) for text in schemas]
    return plain.index(json.loads(schema)) + 1 if json.loads(schema) in plain else 0
