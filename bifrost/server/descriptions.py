"""Descriptions of sources, queries and functions in ksqlDB's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from bifrost.engine.catalog.schema import LogicalSchema, Namespace
from bifrost.engine.functions.library import INTERNAL, Declaration, Overload
from bifrost.engine.functions.parameter_docs import parameter_description
from bifrost.engine.functions.parameters import type_text
from bifrost.engine.runtime.meters import CommitTimes
from bifrost.engine.statements.figures import Figure
from bifrost.engine.statements.results import (
    QueryDescription,
    QueryInfo,
    QueryOffsets,
    SourceDescription,
    SourceStatistics,
    TaskInfo,
)
from bifrost.sql.types import SqlArray, SqlDecimal, SqlMap, SqlStruct, SqlType

Json = dict[str, Any]
_DEPRECATED = (
    "The statistics field is deprecated and will be removed in a future version of ksql. "
    "Please update your client to the latest version and use statisticsMap instead.\n"
)


_CONSUMED = ("consumer-messages-per-sec", "consumer-total-messages", "consumer-total-bytes")
_PRODUCED = ("messages-per-sec", "total-messages")


def query_info(query: QueryInfo) -> Json:
    """A query as an entry of a list."""
    return {
        "queryString": query.statement,
        "sinks": list(query.sinks),
        "sinkKafkaTopics": list(query.sink_topics),
        "id": query.id,
        "statusCount": {query.state: 1},
        "queryType": query.kind,
        "state": query.state,
    }


def query_description(query: QueryDescription, host: str) -> Json:
    """A query in the form of EXPLAIN; `host` is the server's `host:port`."""
    errors = [{"timestamp": at, "errorMessage": message, "type": kind} for at, message, kind in query.errors]
    return {
        "id": query.info.id,
        "statementText": query.info.statement,
        "windowType": query.window,
        "fields": fields(query.schema),
        "sources": list(query.sources),
        "sinks": list(query.info.sinks),
        "topology": query.topology,
        "executionPlan": query.plan,
        "overriddenProperties": dict(query.properties),
        "ksqlHostQueryStatus": {host: query.info.state} if query.info.state else {},
        "queryType": query.info.kind,
        "queryErrors": errors,
        "tasksMetadata": [_task(task) for task in query.tasks],
        "consumerGroupId": query.group,
        "state": query.info.state or None,
        "statistics": list(_figures(query.figures)),
    }


def _figures(figures: Iterable[Figure]) -> Iterator[Json]:
    """The figures of a query as /metrics names them; this field is none of ksqlDB's."""
    for figure in figures:
        family = figure.family
        labels = {name: value for name, value in zip(family.labels, figure.labels, strict=True) if name != "query_id"}
        if isinstance(figure.value, CommitTimes):
            yield {"name": f"{family.name}_count", "labels": labels, "value": sum(figure.value.counts)}
            yield {"name": f"{family.name}_sum", "labels": labels, "value": figure.value.total_s}
        else:
            yield {"name": family.name, "labels": labels, "value": figure.value}


def _task(task: TaskInfo) -> Json:
    places = [
        {
            "topicPartitionEntity": {"topic": topic, "partition": partition},
            "endOffset": end,
            "committedOffset": position,
        }
        for (topic, partition), (position, end) in sorted(task.places.items())
    ]
    return {"taskId": task.id, "topicOffsets": places, "timeCurrentIdlingStarted": None}


def source_description(description: SourceDescription, host: str) -> Json:
    """A source in the form of DESCRIBE; `host` is the server's `host:port`."""
    source, counts = description.source, description.statistics
    window = source.formats.key.window
    return {
        "name": source.name,
        "windowType": window.kind.value if window is not None else None,
        "readQueries": [query_info(query) for query in description.readers],
        "writeQueries": [query_info(query) for query in description.writers],
        "fields": fields(source.schema),
        "type": source.kind.value,
        "timestamp": source.timestamp.column if source.timestamp is not None else "",
        "statistics": _statistics_text(counts) if description.extended else "",
        "errorStats": _errors_text(counts) if description.extended else "",
        "extended": description.extended,
        "keyFormat": source.formats.key.format.name,
        "valueFormat": source.formats.value.format.name,
        "topic": source.topic,
        "partitions": description.partitions,
        "replication": description.replicas,
        "statement": source.statement,
        "queryOffsetSummaries": [_offsets(entry) for entry in description.offsets],
        "sourceConstraints": list(description.constraints),
        "clusterStatistics": _statistics(counts, host),
        "clusterErrorStats": _error_statistics(counts, host),
    }


def _readings(counts: SourceStatistics) -> list[tuple[str, str, float, int]]:
    """Name, text, value and time of each figure, in ksqlDB's order."""
    found = []
    for reading, names in ((counts.consumed, _CONSUMED), (counts.produced, _PRODUCED)):
        if reading is not None:
            values = (reading.rate, reading.messages, reading.size)
            found += [
                (
                    name,
                    f"{name}:{value:>10.2f}" if number == 0 else f"{name}:{value:>10}",
                    float(value),
                    reading.last_ms,
                )
                for number, (name, value) in enumerate(zip(names, values, strict=False))
            ]
    return found


def _statistics(counts: SourceStatistics, host: str) -> list[Json]:
    return [
        {"name": name, "host": host, "value": value, "timestamp": last_ms}
        for name, _, value, last_ms in _readings(counts)
    ]


def _error_statistics(counts: SourceStatistics, host: str) -> list[Json]:
    if not counts.failed:
        return []
    return [
        {"name": "failed-messages", "host": host, "value": float(counts.failed), "timestamp": counts.last_failed_ms}
    ]


def _statistics_text(counts: SourceStatistics) -> str:
    readings = _readings(counts)
    if not readings:
        return ""
    last = max(last_ms for _, _, _, last_ms in readings)
    texts = [text for _, text, _, _ in readings]
    between = " " if counts.consumed is not None else "   "
    return f"{_DEPRECATED}{between.join(texts)}     last-message: {_instant(last)}"


def _errors_text(counts: SourceStatistics) -> str:
    if not counts.failed or counts.last_failed_ms is None:
        return ""
    return f"failed-messages:{counts.failed:>10}     last-failed: {_instant(counts.last_failed_ms)}"


def _instant(epoch_ms: int) -> str:
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    fraction = f"{epoch_ms % 1000:03d}".rstrip("0")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}Z" if fraction else "Z")


def _offsets(entry: QueryOffsets) -> Json:
    topics: dict[str, list[Json]] = {}
    for (topic, partition), (position, end) in sorted(entry.places.items()):
        place = {"partition": partition, "logStartOffset": 0, "logEndOffset": end, "consumerOffset": position}
        topics.setdefault(topic, []).append(place)
    summaries = [{"kafkaTopic": topic, "offsets": places} for topic, places in topics.items()]
    return {"groupId": entry.group, "topicSummaries": summaries}


def describe_function(declaration: Declaration) -> Json:
    """A function in the form of DESCRIBE FUNCTION."""
    return {
        "name": declaration.name,
        "description": declaration.description,
        "author": declaration.author,
        "version": declaration.version,
        "path": declaration.path,
        "functions": [_overload(overload, own=declaration.path == INTERNAL) for overload in declaration.overloads],
        "type": declaration.kind,
    }


def _overload(overload: Overload, *, own: bool) -> Json:
    """One signature. Only parameters of built-in functions have descriptions."""
    arguments = [
        {
            "name": parameter.name,
            "type": type_text(parameter.type),
            "description": parameter_description(parameter.name) if own else "",
            "isVariadic": parameter.variadic,
        }
        for parameter in overload.signature.parameters
    ]
    return {
        "arguments": arguments,
        "returnType": type_text(overload.signature.result),
        "description": overload.description,
        "argumentTypes": [argument["type"] for argument in arguments],
    }


def fields(schema: LogicalSchema) -> list[Json]:
    """The columns of a schema as `fields` of a description; key and header columns carry a type."""
    entries = []
    for column in schema:
        entry: Json = {"name": column.name, "schema": type_info(column.type)}
        if column.namespace is Namespace.KEY:
            entry["type"] = "KEY"
        elif column.namespace is Namespace.HEADERS:
            entry["type"] = "HEADER"
            if column.header is not None:
                entry["headerKey"] = column.header
        entries.append(entry)
    return entries


def type_info(kind: SqlType) -> Json:
    """A type as ksqlDB's SchemaInfo."""
    match kind:
        case SqlArray():
            return {"type": "ARRAY", "fields": None, "memberSchema": type_info(kind.item)}
        case SqlMap():
            return {"type": "MAP", "fields": None, "memberSchema": type_info(kind.value)}
        case SqlStruct():
            members = [{"name": field.name, "schema": type_info(field.type)} for field in kind.fields]
            return {"type": "STRUCT", "fields": members, "memberSchema": None}
        case SqlDecimal():
            parameters = {"precision": kind.precision, "scale": kind.scale}
            return {"type": "DECIMAL", "fields": None, "memberSchema": None, "parameters": parameters}
        case _:
            return {"type": str(kind), "fields": None, "memberSchema": None}
