"""Whether a custom type of ksqlDB is the declared one."""

from __future__ import annotations

from collections.abc import Iterable

from bifrost.clients.ksqldb import Json
from bifrost.sql.types import SqlArray, SqlDecimal, SqlMap, SqlStruct, SqlType, quoted


def type_difference(declared: SqlType, live: Json) -> str | None:
    """Both types as text if they differ, else `None`; `live` is ksqlDB's JSON form, which omits the keys of maps."""
    wanted, found = _declared_text(declared), _live_text(live)
    return None if wanted == found else f"{found} -> {wanted}"


def _declared_text(kind: SqlType) -> str:
    match kind:
        case SqlArray(item):
            return f"ARRAY<{_declared_text(item)}>"
        case SqlMap(value=value):
            return f"MAP<STRING, {_declared_text(value)}>"
        case SqlStruct(fields):
            return _struct((field.name, _declared_text(field.type)) for field in fields)
        case SqlDecimal(precision, scale):
            return f"DECIMAL({precision}, {scale})"
        case _:
            return str(kind)


def _live_text(schema: Json) -> str:
    match schema["type"]:
        case "ARRAY":
            return f"ARRAY<{_live_text(schema['memberSchema'])}>"
        case "MAP":
            return f"MAP<STRING, {_live_text(schema['memberSchema'])}>"
        case "STRUCT":
            return _struct((field["name"], _live_text(field["schema"])) for field in schema["fields"])
        case "DECIMAL":
            size = schema.get("parameters") or {}
            return f"DECIMAL({size.get('precision')}, {size.get('scale')})"
        case name:
            return str(name)


def _struct(fields: Iterable[tuple[str, str]]) -> str:
    return f"STRUCT<{', '.join(f'{quoted(name)} {kind}' for name, kind in fields)}>"
