"""ksqlDB's answers to statements as blocks that the page draws: messages, tables, facts, texts and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bifrost.clients.ksqldb import effective_state
from bifrost.clients.ksqldb_answers import listed, listing, type_text
from bifrost.console.ksql_editor.plan_picture import picture_of
from bifrost.redaction import redact_text

Json = Mapping[str, Any]
_UNSHOWN = ("@type", "statementText", "warnings", "commandSequenceNumber", "commandId")
_SOURCE_FACTS = (
    ("type", "Type"),
    ("topic", "Topic"),
    ("keyFormat", "Key format"),
    ("valueFormat", "Value format"),
    ("windowType", "Window"),
    ("timestamp", "Timestamp column"),
    ("partitions", "Partitions"),
    ("replication", "Replicas"),
)


def blocks_of(entity: Json) -> list[Json]:
    """The blocks of the answer to one statement.

    Each has a `kind`: `message` (`text`, `level`), `table` (`title`, `columns`, `rows`), `facts` (`title`, `rows` of
    label and value), `text` (`title`, `text`), `picture` (see `picture_of`).
    """
    warnings = (_message(str(each.get("message", each)), "warning") for each in entity.get("warnings") or ())
    return [*warnings, *_blocks(entity)]


def _blocks(entity: Json) -> Iterator[Json]:
    rows = listing(entity)
    match entity:
        case {"commandStatus": {"status": status, **rest}}:
            yield _message(str(rest.get("message") or status), "good")
        case _ if rows is not None:
            yield _table("", rows.columns, rows.rows)
        case {"sourceDescriptions": [*found]}:
            yield from (block for source in found for block in _source(source))
        case {"queryDescriptions": [*found]}:
            yield from (block for query in found for block in _query(query))
        case {"sourceDescription": dict(source)}:
            yield from _source(source)
        case {"queryDescription": dict(query)}:
            yield from _query(query)
        case {"@type": "type_list", "types": dict(types)}:
            yield _table("", ("Type", "Schema"), [(name, type_text(types[name])) for name in sorted(types)])
        case {"@type": "describe_function"}:
            yield from _function(entity)
        case {"@type": "connector_info", "info": {"name": name}}:
            # Its configuration may hold passwords.
            yield _message(f"Created connector {name}", "good")
        case {"@type": "drop_connector", "connectorName": name}:
            yield _message(f"Dropped connector {name}", "good")
        case {"@type": "terminate_query", "queryId": name}:
            yield _message(f"Terminated query {name}", "good")
        case {"@type": "warning_entity" | "error_entity", "message": str(message)}:
            yield _message(message, "warning")
        case {"@type": "connector_description"}:
            yield from _connector(entity)
        case _:
            yield _facts("", [(name, listed(value)) for name, value in entity.items() if name not in _UNSHOWN])


def _source(source: Json) -> Iterator[Json]:
    is_table = source.get("type") == "TABLE"
    shown = _SOURCE_FACTS if source.get("extended") else _SOURCE_FACTS[:1]
    yield _facts(str(source["name"]), [(label, listed(source.get(key))) for key, label in shown])
    yield _columns(source, is_table=is_table)
    for title, key in (("Queries that read it", "readQueries"), ("Queries that write it", "writeQueries")):
        rows = [
            (query["id"], query.get("state") or "", listed(query["queryString"])) for query in source.get(key) or ()
        ]
        yield _table(title, ("Query", "State", "Statement"), rows)
    figures = [*(source.get("clusterStatistics") or ()), *(source.get("clusterErrorStats") or ())]
    yield _table("Statistics", ("Host", "Metric", "Value"), [_figure(entry) for entry in figures])
    yield _text("Statement", str(source.get("statement") or ""))


def _figure(entry: Json) -> tuple[str, str, str]:
    return str(entry.get("host", "")), str(entry["name"]), f"{entry['value']:.2f}"


def _query(query: Json) -> Iterator[Json]:
    servers = list((query.get("ksqlHostQueryStatus") or {}).values())
    state = effective_state(query.get("state") or "", {name: servers.count(name) for name in servers})
    facts = [
        ("Type", listed(query.get("queryType"))),
        ("State", state),
        ("Reads", listed(query.get("sources"))),
        ("Writes", listed(query.get("sinks"))),
        ("Window", listed(query.get("windowType"))),
        ("Consumer group", listed(query.get("consumerGroupId"))),
        *((name, str(value)) for name, value in sorted((query.get("overriddenProperties") or {}).items())),
    ]
    yield _facts(str(query["id"]), facts)
    for error in query.get("queryErrors") or ():
        yield _message(redact_text(str(error.get("errorMessage", ""))), "bad")
    picture = picture_of(query)
    if picture is not None:
        yield {"kind": "picture", **picture}
    yield _columns(query, is_table=False)
    yield _text("Statement", str(query.get("statementText") or ""))
    yield _text("Execution plan", str(query.get("executionPlan") or ""))
    yield _text("Topology", str(query.get("topology") or ""))


def _columns(described: Json, *, is_table: bool) -> Json:
    fields = described.get("fields") or ()
    rows = [(field["name"], type_text(field["schema"]), _role(field, is_table=is_table)) for field in fields]
    return _table("Columns", ("Column", "Type", "Part of"), rows)


def _role(field: Json, *, is_table: bool) -> str:
    match field.get("type"):
        case "KEY":
            return "primary key" if is_table else "key"
        case "HEADER":
            return f"header {field['headerKey']}" if field.get("headerKey") else "headers"
        case _:
            return "value"


def _function(function: Json) -> Iterator[Json]:
    labels = (("type", "Type"), ("description", "Description"), ("author", "Author"), ("version", "Version"))
    yield _facts(str(function["name"]), [(label, listed(function.get(key))) for key, label in labels])
    rows = [
        (
            f"{function['name']}({', '.join(_argument(each) for each in variation.get('arguments') or ())})",
            str(variation.get("returnType", "")),
            listed(variation.get("description")),
        )
        for variation in function.get("functions") or ()
    ]
    yield _table("Variations", ("Call", "Returns", "Description"), rows)


def _argument(argument: Json) -> str:
    kind = f"{argument['type']}{'[]' if argument.get('isVariadic') else ''}"
    return f"{argument['name']} {kind}" if argument.get("name") else kind


def _connector(described: Json) -> Iterator[Json]:
    status = described.get("status") or {}
    own = status.get("connector") or {}
    facts = [
        ("Class", listed(described.get("connectorClass"))),
        ("Type", listed(status.get("type"))),
        ("State", listed(own.get("state"))),
        ("Worker", listed(own.get("worker_id"))),
        ("Topics", listed(described.get("topics"))),
    ]
    yield _facts(str(status.get("name", "")), facts)
    # A trace may quote the configuration, passwords included.
    rows = [
        (str(task["id"]), task["state"], redact_text(task.get("trace") or "")) for task in status.get("tasks") or ()
    ]
    yield _table("Tasks", ("Task", "State", "Trace"), rows)
    yield _text("Trace", redact_text(str(own.get("trace") or "")))


def _message(text: str, level: str) -> Json:
    return {"kind": "message", "text": text, "level": level}


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Json:
    return {"kind": "table", "title": title, "columns": list(columns), "rows": [list(row) for row in rows]}


def _facts(title: str, rows: Sequence[tuple[str, str]]) -> Json:
    return {"kind": "facts", "title": title, "rows": [[label, value] for label, value in rows if value]}


def _text(title: str, text: str) -> Json:
    return {"kind": "text", "title": title, "text": text}
