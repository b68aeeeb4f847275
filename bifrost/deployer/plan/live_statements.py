"""Finds the live streams, tables and queries of declared statements, and all that reads them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping

from bifrost.deployer.declared.declarations import Creating, Declarations, DeclaredStatement
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.state import LiveQuery, LiveSource, LiveState
from bifrost.deployer.plan.ksql_commands import drop_source, terminate
from bifrost.deployer.plan.statement_equality import Columns, statement_difference
from bifrost.errors import AnalysisError
from bifrost.sql.tree import CreateAsSelect, CreateSource, CreateType, InsertSelect, SourceKind, resolve_types
from bifrost.sql.types import SqlType


def columns_of(sources: Mapping[str, LiveSource]) -> Columns:
    """The names of each source's columns."""
    return {name: [column for column, _ in source.description.columns] for name, source in sources.items()}


def with_declared_types(declared: Declarations) -> Iterator[tuple[DeclaredStatement, Creating]]:
    """Each statement with its tree, in which declared types take the place of their names."""
    types = {item.tree.name: item.tree.type for item in declared.statements if isinstance(item.tree, CreateType)}
    return ((statement, _with_types(statement.tree, types)) for statement in declared.statements)


def commands_to_replace(name: str, live: LiveState) -> tuple[str, ...]:
    """The commands that remove a live source and everything that reads it, so that `up` can create them again."""
    removed = readers_first([name, *_readers(name, live)], live)
    queries = [query_id for query_id in queries_of(removed, live) if not is_of_source_table(query_id, live)]
    drops = [drop_source(SourceKind(live.sources[each].description.type), each) for each in removed]
    return (*map(terminate, queries), *drops, "run `up` again afterwards, which creates them again")


def readers_first(names: Iterable[str], live: LiveState) -> tuple[str, ...]:
    """Live sources in an order in which ksqlDB drops them: it refuses to drop one that others read."""
    remaining = dict.fromkeys(names)
    ordered: list[str] = []
    while remaining:
        read = {name for name in remaining if any(reads_source(other, name, live) for other in remaining)}
        # The second part ends the loop if sources ever read each other in a circle.
        free = [name for name in remaining if name not in read] or list(remaining)
        ordered.extend(free)
        for name in free:
            del remaining[name]
    return tuple(ordered)


def queries_of(names: Iterable[str], live: LiveState) -> tuple[str, ...]:
    """The ids of the live queries that read or write these sources."""
    wanted = set(names)
    return tuple(query.summary.id for query in live.queries.values() if _touched(query) & wanted)


def is_of_source_table(query_id: str, live: LiveState) -> bool:
    """Whether a query belongs to a CREATE SOURCE TABLE: it cannot be terminated and ends with DROP TABLE."""
    return any(
        isinstance(source.tree, CreateSource)
        and source.tree.is_source
        and re.fullmatch(rf"CST_{re.escape(name)}_\d+", query_id)
        for name, source in live.sources.items()
    )


def query_of(source: LiveSource, live: LiveState) -> LiveQuery | None:
    """The query that a CREATE ... AS SELECT started, `None` when it was terminated."""
    for query_id in source.description.written_by:
        query = live.queries.get(query_id)
        if query is not None and not query_id.startswith("INSERTQUERY") and not isinstance(query.tree, InsertSelect):
            return query
    return None


def insert_query_of(tree: InsertSelect, queries: Iterable[LiveQuery], columns: Columns) -> LiveQuery | None:
    """The live query of an INSERT INTO ... SELECT, `None` when there is none."""
    return next(
        (
            query
            for query in queries
            if isinstance(query.tree, InsertSelect) and statement_difference(tree, query.tree, columns) is None
        ),
        None,
    )


def reads_source(name: str, other: str, live: LiveState) -> bool:
    """Whether the live source `name` reads `other`, or is declared on the topic that the query of `other` writes."""
    tree, sink = live.sources[name].tree, live.sources[other]
    if name == other or tree is None:
        return False
    is_on_topic = isinstance(tree, CreateSource) and isinstance(sink.tree, CreateAsSelect)
    return other in read_by(tree) or (is_on_topic and live.sources[name].description.topic == sink.description.topic)


def foreign_readers(name: str, declared: Declarations, live: LiveState, pruned: Container[str]) -> tuple[str, ...]:
    """What reads or writes a live source and is neither declared nor removed by the same plan, nor ours to end."""
    known = {statement.name for statement in declared.statements}
    sources = [
        other
        for other in sorted(live.sources)
        if other not in known and other not in pruned and reads_source(other, name, live)
    ]
    columns = columns_of(live.sources)
    inserts = [tree for _, tree in with_declared_types(declared) if isinstance(tree, InsertSelect)]
    queries = [
        query_id
        for query_id in queries_of([name], live)
        if isinstance(insert := live.queries[query_id].tree, InsertSelect)
        and query_id not in pruned
        and query_id not in live.owned.queries
        and not any(statement_difference(tree, insert, columns) is None for tree in inserts)
    ]
    return (*sources, *queries)


def read_by(tree: Creating | None) -> tuple[str, ...]:
    """The streams and tables that a live statement reads; none where it cannot be parsed."""
    return () if tree is None else tuple(names_read(tree))


def _readers(name: str, live: LiveState) -> list[str]:
    """All that is computed from a source."""
    found = [name]
    # The list grows while it is walked: so readers of readers are found, too.
    for current in found:
        found.extend(other for other in live.sources if other not in found and reads_source(other, current, live))
    return found[1:]


def _touched(query: LiveQuery) -> set[str]:
    return {*read_by(query.tree), *query.summary.sinks}


def _with_types(tree: Creating, types: Mapping[str, SqlType]) -> Creating:
    if not types:
        return tree
    try:
        return resolve_types(tree, types)
    except AnalysisError:
        return tree
