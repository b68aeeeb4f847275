"""Rules for statements: what is missing or wrong, and what works otherwise than it looks."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement
from bifrost.deployer.declared.statement_files import sources_of
from bifrost.deployer.lint.rule import FileProblem, LintRule
from bifrost.sql.tree import (
    AllColumns,
    ColumnRef,
    CreateAsSelect,
    CreateSource,
    InsertSelect,
    Join,
    Query,
    SourceKind,
    walk,
)

WRONG_FUNCTION = LintRule(
    "BF501",
    "a function of the project is wrong",
    "Statements that call it are refused.",
    "Correct the function's file.",
    "@udf(returns='VARCHAR', description='Masks all but the last digits')\ndef mask(text: str) -> str: ...",
    is_error=True,
    can_silence=False,
)
UNKNOWN_SOURCE = LintRule(
    "BF502",
    "a statement reads what no statement creates",
    "ksqlDB refuses the statement.",
    "Correct the name, or create the stream or table.",
    "CREATE STREAM ORDERS WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='AVRO');",
    is_error=True,
    can_silence=False,
)
UNKNOWN_TOPIC = LintRule(
    "BF503",
    "the topic of a stream or table does not exist",
    "ksqlDB refuses the statement, unless it says how many partitions a new topic gets.",
    "Declare the topic in `topics/`, or give the statement PARTITIONS.",
    "CREATE STREAM ORDERS (ID INT) WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');",
    is_error=True,
)
UNKNOWN_COLUMNS = LintRule(
    "BF504",
    "the schema that columns are taken from is missing",
    "A statement without columns takes them from the registry, where its subject must exist.",
    "Add the schema to `topics/schemas/`, or write the columns.",
    "CREATE STREAM ORDERS (ID INT, TOTAL DOUBLE) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='AVRO');",
    is_error=True,
)
REFUSED = LintRule(
    "BF505",
    "ksqlDB refuses a statement",
    "Names, types or partitions do not fit: for example a column that does not exist, or a join of sources with "
    "different numbers of partitions.",
    "Correct the statement; the text is ksqlDB's.",
    "SELECT ID, CAST(TOTAL AS DOUBLE) AS TOTAL FROM ORDERS EMIT CHANGES;",
    is_error=True,
    can_silence=False,
)
ALL_COLUMNS = LintRule(
    "BF510",
    "`SELECT *` in a persistent query",
    "The columns are fixed when the query is created. One that its source gets later is missing until the query is "
    "replaced, which ksqlDB does in place only if the column comes last, and which changes the schema of its topic.",
    "Name the columns.",
    "CREATE STREAM BIG AS SELECT ID, TOTAL FROM ORDERS WHERE TOTAL > 100 EMIT CHANGES;",
)
UNUSED_KEY = LintRule(
    "BF511",
    "a query groups or joins by the key of a topic whose stream has no key column",
    "The topic's records have the key already, but the stream does not declare it: ksqlDB writes all records to a "
    "repartition topic and reads them again.",
    "Declare the key column.",
    "CREATE STREAM ORDERS (ORDER_ID BIGINT KEY) WITH (KAFKA_TOPIC='orders', KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO');",
)
LATEST_TABLE = LintRule(
    "BF512",
    "a table that begins with the latest records",
    "Without `auto.offset.reset` the query of a new table reads only records that come after it was created: counts "
    "and rows from before are missing.",
    "Set the property before the statement, to `latest` if that is meant.",
    "SET 'auto.offset.reset' = 'earliest';\nCREATE TABLE TOTALS AS SELECT ID, COUNT(*) AS N FROM ORDERS GROUP BY ID;",
)


def all_columns(declared: Declarations) -> Iterator[FileProblem]:
    """`SELECT *` in CREATE ... AS SELECT and INSERT INTO."""
    for statement in declared.statements:
        query = _query_of(statement)
        if query is not None and any(isinstance(item, AllColumns) for item in query.select):
            text = f"{statement.name}: SELECT * fixes the columns that its source has now; name them"
            yield ALL_COLUMNS.problem(statement.path, statement.line, text)


def unused_keys(declared: Declarations) -> Iterator[FileProblem]:
    """Queries that repartition a stream by what its records are keyed by."""
    keys = {topic.name: topic.key.upper() for topic in declared.topics if topic.key != "none"}
    without = {item.name: keys[item.topic] for item in declared.statements if _has_no_key(item) and item.topic in keys}
    for statement in declared.statements:
        query = _query_of(statement)
        if query is None:
            continue
        wanted = _grouping_columns(query)
        for source in dict.fromkeys(sources_of(query)):
            if without.get(source) in wanted:
                text = (
                    f"{statement.name}: the records of {source} are keyed by {without[source]}, but {source} has no "
                    "key column, so all of them are written once more to be repartitioned"
                )
                yield UNUSED_KEY.problem(statement.path, statement.line, text)


def latest_tables(declared: Declarations) -> Iterator[FileProblem]:
    """Tables of queries that do not say where they begin."""
    for statement in declared.statements:
        tree = statement.tree
        is_table = isinstance(tree, CreateAsSelect) and tree.kind is SourceKind.TABLE
        properties = {name.removeprefix("ksql.streams.") for name in statement.properties}
        if is_table and "auto.offset.reset" not in properties:
            text = f"{statement.name}: begins with the latest records; SET 'auto.offset.reset' before it"
            yield LATEST_TABLE.problem(statement.path, statement.line, text)


def _query_of(statement: DeclaredStatement) -> Query | None:
    tree = statement.tree
    return tree.query if isinstance(tree, CreateAsSelect | InsertSelect) else None


def _has_no_key(statement: DeclaredStatement) -> bool:
    tree = statement.tree
    if not isinstance(tree, CreateSource) or tree.kind is not SourceKind.STREAM:
        return False
    return all(element.constraint is None for element in tree.elements)


def _grouping_columns(query: Query) -> set[str]:
    """The names of columns by which a query groups, partitions or joins, without those within expressions."""
    criteria = [node.criteria for node in walk(query.source) if isinstance(node, Join)]
    sides = [side for node in criteria for side in (getattr(node, "left", None), getattr(node, "right", None))]
    found = (*query.group_by, *query.partition_by, *sides)
    return {node.name.upper() for node in found if isinstance(node, ColumnRef)}


CHECKS_TOGETHER = (all_columns, unused_keys, latest_tables)
RULES = (
    *(WRONG_FUNCTION, UNKNOWN_SOURCE, UNKNOWN_TOPIC, UNKNOWN_COLUMNS, REFUSED),
    *(ALL_COLUMNS, UNUSED_KEY, LATEST_TABLE),
)
