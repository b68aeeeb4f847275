"""ksqlDB's answers to statements as text."""

from __future__ import annotations

from typing import Any

from bifrost.cli.output import Screen
from bifrost.cli.shell.descriptions import connector_lines, function_lines, query_lines, source_lines, table
from bifrost.clients.ksqldb_answers import Listing, listed, listing, type_text

Entity = dict[str, Any]
_HIDDEN = ("@type", "statementText", "warnings")


def show_entity(entity: Entity, screen: Screen) -> None:
    """Show ksqlDB's answer to one statement."""
    for warning in entity.get("warnings") or ():
        screen.warn(str(warning.get("message", warning)))
    if "commandStatus" in entity:
        screen.say(entity["commandStatus"]["message"] or entity["commandStatus"]["status"])
        return
    rows = listing(entity)
    if rows is not None:
        _show_listing(rows, screen)
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


def _show_listing(found: Listing, screen: Screen) -> None:
    if found.rows:
        screen.table(list(found.columns), [list(row) for row in found.rows])
    else:
        screen.say("(none)")


def _fields(described: Entity) -> list[str]:
    plain = {key: value for key, value in described.items() if key not in _HIDDEN and value not in (None, "", [])}
    return [
        f"{key}\n{value}" if isinstance(value, str) and "\n" in value else f"{key:<20} {listed(value)}"
        for key, value in plain.items()
    ]
