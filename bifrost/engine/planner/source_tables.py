"""Plans the query of CREATE SOURCE TABLE, which materializes the table for pull queries."""

from __future__ import annotations

from bifrost.engine.analysis.scope import AnalyzedSource
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import QueryPlan, SelectItem, TableSelect
from bifrost.engine.planner.ddl.source_checks import names_and_types
from bifrost.engine.planner.sources import source_stage
from bifrost.engine.planner.stage import schema_of
from bifrost.sql.tree import ColumnRef


def materializing_query(source: DataSource, query_id: str, functions: FunctionRegistry) -> QueryPlan:
    """A plan without a sink; its last step has the table's declared columns."""
    stage = source_stage(AnalyzedSource(source.name, source), "KsqlTopic", functions, persistent=True)
    keys = names_and_types(source.schema.key)
    values = (*names_and_types(source.schema.value), *names_and_types(source.schema.headers))
    schema = schema_of(keys, values)
    selects = tuple(SelectItem(name, ColumnRef(name)) for name, _ in values)
    step = TableSelect("Project", schema, stage.step, tuple(name for name, _ in keys), selects)
    return QueryPlan(
        query_id=query_id, kind="CST", sources=(source.name,), sink=None, step=step, result="TABLE", schema=schema
    )
