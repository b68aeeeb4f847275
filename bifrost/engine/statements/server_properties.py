"""The ksqlDB properties that this engine supports, with their defaults, as SHOW PROPERTIES lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bifrost.engine.statements.results import PropertyEntry

_FIXED: Mapping[str, str | None] = {
    "ksql.assert.schema.default.timeout.ms": "1000",
    "ksql.assert.topic.default.timeout.ms": "1000",
    "ksql.create.or.replace.enabled": "true",
    "ksql.headers.columns.enabled": "true",
    "ksql.hidden.topics": "_confluent.*,__confluent.*,_schemas,__consumer_offsets,__transaction_state",
    "ksql.insert.into.values.enabled": "true",
    "ksql.internal.topic.replicas": "1",
    "ksql.lambdas.enabled": "true",
    "ksql.output.topic.name.prefix": "",
    "ksql.persistence.default.format.key": "KAFKA",
    "ksql.persistence.default.format.value": None,
    "ksql.persistence.wrap.single.values": None,
    "ksql.persistent.prefix": "query_",
    "ksql.pull.queries.enable": "true",
    "ksql.query.error.max.queue.size": "10",
    "ksql.query.pull.stream.enabled": "true",
    "ksql.streams.num.stream.threads": "1",
    "ksql.suppress.enabled": "true",
    "ksql.transient.prefix": "transient_",
    "ksql.udfs.enabled": "true",
    "ksql.variable.substitution.enable": "true",
}
_OF_STREAMS: Mapping[str, str | None] = {
    "ksql.streams.auto.offset.reset": "latest",
    "ksql.streams.commit.interval.ms": "200",
    "ksql.streams.processing.guarantee": "at_least_once",
}
_OF_QUERIES: Mapping[str, str | None] = {
    "ksql.cast.strings.preserve.nulls": "true",
    "ksql.nested.error.set.null": "true",
    "ksql.query.pull.table.scan.enabled": "true",
    "ksql.timestamp.throw.on.invalid": "false",
}
_DEFAULTS = {**_FIXED, **_OF_STREAMS, **_OF_QUERIES}


def property_entries(service_id: str, server: Mapping[str, str], session: Mapping[str, str]) -> Iterator[PropertyEntry]:
    """All properties by name; the session's values override the server's, which override the defaults."""
    own = {"ksql.service.id": service_id, **server}
    for name in sorted({*_DEFAULTS, *own, *session}):
        yield PropertyEntry(
            name=name,
            value=session.get(name, own.get(name, _DEFAULTS.get(name))),
            level="QUERY" if name in _OF_QUERIES else "SERVER",
            is_editable=name in _OF_STREAMS or name in _OF_QUERIES or name in session,
            is_default=name not in own and name not in session,
            is_overwritten=name in session,
        )
