"""A ksqlDB server as the deployer sees it: it lists the statements it received, filled in like the real one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from bifrost.clients.kafka import TopicDescription
from bifrost.server.descriptions import type_info
from bifrost.sql.formatter import format_statement
from bifrost.sql.parser import parse_script, parse_statement
from bifrost.sql.tree import (
    AliasedSource,
    ColumnRef,
    CreateAsSelect,
    CreateSource,
    CreateType,
    DescribeSource,
    DropSource,
    DropType,
    Explain,
    InsertSelect,
    InsertValues,
    IntegerLiteral,
    Node,
    PauseQuery,
    ResumeQuery,
    Show,
    StringLiteral,
    Subject,
    TerminateQuery,
    transform,
    walk,
)
from tests.fakes.http_server import Answer, FakeServer, Request
from tests.fakes.kafka import FakeTopics

READS = ("SHOW", "LIST", "DESCRIBE", "EXPLAIN")


@dataclass
class Source:
    tree: CreateSource | CreateAsSelect
    text: str


@dataclass
class FakeKsql:
    sources: dict[str, Source] = field(default_factory=dict)
    queries: dict[str, dict[str, Any]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    subjects_needed: Any = None
    statements: list[str] = field(default_factory=list)
    number: int = 0
    topics: FakeTopics | None = None
    inferred: dict[str, str] = field(default_factory=dict)
    """The value columns that a source takes from the registry, as in a statement, by topic."""

    def server(self) -> FakeServer:
        return FakeServer(self.respond, is_write=lambda request: request.method == "POST" and not _reads(request))

    def respond(self, request: Request) -> Answer:
        if request.path == "/info":
            return Answer(
                200, {"KsqlServerInfo": {"version": "7.6.0", "ksqlServiceId": "x", "serverStatus": "RUNNING"}}
            )
        answers = []
        for statement in parse_script(request.body["ksql"]):
            self.statements.append(statement.text)
            found = self._answer(statement.tree, statement.text)
            if isinstance(found, Answer):
                return found
            answers.append(found)
        return Answer(200, answers)

    def _answer(self, tree: Any, text: str) -> dict[str, Any] | Answer:
        match tree:
            case Show(subject=Subject.STREAMS | Subject.TABLES as subject, extended=extended):
                kind = subject.value.removesuffix("S")
                if extended:
                    found = [name for name, source in self.sources.items() if source.tree.kind.value == kind]
                    return {"sourceDescriptions": [self._description(name) for name in found]}
                listed = [self._summary(source) for source in self.sources.values() if source.tree.kind.value == kind]
                return {subject.value.lower(): listed}
            case Show(subject=Subject.QUERIES, extended=True):
                return {"queryDescriptions": [self._query_description(query) for query in self.queries.values()]}
            case Show(subject=Subject.QUERIES):
                return {"queries": list(self.queries.values())}
            case Show(subject=Subject.TYPES):
                return {
                    "types": {name: type_info(parse_statement(text).tree.type) for name, text in self.types.items()}
                }
            case DescribeSource(name=name):
                return {"sourceDescription": self._description(name)}
            case Explain(query_id=query_id):
                return {"queryDescription": {"queryErrors": self.queries[query_id].get("errors", [])}}
            case CreateSource() | CreateAsSelect():
                return self._create(tree, text)
            case CreateType(name=name):
                self.types[name] = text
                return _done(text)
            case InsertSelect(target=target):
                self._start(f"INSERTQUERY_{self._next()}", format_statement(tree), target)
                return _done(text)
            case InsertValues(target=target):
                if self.topics is not None:
                    topic = _topic(self.sources[target].tree)
                    self.topics.records[topic] = self.topics.records.get(topic, 0) + 1
                return _done(text)
            case DropType(name=name):
                self.types.pop(name, None)
                return _done(text)
            case DropSource(name=name):
                return self._drop(name, text, delete_topic=tree.delete_topic)
            case TerminateQuery(query_id=query_id):
                if self.queries.pop(query_id, None) is None:
                    return _refused(text, f"Unknown queryId: {query_id}")
                return _done(text)
            case PauseQuery(query_id=query_id):
                self.queries[query_id]["state"] = "PAUSED"
                return _done(text)
            case ResumeQuery(query_id=query_id):
                self.queries[query_id]["state"] = "RUNNING"
                return _done(text)
        return _refused(text, "not understood")

    def _create(self, tree: CreateSource | CreateAsSelect, text: str) -> dict[str, Any] | Answer:
        if tree.name in self.sources and tree.or_replace:
            return self._change(tree, text)
        if tree.name in self.sources:
            return _refused(text, f"Cannot add stream '{tree.name}': A stream with the same name already exists")
        missing = self.subjects_needed(tree) if self.subjects_needed is not None else None
        if missing:
            return _refused(text, f"Schema for message values on topic {missing} does not exist")
        filled = self._with_inferred(filled_in(tree))
        self.sources[tree.name] = Source(filled, format_statement(filled))
        if isinstance(tree, CreateAsSelect):
            if self.topics is not None:
                name = _topic(tree)
                partitions = int(filled.properties["PARTITIONS"].value)
                topic = TopicDescription(name, partitions, 1, {"cleanup.policy": "delete"})
                self.topics.there.setdefault(name, topic)
            prefix = "CSAS" if tree.kind.value == "STREAM" else "CTAS"
            self._start(f"{prefix}_{tree.name}_{self._next()}", format_statement(filled), tree.name)
        return _done(text)

    def _change(self, tree: CreateSource | CreateAsSelect, text: str) -> dict[str, Any]:
        """In place: the query keeps its id and its committed offsets."""
        listed = format_statement(filled_in(replace(tree, or_replace=False)))
        self.sources[tree.name] = Source(tree, listed)
        for query in self.queries.values():
            if query["sinks"] == [tree.name] and not query["id"].startswith("INSERT"):
                query["queryString"] = listed
        return _done(text)

    def _drop(self, name: str, text: str, *, delete_topic: bool) -> dict[str, Any] | Answer:
        """As ksqlDB: refused while queries or other sources read it."""
        if name not in self.sources:
            return _done(text)
        others = [other for other in self.sources if other != name and name in _read(self.sources[other].text)]
        own = f"CST_{name}_"
        readers = (query["id"] for query in self.queries.values() if name in _read(query["queryString"]))
        queries = [query_id for query_id in readers if not query_id.startswith(own)]
        if others or queries:
            return _refused(text, f"Cannot drop {name}: read by {', '.join((*others, *queries))}")
        self.queries = {query_id: query for query_id, query in self.queries.items() if not query_id.startswith(own)}
        topic = _topic(self.sources.pop(name).tree)
        if delete_topic and self.topics is not None:
            self.topics.there.pop(topic, None)
            self.topics.records.pop(topic, None)
        return _done(text)

    def _query_description(self, query: dict[str, Any]) -> dict[str, Any]:
        group = f"_confluent-ksql-default_query_{query['id']}"
        sources = sorted(_read(query["queryString"]))
        return {
            "id": query["id"],
            "statementText": query["queryString"],
            "sources": sources,
            "sinks": query["sinks"],
            "queryType": "PERSISTENT",
            "consumerGroupId": group,
            "state": query["state"],
        }

    def _with_inferred(self, tree: CreateSource | CreateAsSelect) -> CreateSource | CreateAsSelect:
        columns = self.inferred.get(_topic(tree))
        if columns is None or not isinstance(tree, CreateSource):
            return tree
        text = f"CREATE STREAM X ({columns}) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON');"
        return replace(tree, elements=(*tree.elements, *parse_statement(text).tree.elements))

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _start(self, query_id: str, text: str, sink: str) -> None:
        query = {"id": query_id, "queryString": text, "sinks": [sink], "state": "RUNNING", "queryType": "PERSISTENT"}
        self.queries[query_id] = query
        if self.topics is not None:
            inputs = (_topic(self.sources[name].tree) for name in _read(text) if name in self.sources)
            ends = {topic: {0: self.topics.records.get(topic, 0)} for topic in inputs}
            self.topics.committed[f"_confluent-ksql-default_query_{query_id}"] = ends

    def _summary(self, source: Source) -> dict[str, Any]:
        return {"name": source.tree.name, "type": source.tree.kind.value, "topic": _topic(source.tree)}

    def _description(self, name: str) -> dict[str, Any]:
        source = self.sources[name]
        written = [{"id": query["id"]} for query in self.queries.values() if name in query["sinks"]]
        read = [{"id": query["id"]} for query in self.queries.values() if name in _read(query["queryString"])]
        return {
            **self._summary(source),
            "statement": source.text,
            "fields": [{"name": column, "schema": {"type": "STRING"}} for column in _columns(source.tree)],
            "partitions": 1,
            "writeQueries": written,
            "readQueries": read,
        }


def filled_in(tree: CreateSource | CreateAsSelect) -> CreateSource | CreateAsSelect:
    """As ksqlDB lists it: defaults in WITH, columns qualified, aliases written out."""
    topic = StringLiteral(_topic(tree))
    defaults = {"CLEANUP_POLICY": StringLiteral("delete"), "KAFKA_TOPIC": topic}
    if isinstance(tree, CreateSource):
        if "FORMAT" not in tree.properties:
            defaults["KEY_FORMAT"] = StringLiteral("KAFKA")
        properties = {**defaults, **tree.properties}
        return replace(tree, properties=replace(tree.properties, entries=properties))
    properties = {
        **defaults,
        "PARTITIONS": IntegerLiteral(1),
        "REPLICAS": IntegerLiteral(1),
        "RETENTION_MS": IntegerLiteral(604800000),
        **tree.properties,
    }
    query = tree.query
    if isinstance(query.source, AliasedSource):
        alias = query.source.alias
        query = transform(query, lambda node: _qualified(node, alias))
    return replace(tree, query=query, properties=replace(tree.properties, entries=properties))


def _qualified(node: Node, alias: str) -> Node:
    return replace(node, source=alias) if isinstance(node, ColumnRef) and node.source is None else node


def _topic(tree: CreateSource | CreateAsSelect) -> str:
    return str(getattr(tree.properties.get("KAFKA_TOPIC"), "value", tree.name))


def _columns(tree: CreateSource | CreateAsSelect) -> list[str]:
    if isinstance(tree, CreateSource):
        return [element.name for element in tree.elements]
    return [item.alias or item.expression.name for item in tree.query.select if hasattr(item, "expression")]


@cache
def _read(text: str) -> frozenset[str]:
    """The sources that a query reads; each description of a source asks this of every query."""
    (statement,) = parse_script(text)
    if isinstance(statement.tree, CreateSource):
        return frozenset({statement.tree.name})
    return frozenset(node.name for node in walk(statement.tree.query.source) if isinstance(node, AliasedSource))


def _reads(request: Request) -> bool:
    return isinstance(request.body, dict) and str(request.body.get("ksql", "")).lstrip().upper().startswith(READS)


def _done(text: str) -> dict[str, Any]:
    status = {"status": "SUCCESS", "message": "", "queryId": None}
    return {"@type": "currentStatus", "statementText": text, "commandId": "a/b/c", "commandStatus": status}


def _refused(text: str, message: str) -> Answer:
    return Answer(400, {"@type": "statement_error", "error_code": 40001, "message": message, "statementText": text})
