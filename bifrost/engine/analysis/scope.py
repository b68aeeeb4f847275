"""The sources of a query and their columns."""

from __future__ import annotations

from dataclasses import dataclass

from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.schema import PSEUDO_COLUMNS, WINDOW_BOUNDS
from bifrost.errors import AnalysisError
from bifrost.sql.tree import AliasedSource, ColumnRef, Expression, Join, Node, Relation, rewrite, walk

SYSTEM_COLUMNS = frozenset(PSEUDO_COLUMNS) | frozenset(WINDOW_BOUNDS)
"""Reserved names: no column of a source can have them."""


@dataclass(frozen=True, slots=True)
class AnalyzedSource:
    """A source of the query and its alias."""

    alias: str
    source: DataSource

    def offers(self, name: str) -> bool:
        """Whether the source has such a column; pseudo columns and the window bounds of its key count."""
        if name in PSEUDO_COLUMNS or (name in WINDOW_BOUNDS and self.source.is_windowed):
            return True
        return self.source.schema.find(name) is not None


@dataclass(frozen=True, slots=True)
class QueryScope:
    """The sources of a query, left to right."""

    sources: tuple[AnalyzedSource, ...]

    @property
    def is_join(self) -> bool:
        """Whether the query has more than one source."""
        return len(self.sources) > 1

    def find(self, alias: str) -> AnalyzedSource | None:
        """The source of that alias, or None."""
        return next((source for source in self.sources if source.alias == alias), None)

    def aliases_with(self, name: str) -> list[str]:
        """The aliases of the sources that offer a column of that name."""
        return [source.alias for source in self.sources if source.offers(name)]

    def clashes(self, name: str) -> bool:
        """Whether several sources have a column of that name."""
        return len(self.aliases_with(name)) > 1

    def require(self, alias: str) -> AnalyzedSource:
        """The source of that alias.

        Raises:
            AnalysisError: the query has no such alias.
        """
        source = self.find(alias)
        if source is None:
            raise AnalysisError(f"Failed to prepare statement: '{alias}' is not a valid stream/table name or alias.")
        return source


def scope_of(relation: Relation, metastore: MetaStore) -> QueryScope:
    """The scope of a FROM clause.

    Raises:
        AnalysisError: a source does not exist.
    """
    return QueryScope(
        tuple(AnalyzedSource(leaf.alias, require_source(leaf.name, metastore)) for leaf in aliased_sources(relation))
    )


def require_source(name: str, metastore: MetaStore) -> DataSource:
    """The source of that name.

    Raises:
        AnalysisError: no such source exists; the message suggests a name that differs only in case.
    """
    source = metastore.find(name)
    if source is None:
        raise AnalysisError(
            f"Exception while preparing statement: {name} does not exist.{did_you_mean(name, metastore)}"
        )
    return source


def did_you_mean(name: str, metastore: MetaStore) -> str:
    """A hint that names a source whose name differs only in case, or an empty text."""
    similar = [other.name for other in metastore if other.name != name and other.name.upper() == name.upper()]
    if not similar:
        return ""
    best = similar[0]
    if best.upper() == best:
        return f"\nDid you mean {best}? Hint: try removing double quotes from the source name."
    return f'\nDid you mean "{best}"? Hint: wrap the source name in double quotes to make it case-sensitive.'


def aliased_sources(relation: Relation) -> tuple[AliasedSource, ...]:
    """The sources of a FROM clause, left to right."""
    match relation:
        case AliasedSource():
            return (relation,)
        case Join(left=left, right=right):
            return (*aliased_sources(left), right)


def location_prefix(node: Node) -> str:
    """`Line: 1, Col: 8: ` for messages, or an empty text if the node has no location."""
    return "" if node.location is None else f"{node.location}: "


def join_alias(source: str, name: str) -> str:
    """The name of a source's column in a join's result."""
    return f"{source}_{name}"


def unqualify(expression: Expression, scope: QueryScope) -> Expression:
    """The expression over the columns of the query's steps, without qualifiers.

    Step columns have the source's names, or `<ALIAS>_<NAME>` in joins.
    """

    def change(part: Expression) -> Expression | None:
        if not isinstance(part, ColumnRef):
            return None
        if part.source is None:
            return part
        name = join_alias(part.source, part.name) if scope.is_join else part.name
        return ColumnRef(name, location=part.location)

    return rewrite(expression, change)


def columns_in(expression: Node) -> list[ColumnRef]:
    """The columns that an expression reads, in order of their first appearance."""
    found = dict.fromkeys(node for node in walk(expression) if isinstance(node, ColumnRef))
    return list(found)
