"""ksqlDB's answers as tables for people."""

from __future__ import annotations

import json
from typing import Any

from bifrost.cli.output import Screen

Entity = dict[str, Any]
_LISTS = ("streams", "tables", "queries", "topics", "properties", "functions", "connectors", "variables", "plugins")
_DESCRIPTIONS = ("sourceDescriptions", "queryDescriptions")
_HIDDEN = ("@type", "statementText", "warnings", "statistics", "errorStats")


def show_entity(entity: Entity, screen: Screen) -> None:
    """Show ksqlDB's answer to one statement."""
    for warning in entity.get("warnings", ()):
        screen.warn(str(warning.get("message", warning)))
    if "commandStatus" in entity:
        screen.say(entity["commandStatus"]["message"] or entity["commandStatus"]["status"])
        return
    for name in _LISTS:
        if isinstance(entity.get(name), list):
            _show_rows(entity[name], screen)
            return
    for name in _DESCRIPTIONS:
        for described in entity.get(name, ()):
            _show_fields(described, screen)
            screen.say("")
        if name in entity:
            return
    _show_fields(next((value for key, value in entity.items() if key.endswith("Description")), entity), screen)


def cell(value: Any) -> str:
    """A value as a cell of a table."""
    match value:
        case str():
            return value
        case None:
            return ""
        case _:
            return json.dumps(value, ensure_ascii=False)


def _listed(value: Any) -> str:
    """A value of a listing: on one line, queries by their ids."""
    match value:
        case str():
            return " ".join(value.split())
        case [{"id": _}, *_]:
            return ", ".join(str(query["id"]) for query in value)
        case list() if all(isinstance(item, str | int) for item in value):
            return ", ".join(map(str, value))
        case _:
            return cell(value)


def _show_rows(found: list[Any], screen: Screen) -> None:
    rows = [entry if isinstance(entry, dict) else {"name": entry} for entry in found]
    if not rows:
        screen.say("(none)")
        return
    # The text of a statement is long: it stands last.
    columns = sorted(rows[0], key=lambda column: column == "queryString")
    screen.table(columns, [[_listed(row.get(column)) for column in columns] for row in rows])


def _show_fields(described: Entity, screen: Screen) -> None:
    plain = {key: value for key, value in described.items() if key not in _HIDDEN and value not in (None, "", [])}
    fields = plain.pop("fields", ())
    for key, value in plain.items():
        if isinstance(value, str) and "\n" in value:
            screen.say(f"{key}\n{value}")
        else:
            screen.say(f"{key:<20} {_listed(value)}")
    if fields:
        rows = [[field["name"], type_text(field["schema"]), field.get("type") or ""] for field in fields]
        screen.table(["Field", "Type", "Key"], rows)


def type_text(schema: Entity) -> str:
    """A column's type as ksqlDB writes it in statements."""
    inner = [type_text(part["schema"] if "schema" in part else part) for part in schema.get("fields") or ()]
    match schema["type"]:
        case "ARRAY":
            return f"ARRAY<{type_text(schema['memberSchema'])}>"
        case "MAP":
            return f"MAP<STRING, {type_text(schema['memberSchema'])}>"
        case "STRUCT":
            names = [part["name"] for part in schema["fields"]]
            return f"STRUCT<{', '.join(f'{name} {kind}' for name, kind in zip(names, inner, strict=True))}>"
        case "DECIMAL":
            given = schema.get("parameters") or {}
            return f"DECIMAL({given.get('precision')}, {given.get('scale')})"
        case plain:
            return str(plain)
