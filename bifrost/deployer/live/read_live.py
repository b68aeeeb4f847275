"""Reads the live state of a target through the clients."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import lru_cache

from bifrost.clients.connect import ConnectorStatus
from bifrost.clients.kibana import KibanaClient
from bifrost.clients.ksqldb import Json, KsqlClient
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.clients.supervisor import ComponentStatus
from bifrost.dashboards.saved_objects import dashboard_id
from bifrost.deployer.declared.declarations import SUBJECT_SUFFIXES, Creating, Declarations, DeclaredSubject
from bifrost.deployer.live.change_details import with_change_details
from bifrost.deployer.live.ownership import Owned
from bifrost.deployer.live.state import (
    LiveConnector,
    LiveQuery,
    LiveSource,
    LiveState,
    LiveSubject,
    Platform,
    ServiceControl,
    TopicAdmin,
)
from bifrost.errors import ParseError, Refused, RemoteError, Unreachable
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import CreateAsSelect, CreateSource, InsertSelect, InsertValues

READERS = 8
"""How many requests read the live state at the same time."""


def is_running(platform: Platform) -> bool:
    """Whether any part of the target answers.

    On the embedded target the supervisor knows; elsewhere every REST API is tried once.
    """
    if platform.services is not None:
        return platform.services.is_running()
    probes = (
        lambda: platform.connect.names(patience_s=0),
        lambda: platform.ksqldb.info(patience_s=0),
        lambda: platform.registry.subjects(patience_s=0),
    )
    for probe in probes:
        try:
            probe()
        except Unreachable:
            continue
        # A refusal is an answer, too.
        except RemoteError:
            return True
        return True
    return False


def read_live(platform: Platform, declared: Declarations) -> LiveState:
    """The live state: what `declared` names, and everything in Connect and ksqlDB.

    Raises:
        Unreachable, NotReady: a part of the target does not answer while others do.
    """
    if not is_running(platform):
        return LiveState(
            is_running=False,
            is_unknown=platform.may_hold_data,
            templates=None if platform.search is None else {},
            buckets=None if platform.s3 is None else frozenset(),
            dashboards=None if platform.kibana is None else {},
        )
    with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="live-state") as readers:
        live = _read_running(platform, declared, readers)
    return with_change_details(platform, declared, live)


def _read_running(platform: Platform, declared: Declarations, readers: Executor) -> LiveState:
    """The live state of a target that runs. Each system is read beside the others: most of the time is waiting."""
    search, kibana, s3 = platform.search, platform.kibana, platform.s3
    services = readers.submit(_services, platform.services)
    in_ksqldb = readers.submit(read_ksqldb, platform.ksqldb)
    statuses, configs = readers.submit(platform.connect.statuses), readers.submit(platform.connect.configs)
    subjects = [readers.submit(_subject, platform.registry, subject) for subject in declared.subjects]
    topics = readers.submit(platform.kafka.describe, sorted({topic.name for topic in declared.topics}))
    written = readers.submit(_written, platform.kafka, declared)
    templates = None if search is None else readers.submit(search.templates)
    dashboards = None if kibana is None else readers.submit(_dashboards, kibana, declared)
    buckets = readers.submit(s3.buckets) if s3 is not None and declared.buckets else None
    sources, queries, types = in_ksqldb.result()
    sinks = {source.description.topic for source in sources.values() if isinstance(source.tree, CreateAsSelect)}
    others = sorted(sinks - {topic.name for topic in declared.topics})
    sink_topics = readers.submit(platform.kafka.describe, others) if others else None
    owned = readers.submit(_owned, platform, declared, sources, queries)
    left_topics, left_subjects = _left_behind(platform, declared, owned.result())
    return LiveState(
        sources=sources,
        queries=queries,
        types=types,
        topics={**topics.result(), **({} if sink_topics is None else sink_topics.result())},
        subjects=dict(found for subject in subjects if (found := subject.result()) is not None),
        connectors=_connectors(statuses.result(), configs.result()),
        written=written.result(),
        owned=owned.result(),
        services=services.result(),
        templates=None if templates is None else templates.result(),
        buckets=None if buckets is None else buckets.result(),
        dashboards=None if dashboards is None else dashboards.result(),
        left_topics=left_topics,
        left_subjects=left_subjects,
    )


def _left_behind(platform: Platform, declared: Declarations, owned: Owned) -> tuple[frozenset[str], frozenset[str]]:
    """The topics of earlier deployments that are not declared any more but exist, and the subjects of such topics."""
    former = owned.topics - declared.written_topics
    if not former:
        return frozenset(), frozenset()
    of_former = {f"{topic}{suffix}" for topic in former for suffix in SUBJECT_SUFFIXES}
    return former & platform.kafka.topics().keys(), frozenset(of_former.intersection(platform.registry.subjects()))


def read_ksqldb(
    client: KsqlClient,
) -> tuple[dict[str, LiveSource], dict[str, LiveQuery], dict[str, Json]]:
    """The streams and tables, the persistent queries and the custom types of a server, by name or id."""
    sources = _sources(client)
    queries = {query.id: LiveQuery(query, parse_or_none(query.statement)) for query in client.queries()}
    return sources, queries, {name.upper(): schema for name, schema in client.types().items()}


@lru_cache(maxsize=1024)
def parse_or_none(statement: str) -> Creating | None:
    """The tree of a statement that the server returned, `None` where it cannot be parsed.

    Trees are kept: while `up` waits, it reads the same statements several times a second.
    """
    try:
        found = parse_script(statement)
    except ParseError:
        return None
    tree = found[0].tree if len(found) == 1 else None
    return tree if isinstance(tree, CreateSource | CreateAsSelect | InsertSelect) else None


def _owned(
    platform: Platform, declared: Declarations, sources: Mapping[str, LiveSource], queries: Mapping[str, LiveQuery]
) -> Owned:
    """What this project created; nothing where Kafka refuses the record and ksqlDB holds only what is declared."""
    names = {item.name for item in declared.statements if isinstance(item.tree, CreateSource | CreateAsSelect)}
    inserts = any(isinstance(query.tree, InsertSelect) or query.tree is None for query in queries.values())
    is_complete = sources.keys() == names and not inserts and len(queries) <= len(sources)
    if platform.ownership is None:
        return Owned()
    try:
        return platform.ownership.read()
    except Refused:
        if is_complete and _all_run(platform.services, declared):
            return Owned()
        raise


def _all_run(services: ServiceControl | None, declared: Declarations) -> bool:
    """Whether no declared service is stopped, as an interrupted deployment leaves them."""
    names = {service.name for service in declared.services}
    return services is None or all(status.is_up for status in services.status() if status.name in names)


def _sources(client: KsqlClient) -> dict[str, LiveSource]:
    found = client.source_descriptions()
    return {source.name: LiveSource(source, parse_or_none(source.statement)) for source in found}


def _subject(client: SchemaRegistryClient, subject: DeclaredSubject) -> tuple[str, LiveSubject] | None:
    latest = client.latest(subject.name)
    if latest is None:
        return None
    return subject.name, LiveSubject(latest, client.version_of(subject.name, subject.schema))


def _connectors(
    statuses: Mapping[str, ConnectorStatus], configs: Mapping[str, Mapping[str, str]]
) -> dict[str, LiveConnector]:
    return {name: LiveConnector(config, statuses.get(name)) for name, config in configs.items()}


def _dashboards(client: KibanaClient, declared: Declarations) -> dict[str, str]:
    found = ((each.pipeline, client.attributes("dashboard", dashboard_id(each))) for each in declared.dashboards)
    return {name: str(live.get("description", "")) for name, live in found if live is not None}


def _written(kafka: TopicAdmin, declared: Declarations) -> frozenset[str]:
    targets = {item.tree.target for item in declared.statements if isinstance(item.tree, InsertValues)}
    topics = {item.topic for item in declared.statements if item.name in targets}
    existing = topics.intersection(kafka.topics()) if topics else ()
    # The next offset counts records that were deleted since; the first rows must not come back then.
    return frozenset(name for name in existing if any(offsets.next for offsets in kafka.offsets(name).values()))


def _services(services: ServiceControl | None) -> dict[str, ComponentStatus] | None:
    return None if services is None else {status.name: status for status in services.status()}
