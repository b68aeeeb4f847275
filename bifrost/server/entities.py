"""Statement results as ksqlDB's JSON entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from bifrost.engine.statements.results import (
    AssertionResult,
    CommandResult,
    ConnectorAnswer,
    FunctionDescription,
    FunctionList,
    PropertyEntry,
    PropertyList,
    QueryDescriptions,
    QueryList,
    Result,
    SourceDescriptions,
    SourceList,
    TerminateResult,
    TopicEntry,
    TopicList,
    TypeList,
    VariableList,
    WarningResult,
)
from bifrost.server.descriptions import describe_function, query_description, query_info, source_description, type_info
from bifrost.sql.tree import SourceKind

Json = dict[str, Any]


def entity(result: Result, host: str, warnings: Sequence[str] = ()) -> Json:
    """The entity of a result with its warnings; `host` is the name of this server in status maps (`host:port`)."""
    listed = [{"message": warning} for warning in warnings]
    body = {"statementText": result.statement, **_body(result, host), "warnings": listed}
    return {"@type": body.pop("@type"), **body}


def _body(result: Result, host: str) -> Json:
    match result:
        case CommandResult():
            return _executed(result)
        case TerminateResult(query_id=query_id):
            return {"@type": "terminate_query", "queryId": query_id, "wasTerminated": True}
        case WarningResult():
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
        case FunctionDescription():
            return {"@type": "describe_function", **describe_function(result.function)}
        case PropertyList():
            return _property_list(result)
        case TypeList():
            return {"@type": "type_list", "types": {name: type_info(kind) for name, kind in result.types.items()}}
        case VariableList():
            entries = [{"name": name, "value": value} for name, value in result.variables.items()]
            return {"@type": "variables", "variables": entries}
        case ConnectorAnswer() | AssertionResult():
            return {"@type": result.kind, **result.body}
        case _:
            assert_never(result)


def _executed(result: CommandResult) -> Json:
    return {
        "@type": "currentStatus",
        "commandId": result.command_id,
        "commandStatus": command_status(result),
        "commandSequenceNumber": result.sequence,
    }


def command_status(result: CommandResult) -> Json:
    """The status of a command in the form of /status."""
    return {"status": "SUCCESS", "message": result.message, "queryId": result.query_id}


def _query_descriptions(result: QueryDescriptions, host: str) -> Json:
    if result.many:
        described = [query_description(query, host) for query in result.queries]
        return {"@type": "query_descriptions", "queryDescriptions": described}
    return {"@type": "queryDescription", "queryDescription": query_description(result.queries[0], host)}


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


def _property_list(result: PropertyList) -> Json:
    return {
        "@type": "properties",
        "properties": [_property(entry) for entry in result.properties],
        "overwrittenProperties": [entry.name for entry in result.properties if entry.is_overwritten],
        "defaultProperties": [entry.name for entry in result.properties if entry.is_default],
    }


def _property(entry: PropertyEntry) -> Json:
    return {
        "name": entry.name,
        "scope": "KSQL",
        "value": entry.value,
        "editable": entry.is_editable,
        "level": entry.level,
        "effect": entry.effect,
    }
