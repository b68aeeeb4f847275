"""Plans the source steps, which read streams and tables."""

from __future__ import annotations

from dataclasses import dataclass

from bifrost.engine.analysis.scope import AnalyzedSource
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import WINDOW_BOUNDS
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import Step, StreamSource, TableSource
from bifrost.engine.planner.projection import Projection, missing_key
from bifrost.engine.planner.stage import Stage
from bifrost.errors import AnalysisError
from bifrost.sql.tree import ColumnRef, Expression, SourceKind


def star_of(source: DataSource) -> tuple[str, ...]:
    """The columns of a source that `*` expands to: key, window bounds, value, headers."""
    schema = source.schema
    bounds = tuple(WINDOW_BOUNDS) if source.is_windowed else ()
    values = tuple(column.name for column in (*schema.value, *schema.headers))
    return (*(column.name for column in schema.key), *bounds, *values)


@dataclass(frozen=True, slots=True)
class SourceOrigin:
    """Rows come from a source unchanged. `hides_bounds` excludes window bounds from `*` (persistent queries)."""

    source: AnalyzedSource
    hides_bounds: bool

    def star(self, alias: str | None) -> tuple[str, ...]:
        """All columns of the source."""
        names = star_of(self.source.source)
        return tuple(name for name in names if name not in WINDOW_BOUNDS) if self.hides_bounds else names

    def resolve(self, expression: Expression) -> Expression:
        """The expression unchanged."""
        return expression

    def check_keys(self, projection: Projection, sink: str) -> None:
        """Refuses a projection without all key columns."""
        names = [column.name for column in self.source.source.schema.key]
        if not all(projection.contains(ColumnRef(name, self.source.alias)) for name in names):
            raise AnalysisError(missing_key(sink, "key column", names))


def source_stage(source: AnalyzedSource, context: str, functions: FunctionRegistry, *, persistent: bool) -> Stage:
    """The stage that reads a source."""
    data = source.source
    origin = SourceOrigin(source, hides_bounds=persistent)
    return Stage(_source_step(data, f"{context}-Source"), data.kind, data.formats, origin, functions)


def _source_step(data: DataSource, context: str) -> Step:
    schema = data.schema.with_pseudo_columns(windowed=data.is_windowed)
    step = StreamSource if data.kind is SourceKind.STREAM else TableSource
    return step(
        context=context,
        schema=schema,
        source_name=data.name,
        topic=data.topic,
        source_schema=data.schema,
        formats=data.formats,
        timestamp=data.timestamp,
        window=data.formats.key.window,
    )
