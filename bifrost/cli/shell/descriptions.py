"""DESCRIBE and EXPLAIN as text, in the layout of ksqlDB's own shell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bifrost.clients.ksqldb_answers import type_text
from bifrost.redaction import redact_text

Json = Mapping[str, Any]
# The widths of ksqlDB's own shell.
_LABEL = 20
_VARIABLES = 12


def source_lines(source: Json) -> Iterator[str]:
    """DESCRIBE of a stream or table; more with EXTENDED."""
    if not source.get("extended"):
        yield _labelled("Name", source["name"])
        yield from _columns(source)
        yield "For runtime statistics and query details run: DESCRIBE <Stream,Table> EXTENDED;"
        return
    size = f"(partitions: {source.get('partitions', 0)}, replication: {source.get('replication', 0)})"
    yield _labelled("Name", source["name"])
    yield _labelled("Type", source["type"])
    yield _labelled("Timestamp field", source.get("timestamp") or "Not set - using <ROWTIME>")
    yield _labelled("Key format", source.get("keyFormat", ""))
    yield _labelled("Value format", source.get("valueFormat", ""))
    yield _labelled("Kafka topic", f"{source.get('topic', '')} {size}")
    yield _labelled("Statement", source.get("statement", ""))
    yield ""
    yield from _columns(source)
    yield from _queries(f"Queries that read from this {source['type']}", source.get("readQueries") or ())
    yield from _queries(f"Queries that write from this {source['type']}", source.get("writeQueries") or ())
    yield "For query topology and execution plan please run: EXPLAIN <QueryId>"
    yield from _statistics(source)
    yield from _offsets(source)


def query_lines(query: Json) -> Iterator[str]:
    """EXPLAIN of a query."""
    hosts = ", ".join(f"{host}={state}" for host, state in (query.get("ksqlHostQueryStatus") or {}).items())
    yield _labelled("ID", query["id"])
    if query.get("queryType"):
        yield _labelled("Query Type", query["queryType"])
    yield _labelled("SQL", query.get("statementText", ""))
    if hosts:
        yield _labelled("Host Query Status", f"{{{hosts}}}")
    yield ""
    yield from _columns(query)
    yield from _titled("Sources that this query reads from: ", query.get("sources") or ())
    yield from _titled("Sinks that this query writes to: ", query.get("sinks") or ())
    for title, key in (("Execution plan", "executionPlan"), ("Processing topology", "topology")):
        if query.get(key):
            yield from _titled(title, str(query[key]).rstrip().splitlines())
    properties = query.get("overriddenProperties") or {}
    if properties:
        yield from _titled("Overridden Properties", ())
        yield from table(("Property", "Value"), [(key, str(value)) for key, value in sorted(properties.items())])
    errors = [
        f"{_moment(entry.get('timestamp'))} {entry.get('errorMessage', '')}" for entry in query.get("queryErrors") or ()
    ]
    if errors:
        yield from _titled("Query errors", errors)
    # Most states are 0, and most of the other figures of a query that has just begun.
    figures = [entry for entry in query.get("statistics") or () if entry["value"]]
    if figures:
        yield from _titled("Statistics", ())
        yield from table(("Metric", "Of", "Value"), [_figure(entry) for entry in figures])


def _figure(entry: Json) -> tuple[str, str, str]:
    value = float(entry["value"])
    return entry["name"], ", ".join(entry["labels"].values()), f"{value:,.0f}" if value.is_integer() else f"{value:.3f}"


def function_lines(function: Json) -> Iterator[str]:
    """DESCRIBE FUNCTION."""
    for label, key in (("Name", "name"), ("Author", "author"), ("Version", "version"), ("Overview", "description")):
        if function.get(key):
            yield f"{label:<{_VARIABLES}}: {_one_line(function[key])}"
    yield f"{'Type':<{_VARIABLES}}: {function.get('type', '')}"
    yield f"{'Jar':<{_VARIABLES}}: {function.get('path', '')}"
    yield f"{'Variations':<{_VARIABLES}}: "
    for variation in function.get("functions") or ():
        yield ""
        arguments = [_argument(argument) for argument in variation.get("arguments") or ()]
        yield f"\t{'Variation':<{_VARIABLES}}: {function['name']}({', '.join(arguments)})"
        yield f"\t{'Returns':<{_VARIABLES}}: {variation.get('returnType', '')}"
        if variation.get("description"):
            yield f"\t{'Description':<{_VARIABLES}}: {_one_line(variation['description'])}"
        for argument in variation.get("arguments") or ():
            if argument.get("description"):
                yield f"\t{argument['name']:<{_VARIABLES}}: {_one_line(argument['description'])}"


def connector_lines(described: Json) -> Iterator[str]:
    """DESCRIBE CONNECTOR."""
    status = described.get("status") or {}
    own = status.get("connector") or {}
    yield _labelled("Name", status.get("name", ""))
    yield _labelled("Class", described.get("connectorClass", ""))
    yield _labelled("Type", status.get("type", ""))
    yield _labelled("State", own.get("state", ""))
    yield _labelled("WorkerId", own.get("worker_id", ""))
    if own.get("trace"):
        # A trace may quote the configuration, passwords included.
        yield _labelled("Trace", redact_text(own["trace"]))
    tasks = status.get("tasks") or ()
    if tasks:
        yield ""
        rows = [(str(task["id"]), task["state"], _one_line(redact_text(task.get("trace") or ""))) for task in tasks]
        yield from table(("Task ID", "State", "Error Trace"), rows)
    for title, names in (
        ("Related topics", described.get("topics") or ()),
        ("KSQL sources", [source["name"] for source in described.get("sources") or ()]),
    ):
        if names:
            yield from _titled(title, names)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows below headings, with rules above the first and below the last row."""
    widths = [max(len(row[index]) for row in (headings, *rows)) for index in range(len(headings))]
    lines = [" " + " | ".join(map(str.ljust, row, widths)) + " " for row in (headings, *rows)]
    rule = "-" * len(lines[0])
    yield lines[0]
    yield rule
    yield from lines[1:]
    yield rule


def _columns(described: Json) -> Iterator[str]:
    fields = described.get("fields") or ()
    if not fields:
        return
    is_table = described.get("type") == "TABLE"
    rows = [
        (field["name"], f"{type_text(field['schema']):<16} {_role(field, described, is_table)}") for field in fields
    ]
    yield from table(("Field", "Type"), rows)


def _role(field: Json, described: Json, is_table: bool) -> str:
    match field.get("type"):
        case "KEY":
            window = described.get("windowType")
            kind = "primary key" if is_table else "key"
            return f"({kind}) (Window type: {window})" if window else f"({kind})"
        case "HEADER":
            name = field.get("headerKey")
            return f"(header('{name}'))" if name else "(headers)"
        case _:
            return ""


def _queries(title: str, queries: Sequence[Json]) -> Iterator[str]:
    if queries:
        lines = [
            f"{query['id']} ({query.get('state') or 'UNKNOWN'}) : {_one_line(query['queryString'])}"
            for query in queries
        ]
        yield from _titled(title, lines)
        yield ""


def _statistics(source: Json) -> Iterator[str]:
    entries = [*(source.get("clusterStatistics") or ()), *(source.get("clusterErrorStats") or ())]
    yield from _titled("Runtime statistics by host", ())
    if entries:
        rows = [
            (str(entry.get("host", "")), entry["name"], f"{entry['value']:.2f}", _moment(entry.get("timestamp")))
            for entry in entries
        ]
        yield from table(("Host", "Metric", "Value", "Last Message"), rows)
    else:
        yield "None so far"
    yield f"(Statistics of the local KSQL server interaction with the Kafka topic {source.get('topic', '')})"


def _offsets(source: Json) -> Iterator[str]:
    groups = source.get("queryOffsetSummaries") or ()
    if groups:
        yield ""
        yield "Consumer Groups summary:"
    for group in groups:
        yield ""
        yield _labelled("Consumer Group", group["groupId"])
        if not group.get("topicSummaries"):
            yield "<no offsets committed by this group yet>"
        for summary in group.get("topicSummaries") or ():
            offsets = summary.get("offsets") or ()
            lags = [entry["logEndOffset"] - entry["consumerOffset"] for entry in offsets]
            yield ""
            yield _labelled("Kafka topic", summary["kafkaTopic"])
            yield _labelled("Max lag", str(max(lags, default=0)))
            yield ""
            names = ("partition", "logStartOffset", "logEndOffset", "consumerOffset")
            rows = [(*(str(entry[name]) for name in names), str(lag)) for entry, lag in zip(offsets, lags, strict=True)]
            yield from table(("Partition", "Start Offset", "End Offset", "Offset", "Lag"), rows)


def _titled(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield ""
    yield title
    yield "-" * len(title)
    yield from lines


def _labelled(label: str, value: str) -> str:
    return f"{label:<{_LABEL}} : {value}"


def _argument(argument: Json) -> str:
    kind = f"{argument['type']}[]" if argument.get("isVariadic") else argument["type"]
    return f"{argument['name']} {kind}" if argument.get("name") else str(kind)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _moment(epoch_ms: int | None) -> str:
    return (
        "" if not epoch_ms else datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    )
