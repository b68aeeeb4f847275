"""Results in ksqlDB's JSON: one function per kind of entity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from bifrost.engine.functions.library import Declaration, Overload
from bifrost.engine.functions.parameters import type_text
from bifrost.engine.metastore import SourceKind
from bifrost.engine.results import (
    Asserted,
    ConnectorAnswer,
    Executed,
    FunctionDescribed,
    FunctionList,
    PropertyEntry,
    PropertyList,
    QueryDescription,
    QueryDescriptions,
    QueryInfo,
    QueryList,
    QueryOffsets,
    Result,
    SourceDescription,
    SourceDescriptions,
    SourceList,
    SourceStatistics,
    TopicEntry,
    TopicList,
    TypeList,
    VariableList,
    Warned,
)
from bifrost.engine.schema import LogicalSchema, Namespace
from bifrost.sql.types import SqlArray, SqlDecimal, SqlMap, SqlStruct, SqlType

Json = dict[str, Any]
_DEPRECATED = (
    "The statistics field is deprecated and will be removed in a future version of ksql. "
    "Please update your client to the latest version and use statisticsMap instead.\n"
)


def entity(result: Result, host: str) -> Json:
    """The entity of a result; `host` is how this server is called in status maps (`host:port`)."""
    body = {"statementText": result.statement, **_body(result, host), "warnings": []}
    return {"@type": body.pop("@type"), **body}


def _body(result: Result, host: str) -> Json:
    match result:
        case Executed():
            return _executed(result)
        case Warned():
            return {"@type": "warning_entity", "message": result.message}
        case QueryList():
            return {"@type": "queries", "queries": [query_info(query) for query in result.queries]}
        case QueryDescriptions():
            return _query_descriptions(result, host)
        case SourceList():
            return _source_list(result)
        case SourceDescriptions():
            return _source_descriptions(result, host)
        case TopicList():
            return _topic_list(result)
        case FunctionList():
            return {"@type": "function_names", "functions": _functions(result)}
        case FunctionDescribed():
            return {"@type": "describe_function", **describe_function(result.function)}
        case PropertyList():
            return _property_list(result)
        case TypeList():
            return {"@type": "type_list", "types": {name: type_info(kind) for name, kind in result.types.items()}}
        case VariableList():
            entries = [{"name": name, "value": value} for name, value in result.variables.items()]
            return {"@type": "variables", "variables": entries}
        case ConnectorAnswer() | Asserted():
            return {"@type": result.kind, **result.body}
        case _:
            assert_never(result)


def _executed(result: Executed) -> Json:
    return {
        "@type": "currentStatus",
        "commandId": result.command_id,
        "commandStatus": command_status(result),
        "commandSequenceNumber": result.sequence,
    }


def command_status(result: Executed) -> Json:
    """The status of a command, as /status answers it."""
    return {"status": "SUCCESS", "message": result.message, "queryId": result.query_id}


def query_info(query: QueryInfo) -> Json:
    """A query as lists show it."""
    return {
        "queryString": query.statement,
        "sinks": list(query.sinks),
        "sinkKafkaTopics": list(query.sink_topics),
        "id": query.id,
        "statusCount": {query.state: 1},
        "queryType": query.kind,
        "state": query.state,
    }


def _query_descriptions(result: QueryDescriptions, host: str) -> Json:
    if result.many:
        described = [query_description(query, host) for query in result.queries]
        return {"@type": "query_descriptions", "queryDescriptions": described}
    return {"@type": "queryDescription", "queryDescription": query_description(result.queries[0], host)}


def query_description(query: QueryDescription, host: str) -> Json:
    """A query as EXPLAIN tells it."""
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
        "tasksMetadata": [],
        "consumerGroupId": query.group,
        "state": query.info.state or None,
    }


def _source_list(result: SourceList) -> Json:
    name = "streams" if result.kind is SourceKind.STREAM else "tables"
    entries = [
        {
            "type": source.kind.value,
            "name": source.name,
            "topic": source.topic,
            "keyFormat": source.formats.key.format.name,
            "valueFormat": source.formats.value.format.name,
            "isWindowed": source.is_windowed,
        }
        for source in result.sources
    ]
    return {"@type": name, name: entries}


def _source_descriptions(result: SourceDescriptions, host: str) -> Json:
    if result.many:
        entries = [source_description(source, host) for source in result.sources]
        return {"@type": "source_descriptions", "sourceDescriptions": entries}
    return {"@type": "sourceDescription", "sourceDescription": source_description(result.sources[0], host)}


def source_description(description: SourceDescription, host: str) -> Json:
    """A source as DESCRIBE tells it."""
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


def _statistics(counts: SourceStatistics, host: str) -> list[Json]:
    if counts.last_ms is None:
        return []
    values = {"consumer-total-messages": counts.consumed, "total-messages": counts.produced}
    return [
        {"name": name, "host": host, "value": float(value), "timestamp": counts.last_ms}
        for name, value in values.items()
        if value
    ]


def _error_statistics(counts: SourceStatistics, host: str) -> list[Json]:
    if not counts.failed:
        return []
    return [
        {"name": "failed-messages", "host": host, "value": float(counts.failed), "timestamp": counts.last_failed_ms}
    ]


def _statistics_text(counts: SourceStatistics) -> str:
    if counts.last_ms is None:
        return ""
    parts = []
    if counts.consumed:
        parts.append(f"consumer-total-messages: {counts.consumed:>9}")
    if counts.produced:
        parts.append(f"  total-messages: {counts.produced:>9}")
    return f"{_DEPRECATED}{' '.join(parts)}     last-message: {_instant(counts.last_ms)}"


def _errors_text(counts: SourceStatistics) -> str:
    if not counts.failed or counts.last_failed_ms is None:
        return ""
    return f"failed-messages: {counts.failed:>9}     last-failed: {_instant(counts.last_failed_ms)}"


def _instant(epoch_ms: int) -> str:
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _offsets(entry: QueryOffsets) -> Json:
    topics: dict[str, list[Json]] = {}
    for (topic, partition), (position, end) in sorted(entry.places.items()):
        place = {"partition": partition, "logStartOffset": 0, "logEndOffset": end, "consumerOffset": position}
        topics.setdefault(topic, []).append(place)
    summaries = [{"kafkaTopic": topic, "offsets": places} for topic, places in topics.items()]
    return {"groupId": entry.group, "topicSummaries": summaries}


def _topic_list(result: TopicList) -> Json:
    if result.extended:
        return {"@type": "kafka_topics_extended", "topics": [_extended_topic(topic) for topic in result.topics]}
    topics = [{"name": topic.name, "replicaInfo": list(topic.replicas)} for topic in result.topics]
    return {"@type": "kafka_topics", "topics": topics}


def _extended_topic(topic: TopicEntry) -> Json:
    return {
        "name": topic.name,
        "replicaInfo": list(topic.replicas),
        "consumerCount": topic.consumers,
        "consumerGroupCount": topic.groups,
    }


def _functions(result: FunctionList) -> list[Json]:
    found = (result.functions.describe(name) for name in result.functions.names())
    return [{"name": entry.name, "type": entry.kind, "category": entry.category} for entry in found]


def describe_function(declaration: Declaration) -> Json:
    """A function as DESCRIBE FUNCTION tells it."""
    return {
        "name": declaration.name,
        "description": declaration.description,
        "author": declaration.author,
        "version": declaration.version,
        "path": declaration.path,
        "functions": [_overload(overload) for overload in declaration.overloads],
        "type": declaration.kind,
    }


def _overload(overload: Overload) -> Json:
    arguments = [
        {"name": parameter.name, "type": type_text(parameter.type), "description": "", "isVariadic": parameter.variadic}
        for parameter in overload.signature.parameters
    ]
    return {
        "arguments": arguments,
        "returnType": type_text(overload.signature.result),
        "description": overload.description,
        "argumentTypes": [argument["type"] for argument in arguments],
    }


def _property_list(result: PropertyList) -> Json:
    return {
        "@type": "properties",
        "properties": [_property(entry) for entry in result.properties],
        "overwrittenProperties": [],
        "defaultProperties": [],
    }


def _property(entry: PropertyEntry) -> Json:
    return {
        "name": entry.name,
        "scope": entry.scope,
        "value": entry.value,
        "editable": entry.editable,
        "level": entry.level,
    }


def fields(schema: LogicalSchema) -> list[Json]:
    """The columns of a schema as `fields` of a description; key columns are marked."""
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
