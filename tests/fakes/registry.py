"""A schema registry as the deployer sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.fakes.http_server import Answer, FakeServer, Request


@dataclass
class FakeRegistry:
    """`conflicts` are the registry's words for schemas that a subject's rule forbids; `rules` are subjects' own.

    With `always_refuses`, the rule of the registry applies although a subject has the rule NONE.
    """

    versions: dict[str, list[str]] = field(default_factory=dict)
    conflicts: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    always_refuses: bool = False

    def server(self) -> FakeServer:
        return FakeServer(self.respond, is_write=_is_write)

    def respond(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        match (request.method, *parts):
            case ("GET", "subjects"):
                return Answer(200, sorted(self.versions))
            case ("GET", "subjects", name, "versions", "latest") if name in self.versions:
                return Answer(200, self._entry(name, len(self.versions[name])))
            case ("GET", "subjects", name, "versions") if name in self.versions:
                return Answer(200, list(range(1, len(self.versions[name]) + 1)))
            case ("GET", "subjects", name, "versions", number) if number.isdecimal() and 0 < int(number) <= len(
                self.versions.get(name, [])
            ):
                return Answer(200, self._entry(name, int(number)))
            case ("POST", "subjects", name) if _found(self.versions.get(name, []), request.body["schema"]):
                return Answer(200, self._entry(name, _found(self.versions[name], request.body["schema"])))
            case ("POST", "compatibility", "subjects", name, "versions"):
                messages = self.conflicts.get(name)
                return Answer(200, {"is_compatible": messages is None, "messages": messages or []})
            case ("GET", "config", name) if name in self.rules or "defaultToGlobal" in request.query:
                return Answer(200, {"compatibilityLevel": self.rules.get(name, "BACKWARD")})
            case ("PUT", "config", name):
                self.rules[name] = request.body["compatibility"]
                return Answer(200, request.body)
            case ("DELETE", "config", name):
                return Answer(200, self.rules.pop(name))
            case ("POST", "subjects", name, "versions") if name in self.conflicts and (
                self.always_refuses or self.rules.get(name) != "NONE"
            ):
                return Answer(409, {"error_code": 409, "message": "Schema being registered is incompatible"})
            case ("POST", "subjects", name, "versions"):
                known = _found(self.versions.get(name, []), request.body["schema"])
                if known:
                    return Answer(200, {"id": known})
                self.versions.setdefault(name, []).append(request.body["schema"])
                return Answer(200, {"id": len(self.versions[name])})
        return Answer(404, {"error_code": 40401, "message": "Subject not found"})

    def _entry(self, name: str, version: int) -> dict:
        return {"subject": name, "version": version, "id": version, "schema": self.versions[name][version - 1]}


def _is_write(request: Request) -> bool:
    if request.method == "POST":
        return request.path.endswith("/versions") and not request.path.startswith("/compatibility")
    return request.method in ("PUT", "DELETE")


def _found(schemas: list[str], schema: str) -> int:
    plain = [json.loads(text) for text in schemas]
    return plain.index(json.loads(schema)) + 1 if json.loads(schema) in plain else 0
