"""Reads `ksql/*.sql`: statements with the properties that SET gave them, in the order of what they create and read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bifrost.deployer.declared.declarations import Creating, DeclaredStatement
from bifrost.deployer.declared.on_error import OnError, passing_errors_to, raise_error, read_text
from bifrost.errors import AnalysisError, DeclarationError, ParseError
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import (
    AliasedSource,
    CreateAsSelect,
    CreateSource,
    CreateType,
    InsertSelect,
    InsertValues,
    ParsedStatement,
    Query,
    SetProperty,
    SourceKind,
    UnsetProperty,
    walk,
)


def read_statements(folder: Path, on_error: OnError = raise_error) -> tuple[DeclaredStatement, ...]:
    """All statements of all files, each after those that create what it reads; otherwise by file name and line.

    Raises:
        DeclarationError: a text is not the language, a statement is not a declaration, a name is created twice, or
            statements depend on each other in a circle.
    """
    found: list[DeclaredStatement] = []
    for path in sorted(folder.glob("*.sql")):
        with passing_errors_to(on_error):
            found.extend(_statements_of(path))
    with passing_errors_to(on_error):
        _refuse_duplicates(found)
        _refuse_rows_of_streams(found)
        return _ordered(found)
    # Reached only if `on_error` took an error of the block.
    return tuple(found)


def _statements_of(path: Path) -> Iterator[DeclaredStatement]:
    try:
        parsed = parse_script(read_text(path))
    except ParseError as error:
        raise DeclarationError(path, error.message, line=error.line) from error
    except AnalysisError as error:
        raise DeclarationError(path, error.message) from error
    properties: dict[str, str] = {}
    inserts: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for statement in parsed:
        match statement.tree:
            case SetProperty(name=name, value=value):
                properties[name] = value
            case UnsetProperty(name=name):
                properties.pop(name, None)
            case InsertSelect(target=target) as tree:
                inserts[target] += 1
                yield _declared(
                    path, statement, tree, f"INSERT INTO {target} ({path.stem} {inserts[target]})", properties
                )
            case InsertValues(target=target) as tree:
                rows[target] += 1
                name = f"INSERT INTO {target} VALUES ({path.stem} {rows[target]})"  # noqa: S608
                yield _declared(path, statement, tree, name, properties)
            case CreateSource() | CreateAsSelect() | CreateType() as tree:
                yield _declared(path, statement, tree, tree.name, properties)
            case other:
                problem = f"{type(other).__name__} is not a declaration: only CREATE, INSERT and SET are"
                raise DeclarationError(path, problem, line=statement.line)


def _declared(
    path: Path, statement: ParsedStatement, tree: Creating, name: str, properties: dict[str, str]
) -> DeclaredStatement:
    return DeclaredStatement(
        name=name,
        pipeline=path.stem,
        path=path,
        line=statement.line,
        text=statement.text,
        tree=tree,
        properties=dict(properties),
        reads=frozenset(names_read(tree)),
        topic=topic_of(tree),
    )


def names_read(tree: Creating) -> Iterator[str]:
    """The streams and tables that a statement's query reads, and the target of INSERT INTO."""
    if isinstance(tree, InsertSelect | InsertValues):
        yield tree.target
    if isinstance(tree, InsertSelect | CreateAsSelect):
        yield from sources_of(tree.query)


def sources_of(query: Query) -> Iterator[str]:
    """The streams and tables that a query reads."""
    return (node.name for node in walk(query.source) if isinstance(node, AliasedSource))


def topic_of(tree: Creating) -> str:
    """The topic of a source: KAFKA_TOPIC, else its name, as ksqlDB; empty for other statements."""
    if not isinstance(tree, CreateSource | CreateAsSelect):
        return ""
    written = tree.properties.get("KAFKA_TOPIC")
    return str(getattr(written, "value", tree.name))


def _refuse_duplicates(statements: Iterable[DeclaredStatement]) -> None:
    first: dict[str, DeclaredStatement] = {}
    for statement in statements:
        other = first.setdefault(statement.name, statement)
        if other is not statement:
            problem = f"{statement.name} is also created in {other.path}:{other.line}"
            raise DeclarationError(statement.path, problem, line=statement.line)


def _refuse_rows_of_streams(statements: Iterable[DeclaredStatement]) -> None:
    """A row that is sent twice, because an answer was lost, changes nothing in a table, but does in a stream."""
    statements = tuple(statements)
    tables = {
        item.name for item in statements if isinstance(item.tree, CreateSource) and item.tree.kind is SourceKind.TABLE
    }
    for item in statements:
        if isinstance(item.tree, InsertValues) and item.tree.target not in tables:
            problem = f"INSERT INTO {item.tree.target} VALUES: only the rows of a declared table can be declared"
            raise DeclarationError(item.path, problem, line=item.line)


def _ordered(statements: list[DeclaredStatement]) -> tuple[DeclaredStatement, ...]:
    """In reading order, but each after those that it depends on."""
    by_name = {statement.name: statement for statement in statements}
    writers = {item.topic: item.name for item in statements if isinstance(item.tree, CreateAsSelect)}
    ordered: dict[str, DeclaredStatement] = {}

    def visit(statement: DeclaredStatement, path: tuple[str, ...]) -> None:
        if statement.name in path:
            circle = " -> ".join((*path[path.index(statement.name) :], statement.name))
            raise DeclarationError(statement.path, f"statements depend on each other: {circle}", line=statement.line)
        if statement.name in ordered:
            return
        for name in sorted(_dependencies(statement, writers)):
            if name in by_name:
                visit(by_name[name], (*path, statement.name))
        ordered[statement.name] = statement

    for statement in statements:
        visit(statement, ())
    return tuple(ordered.values())


def _dependencies(statement: DeclaredStatement, writers: dict[str, str]) -> Iterator[str]:
    """What must exist first: what it reads, and for a declared source the query that writes its topic."""
    yield from statement.reads
    if isinstance(statement.tree, CreateSource):
        writer = writers.get(statement.topic)
        if writer is not None and writer != statement.name:
            yield writer
