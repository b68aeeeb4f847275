"""Which fields of an Avro schema break a compatibility rule: registries say so in their own words, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_PROMOTED = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""The types as which a value of a type can be read."""
_NAMED = ("record", "enum", "fixed", "error")


def broken_rules(declared: str, live: str, rule: str) -> tuple[str, ...]:
    """What breaks a rule (`BACKWARD`, `FORWARD_TRANSITIVE`, `FULL`, ...) between two Avro schemas, field by field.

    Only the live schema is compared, though a transitive rule concerns older ones too: empty if those cause the break,
    or if a text is no JSON.
    """
    try:
        new, old = json.loads(declared), json.loads(live)
    except ValueError:
        return ()
    found: list[str] = []
    if rule.startswith(("BACKWARD", "FULL")):
        reading = _Reading(_names(new), _names(old), "is new and has no default, so earlier records cannot be read")
        found += reading.problems(new, old, "")
    if rule.startswith(("FORWARD", "FULL")):
        text = "was removed and had no default, so programs with the earlier schema cannot read new records"
        found += _Reading(_names(old), _names(new), text).problems(old, new, "")
    return tuple(dict.fromkeys(found))


class _Reading:
    """Reading records of a writer's schema with a reader's, as Avro resolves the two."""

    def __init__(self, reader_names: Mapping[str, Any], writer_names: Mapping[str, Any], missing: str) -> None:
        self._reader_names = reader_names
        self._writer_names = writer_names
        self._missing = missing
        self._open: set[tuple[str, str]] = set()

    def problems(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        """Why the reader cannot read the writer's values; `path` is the field, empty at the top."""
        reader, writer = _resolved(reader, self._reader_names), _resolved(writer, self._writer_names)
        if isinstance(writer, list):
            for branch in writer:
                yield from self.problems(reader, branch, path)
        elif isinstance(reader, list):
            if not any(not list(self.problems(branch, writer, path)) for branch in reader):
                yield f"{_place(path)} {_text(writer)} cannot be read as {_text(reader)}"
        elif _kind(reader) != _kind(writer):
            if _kind(reader) not in _PROMOTED.get(_kind(writer), ()):
                yield f"{_place(path)} {_text(writer)} cannot be read as {_text(reader)}"
        else:
            yield from self._same_kind(reader, writer, path)

    def _same_kind(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        match _kind(reader):
            case "record" | "error":
                yield from self._record(reader, writer, path)
            case "array":
                yield from self.problems(reader["items"], writer["items"], f"{path}[]")
            case "map":
                yield from self.problems(reader["values"], writer["values"], f"{path}{{}}")
            case "enum":
                lacking = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
                if lacking and "default" not in reader:
                    yield f"{_place(path)} the values {', '.join(lacking)} are unknown to the reader"
            case "fixed" if reader["size"] != writer["size"]:
                yield f"{_place(path)} {writer['size']} bytes cannot be read as {reader['size']} bytes"

    def _record(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        pair = (str(reader.get("name")), str(writer.get("name")))
        # A record that contains itself is compared once.
        if pair in self._open:
            return
        self._open.add(pair)
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            names = (field["name"], *field.get("aliases", ()))
            source = next((written[name] for name in names if name in written), None)
            inner = f"{path}.{field['name']}" if path else field["name"]
            if source is not None:
                yield from self.problems(field["type"], source["type"], inner)
            elif "default" not in field:
                yield f"field {inner} {self._missing}"
        self._open.discard(pair)


def _names(schema: Any) -> dict[str, Any]:
    """The named types of a schema, by full name and by simple name."""
    found: dict[str, Any] = {}

    def visit(node: Any) -> None:
        match node:
            case list():
                for branch in node:
                    visit(branch)
            case dict():
                if node.get("type") in _NAMED and "name" in node:
                    found[node["name"].rpartition(".")[2]] = node
                    found[f"{node['namespace']}.{node['name']}" if "namespace" in node else node["name"]] = node
                for value in node.values():
                    visit(value)

    visit(schema)
    return found


def _resolved(schema: Any, names: Mapping[str, Any]) -> Any:
    """A schema in which `{"type": X}` is X and a name is what it stands for."""
    while True:
        if isinstance(schema, str) and schema in names:
            schema = names[schema]
        elif isinstance(schema, dict) and isinstance(schema.get("type"), dict | list):
            schema = schema["type"]
        else:
            return schema


def _kind(schema: Any) -> str:
    return schema if isinstance(schema, str) else str(schema.get("type"))


def _text(schema: Any) -> str:
    if isinstance(schema, list):
        return " or ".join(_text(branch) for branch in schema)
    if isinstance(schema, dict) and "name" in schema:
        return str(schema["name"])
    return _kind(schema)


def _place(path: str) -> str:
    return f"field {path}:" if path else "the value:"
