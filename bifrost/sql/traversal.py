"""Walking and rewriting trees, generic over the fields of the nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import TypeVar, cast

from bifrost.errors import AnalysisError
from bifrost.sql.expression_nodes import Expression, Node
from bifrost.sql.types import SqlArray, SqlCustom, SqlDecimal, SqlMap, SqlPrimitive, SqlStruct, SqlType, map_type

N = TypeVar("N", bound=Node)

_TYPES = (SqlPrimitive, SqlDecimal, SqlArray, SqlMap, SqlStruct, SqlCustom)
_NAMES: dict[type[Node], tuple[str, ...]] = {}


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first, left to right."""
    pending: list[object] = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, Node):
            yield item
            # Reversed, because the stack returns the last entry first.
            pending.extend(getattr(item, name) for name in reversed(_field_names(type(item))))
        elif isinstance(item, tuple):
            pending.extend(reversed(item))


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below."""
    for name in _field_names(type(node)):
        yield from _nodes_of(getattr(node, name))


def transform(node: N, change: Callable[[Node], Node]) -> N:
    """The tree with `change` applied to every node, innermost first; what does not change is shared with the old tree.

    `change` returns its argument to leave a node as it is, or the node that replaces it.
    """
    return cast(N, _transformed(node, change, _unchanged_type))


def rewrite(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """The expression with every part replaced by what `change` returns for it, outermost first.

    Replacements are not visited again. Where `change` returns None, the parts below are visited.
    """

    def visit(item: object) -> object:
        if isinstance(item, tuple):
            return _visited_tuple(item, visit)
        if not isinstance(item, Node):
            return item
        new = change(cast(Expression, item))
        return new if new is not None else _visited_fields(item, visit)

    return cast(Expression, visit(expression))


def resolve_types(node: N, custom: Mapping[str, SqlType]) -> N:
    """The tree with each custom type replaced by its definition.

    Raises:
        AnalysisError: a type is neither built-in nor in `custom`.
    """

    def resolve(part: SqlType) -> SqlType:
        if not isinstance(part, SqlCustom):
            return part
        if part.name not in custom:
            raise AnalysisError(f"Cannot resolve unknown type: {part.name}")
        return custom[part.name]

    return cast(N, _transformed(node, _unchanged, lambda found: map_type(found, resolve)))


def _unchanged(node: Node) -> Node:
    return node


def _unchanged_type(found: SqlType) -> SqlType:
    return found


def _transformed(node: Node, change: Callable[[Node], Node], retype: Callable[[SqlType], SqlType]) -> Node:
    def visit(item: object) -> object:
        if isinstance(item, Node):
            return change(_visited_fields(item, visit))
        if isinstance(item, tuple):
            return _visited_tuple(item, visit)
        return retype(item) if isinstance(item, _TYPES) else item

    return cast(Node, visit(node))


def _visited_fields(node: Node, visit: Callable[[object], object]) -> Node:
    changes: dict[str, object] = {}
    for name in _field_names(type(node)):
        old = getattr(node, name)
        new = visit(old)
        # Unchanged parts stay the same objects, so that a change in one place copies only the way to it.
        if new is not old:
            changes[name] = new
    return replace(node, **changes) if changes else node  # type: ignore[arg-type]  # names come from its fields


def _visited_tuple(items: tuple[object, ...], visit: Callable[[object], object]) -> tuple[object, ...]:
    new = tuple(visit(item) for item in items)
    return items if all(a is b for a, b in zip(new, items, strict=True)) else new


def _nodes_of(item: object) -> Iterator[Node]:
    if isinstance(item, Node):
        yield item
    elif isinstance(item, tuple):
        for part in item:
            yield from _nodes_of(part)


def _field_names(kind: type[Node]) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(field.name for field in fields(kind) if field.name != "location")
    return names
