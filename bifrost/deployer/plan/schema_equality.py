"""Whether two Avro schemas describe the same data, ignoring documentation and Connect's annotations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import fastavro
import fastavro.schema

_ANNOTATIONS = ("doc", "aliases")


def schema_difference(declared: str, live: str) -> str | None:
    """The differences, naming fields, or `None`."""
    wanted, found = _plain(json.loads(declared)), _plain(_decoded(live))
    if wanted == found:
        return None
    wanted_fields, found_fields = _fields(wanted), _fields(found)
    missing = [name for name in wanted_fields if name not in found_fields]
    extra = [name for name in found_fields if name not in wanted_fields]
    changed = [
        f"{name} is {_short(found_fields[name])}, not {_short(kind)}"
        for name, kind in wanted_fields.items()
        if name in found_fields and found_fields[name] != kind
    ]
    parts = (
        [f"field {name} is not live" for name in missing] + [f"field {name} is live only" for name in extra] + changed
    )
    return "; ".join(parts) or "the order of fields, their defaults or the record's name differ"


def _decoded(schema: str) -> Any:
    try:
        return json.loads(schema)
    except ValueError:
        return schema


def _plain(schema: Any) -> Any:
    match schema:
        case list():
            return [_plain(item) for item in schema]
        case dict():
            relevant = {
                key: _plain(value)
                for key, value in schema.items()
                if key not in _ANNOTATIONS and not key.startswith("connect.")
            }
            # {"type": "string"} and "string" are the same schema.
            return relevant["type"] if set(relevant) == {"type"} else relevant
        case _:
            return schema


def _fields(schema: Any) -> Mapping[str, Any]:
    if not isinstance(schema, dict) or not isinstance(schema.get("fields"), list):
        return {}
    return {field["name"]: field["type"] for field in schema["fields"]}


def _short(kind: Any) -> str:
    return kind if isinstance(kind, str) else json.dumps(kind)


def avro_problem(schema: Any) -> str | None:
    """Why `schema` is not an Avro schema, `None` when it is one."""
    try:
        fastavro.parse_schema(schema)
    except (
        fastavro.schema.SchemaParseException,
        fastavro.schema.UnknownType,
        TypeError,
        KeyError,
        ValueError,
    ) as error:
        return str(error) or type(error).__name__
    return None
