"""Hypothesis strategies: types, expressions and statements as the parser could have made them."""

from __future__ import annotations

from types import MappingProxyType

from hypothesis import strategies as st

from bifrost.sql import tree as t
from bifrost.sql import types as ty
from bifrost.sql.keywords import KEYWORDS
from bifrost.sql.parse_types import PRIMITIVES

LAMBDA_PARAMETERS = ("LX", "LY")

texts = st.text(max_size=8)
names = st.one_of(
    st.from_regex(r"[A-Z_][A-Z0-9_@]{0,6}", fullmatch=True),
    st.sampled_from(sorted(KEYWORDS)),
    st.text(min_size=1, max_size=6),
).filter(lambda name: name not in LAMBDA_PARAMETERS)
function_names = st.one_of(st.from_regex(r"[A-Z_][A-Z0-9_]{0,6}", fullmatch=True), st.sampled_from(sorted(KEYWORDS)))
query_ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
booleans = st.booleans()


def _struct_fields(types: st.SearchStrategy) -> st.SearchStrategy:
    fields = st.builds(ty.StructField, names, types)
    return st.lists(fields, max_size=3, unique_by=lambda field: field.name).map(tuple)


sql_types = st.recursive(
    st.one_of(
        st.sampled_from(list(ty.SqlPrimitive)),
        st.integers(1, 38).flatmap(lambda p: st.builds(ty.SqlDecimal, st.just(p), st.integers(0, p))),
        st.builds(ty.SqlCustom, names.filter(lambda name: name not in PRIMITIVES)),
    ),
    lambda inner: st.one_of(
        st.builds(ty.SqlArray, inner),
        st.builds(ty.SqlMap, inner, inner),
        st.builds(ty.SqlStruct, _struct_fields(inner)),
    ),
    max_leaves=5,
)

literals = st.one_of(
    st.just(t.NullLiteral()),
    st.builds(t.BooleanLiteral, booleans),
    st.builds(t.IntegerLiteral, st.integers(-(2**31), 2**31 - 1)),
    st.builds(t.LongLiteral, st.integers(2**31, 2**63 - 1) | st.integers(-(2**63), -(2**31) - 1)),
    st.builds(t.DoubleLiteral, st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(t.DecimalLiteral, st.from_regex(r"-?[0-9]{1,12}\.[0-9]{0,8}", fullmatch=True)),
    st.builds(t.StringLiteral, texts),
)


def tuples(items: st.SearchStrategy, *, min_size: int = 1, max_size: int = 3) -> st.SearchStrategy:
    """Tuples of items."""
    return st.lists(items, min_size=min_size, max_size=max_size).map(tuple)


def _compound(inner: st.SearchStrategy) -> st.SearchStrategy:
    whens = tuples(st.builds(t.WhenClause, inner, inner))
    default = st.none() | inner
    return st.one_of(
        st.builds(t.Arithmetic, st.sampled_from(t.ArithmeticOperator), inner, inner),
        st.builds(t.ArithmeticUnary, st.sampled_from(t.Sign), inner),
        st.builds(t.Comparison, st.sampled_from(t.ComparisonOperator), inner, inner),
        st.builds(t.LogicalBinary, st.sampled_from(t.LogicalOperator), inner, inner),
        st.builds(t.Not, inner),
        st.builds(t.IsNull, inner),
        st.builds(t.IsNotNull, inner),
        st.builds(t.Between, inner, inner, inner),
        st.builds(t.InList, inner, tuples(inner)),
        st.builds(t.Like, inner, inner, st.none() | st.characters(codec="utf-8", exclude_characters="\r")),
        st.builds(t.Cast, inner, sql_types),
        st.builds(t.FunctionCall, function_names, tuples(_arguments(inner), min_size=0)),
        st.builds(t.Subscript, inner, inner),
        st.builds(t.Dereference, inner, names),
        st.builds(t.SearchedCase, whens, default),
        st.builds(t.SimpleCase, inner, whens, default),
        st.builds(t.CreateArray, tuples(inner, min_size=0)),
        st.builds(t.CreateMap, tuples(st.tuples(inner, inner), min_size=0)),
        st.builds(t.CreateStruct, tuples(st.tuples(names, inner), min_size=0)),
    )


def _arguments(inner: st.SearchStrategy) -> st.SearchStrategy:
    variables = st.builds(t.LambdaVariable, st.sampled_from(LAMBDA_PARAMETERS))
    bodies = variables | st.builds(t.Arithmetic, st.sampled_from(t.ArithmeticOperator), variables, inner)
    return st.one_of(
        inner,
        st.builds(t.IntervalUnit, st.sampled_from(t.TimeUnit)),
        st.builds(t.Lambda, st.just(LAMBDA_PARAMETERS), bodies),
    )


columns = st.builds(t.ColumnRef, names, st.none() | names)
expressions = st.recursive(st.one_of(columns, literals), _compound, max_leaves=8)

durations = st.builds(t.Duration, st.integers(0, 10**6), st.sampled_from(t.TimeUnit))
maybe_duration = st.none() | durations
sources = st.builds(t.AliasedSource, names, names)
within = st.builds(t.Within, durations, durations, maybe_duration)
relations = st.recursive(
    sources,
    lambda left: st.builds(t.Join, st.sampled_from(t.JoinKind), left, sources, expressions, st.none() | within),
    max_leaves=3,
)
select_items = st.one_of(
    st.builds(t.SingleColumn, expressions, st.none() | names),
    st.builds(t.AllColumns, st.none() | names),
    st.builds(t.StructAll, expressions),
)
windows = st.one_of(
    st.builds(t.TumblingWindow, durations, maybe_duration, maybe_duration),
    st.builds(t.HoppingWindow, durations, durations, maybe_duration, maybe_duration),
    st.builds(t.SessionWindow, durations, maybe_duration, maybe_duration),
)


def queries(emit: st.SearchStrategy) -> st.SearchStrategy:
    """Queries that end with one of these EMIT clauses."""
    return st.builds(
        t.Query,
        select=tuples(select_items),
        source=relations,
        window=st.none() | windows,
        where=st.none() | expressions,
        group_by=tuples(expressions, min_size=0, max_size=2),
        partition_by=tuples(expressions, min_size=0, max_size=2),
        having=st.none() | expressions,
        emit=emit,
        limit=st.none() | st.integers(0, 1000),
    )


all_queries = queries(st.none() | st.sampled_from(t.Emit))
persistent_queries = queries(st.sampled_from(t.Emit))
kinds = st.sampled_from(t.SourceKind)
properties = st.dictionaries(names.map(str.upper), literals, max_size=3).map(
    lambda entries: t.Properties(MappingProxyType(entries))
)
some_properties = st.dictionaries(names, literals, min_size=1, max_size=3).map(
    lambda entries: t.Properties(MappingProxyType(entries))
)


def _elements(kind: t.SourceKind) -> st.SearchStrategy:
    key = t.Constraint.KEY if kind is t.SourceKind.STREAM else t.Constraint.PRIMARY_KEY
    plain = st.builds(t.TableElement, names, sql_types, st.sampled_from([None, key, t.Constraint.HEADERS]))
    header = st.builds(t.TableElement, names, sql_types, st.just(t.Constraint.HEADER), texts)
    return tuples(plain | header, min_size=0)


creations = st.one_of(
    kinds.flatmap(
        lambda kind: st.builds(
            t.CreateSource, st.just(kind), names, _elements(kind), properties, booleans, booleans, booleans
        )
    ),
    st.builds(t.CreateAsSelect, kinds, names, persistent_queries, properties, booleans, booleans),
    st.builds(t.CreateType, names, sql_types, booleans),
    st.builds(t.CreateConnector, st.sampled_from(t.ConnectorKind), names, some_properties, booleans),
    st.builds(t.InsertSelect, names, persistent_queries, properties),
    st.builds(t.InsertValues, names, tuples(names, min_size=0), tuples(expressions, min_size=0)),
)
alterations = st.one_of(
    st.builds(t.DropSource, kinds, names, booleans, booleans),
    st.builds(t.DropType, names, booleans),
    st.builds(t.DropConnector, names, booleans),
    st.builds(t.AlterSource, kinds, names, tuples(st.builds(t.AddColumn, names, sql_types))),
    st.builds(t.AlterSystem, texts, texts),
)
assertions = st.one_of(
    st.builds(t.AssertTopic, texts, properties, maybe_duration, booleans),
    st.builds(t.AssertSchema, st.none() | texts, st.none() | st.integers(0, 99), maybe_duration, booleans),
    st.builds(t.AssertValues, names, tuples(names, min_size=0), tuples(expressions, min_size=0)),
    st.builds(t.AssertTombstone, names, tuples(names, min_size=0), tuples(expressions, min_size=0)),
    kinds.flatmap(lambda kind: st.builds(t.AssertSource, st.just(kind), names, _elements(kind), properties)),
)
administration = st.one_of(
    st.builds(t.DescribeSource, names, booleans),
    st.builds(t.DescribeSources, kinds, booleans),
    st.builds(t.DescribeFunction, names),
    st.builds(t.DescribeConnector, names),
    st.builds(t.Show, st.sampled_from([t.Subject.STREAMS, t.Subject.TOPICS, t.Subject.QUERIES]), booleans),
    st.builds(t.Show, st.sampled_from(t.Subject)),
    st.builds(t.Explain, query_id=query_ids),
    st.builds(t.Explain, statement=all_queries),
    st.builds(t.PrintTopic, texts, booleans, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
    st.builds(t.SetProperty, texts, texts),
    st.builds(t.UnsetProperty, texts),
    st.builds(t.DefineVariable, query_ids, texts),
    st.builds(t.UndefineVariable, query_ids),
    st.builds(t.TerminateQuery, st.none() | query_ids),
    st.builds(t.PauseQuery, st.none() | query_ids),
    st.builds(t.ResumeQuery, st.none() | query_ids),
    st.builds(t.RunScript, texts),
)
statements = st.one_of(all_queries, creations, alterations, assertions, administration)
