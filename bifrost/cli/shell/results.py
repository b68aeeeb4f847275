"""ksqlDB's answers to statements as text."""

from __future__ import annotations

from typing import Any

from bifrost.cli.output import Screen
from bifrost.cli.shell.descriptions import connector_lines, function_lines, query_lines, source_lines, table, type_text
from bifrost.cli.shell.rows import cell

Entity = dict[str, Any]
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
_HIDDEN = ("@type", "statementText", "warnings")


def show_entity(entity: Entity, screen: Screen) -> None:
    """Show ksqlDB's answer to one statement."""
    for warning in entity.get("warnings") or ():
        screen.warn(str(warning.get("message", warning)))
    if "commandStatus" in entity:
        screen.say(entity["commandStatus"]["message"] or entity["commandStatus"]["status"])
        return
    for name in _LISTS:
        # Descriptions have lists of such names as well.
        if isinstance(entity.get(name), list) and entity.get("@type") not in _DESCRIBED:
            _show_rows(entity[name], screen)
            return
    for line in _lines(entity):
        screen.say(line)


def _lines(entity: Entity) -> list[str]:
    match entity:
        case {"sourceDescriptions": list(described)}:
            return [line for source in described for line in (*source_lines(source), "")]
        case {"queryDescriptions": list(described)}:
            return [line for query in described for line in (*query_lines(query), "")]
        case {"sourceDescription": dict(source)}:
            return list(source_lines(source))
        case {"queryDescription": dict(query)}:
            return list(query_lines(query))
        case {"@type": "type_list", "types": dict(types)}:
            names = sorted(types)
            return list(table(("Type Name", "Schema"), [(name, type_text(types[name])) for name in names]))
        case {"@type": "connector_info", "info": {"name": name}}:
            # Its configuration, which follows, may hold passwords.
            return [f"Created connector {name}"]
        case {"@type": "drop_connector", "connectorName": name}:
            return [f'Dropped connector "{name}"']
        case {"@type": "terminate_query", "queryId": name}:
            return [f"Terminated query {name}"]
        case {"@type": "warning_entity" | "error_entity", "message": str(message)}:
            return [message]
        case {"@type": "connector_description"}:
            return list(connector_lines(entity))
        case {"@type": "describe_function"}:
            return list(function_lines(entity))
        case _:
            return list(_fields(entity))


def _listed(value: Any) -> str:
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


def _show_rows(found: list[Any], screen: Screen) -> None:
    rows = [entry if isinstance(entry, dict) else {"name": entry} for entry in found]
    if not rows:
        screen.say("(none)")
        return
    # The text of a statement is long: it stands last.
    columns = sorted(rows[0], key=lambda column: column == "queryString")
    screen.table(columns, [[_listed(row.get(column)) for column in columns] for row in rows])


def _fields(described: Entity) -> list[str]:
    plain = {key: value for key, value in described.items() if key not in _HIDDEN and value not in (None, "", [])}
    return [
        f"{key}\n{value}" if isinstance(value, str) and "\n" in value else f"{key:<20} {_listed(value)}"
        for key, value in plain.items()
    ]
