"""ksqlDB's commands for what a plan removes or restarts, with names quoted where they need it."""

from __future__ import annotations

from bifrost.sql.keywords import needs_quotes, write_name
from bifrost.sql.tree import SourceKind


def drop_source(kind: SourceKind, name: str, *, if_exists: bool = False, delete_topic: bool = False) -> str:
    """DROP STREAM or DROP TABLE; the topic stays unless `delete_topic`, with which its subjects go, too."""
    topic = " DELETE TOPIC" if delete_topic else ""
    return f"DROP {kind.value} {'IF EXISTS ' if if_exists else ''}{write_name(name)}{topic};"


def drop_type(name: str) -> str:
    """DROP TYPE; sources that were created with the type keep their columns."""
    return f"DROP TYPE IF EXISTS {write_name(name)};"


def terminate(query_id: str) -> str:
    """TERMINATE of one query."""
    return f"TERMINATE {_query_id(query_id)};"


def resume(query_id: str) -> str:
    """RESUME of one query."""
    return f"RESUME {_query_id(query_id)};"


def pause(query_id: str) -> str:
    """PAUSE of one query."""
    return f"PAUSE {_query_id(query_id)};"


def _query_id(query_id: str) -> str:
    """Ids keep their case without quotes, so only their characters decide."""
    return "`" + query_id.replace("`", "``") + "`" if needs_quotes(query_id.upper()) else query_id
