"""Parts of ksqlDB's answers as texts: listings as rows, types as statements write them, values of cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
_LISTS = (
    "streams",
    "tables",
    "queries",
    "topics",
    "properties",
    "functions",
    "connectors",
    "variables",
    "plugins",
    "connectorsPlugins",
)
_DESCRIBED = ("describe_function", "connector_description")


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer to LIST or SHOW: names of columns and the texts of their cells, no columns if nothing is listed."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def listing(entity: Json) -> Listing | None:
    """The rows of an answer to LIST or SHOW; `None` for other answers."""
    # Descriptions have lists of such names as well.
    names = () if entity.get("@type") in _DESCRIBED else _LISTS
    found = next((entity[name] for name in names if isinstance(entity.get(name), list)), None)
    if found is None:
        return None
    entries = [entry if isinstance(entry, dict) else {"name": entry} for entry in found]
    # The text of a statement is long: it is the last column.
    columns = sorted(entries[0] if entries else (), key=lambda column: column == "queryString")
    return Listing(tuple(columns), tuple(tuple(listed(entry.get(column)) for column in columns) for entry in entries))


def listed(value: Any) -> str:
    """A value of a listing: on one line, queries by their ids."""
    match value:
        case None:
            return ""
        case str():
            return " ".join(value.split())
        case [{"id": _}, *_]:
            return ", ".join(str(query["id"]) for query in value)
        case list() if all(isinstance(item, str | int) for item in value):
            return ", ".join(map(str, value))
        case _:
            return cell(value)


def cell(value: Any) -> str:
    """A value of a row; null as in ksqlDB's shell."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case _:
            return json.dumps(value, ensure_ascii=False)


def type_text(schema: Json) -> str:
    """A column's type, from ksqlDB's JSON form, as ksqlDB's shell writes it."""
    match schema["type"]:
        case "ARRAY":
            return f"ARRAY<{type_text(schema['memberSchema'])}>"
        case "MAP":
            return f"MAP<STRING, {type_text(schema['memberSchema'])}>"
        case "STRUCT":
            members = [f"{part['name']} {type_text(part['schema'])}" for part in schema["fields"]]
            return f"STRUCT<{', '.join(members)}>"
        case "DECIMAL":
            size = schema.get("parameters") or {}
            return f"DECIMAL({size.get('precision')}, {size.get('scale')})"
        case "STRING":
            return "VARCHAR(STRING)"
        case plain:
            return str(plain)
