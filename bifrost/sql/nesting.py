"""How deep statements may nest, so that everything that follows a tree down stays within Python's stack."""

from __future__ import annotations

from bifrost.errors import ParseError
from bifrost.sql import tree
from bifrost.sql.lexer import BEGINNING
from bifrost.sql.traversal import children
from bifrost.sql.tree import Node

MAX_OPEN = 220
"""Parts that the parser may have open at once. Each takes at most four of the 1000 frames that Python allows."""

MAX_DEPTH = 180
"""The depth of a tree: 180 terms of a sum or of an OR, 60 function calls within one another."""

TOO_DEEP = "Syntax Error\nNested too deeply: split the expression, or make part of it a column of another stream"

_INFIX = (
    tree.Arithmetic,
    tree.Between,
    tree.Comparison,
    tree.Dereference,
    tree.InList,
    tree.IsNotNull,
    tree.IsNull,
    tree.Join,
    tree.Like,
    tree.LogicalBinary,
    tree.Subscript,
)
_FURTHER = 3
"""What a part counts that is not the first one of an operator: so many parts are open when its text is read again."""


def refuse_deep_nesting(node: Node) -> None:
    """Refuse a tree that is too deep, or whose formatted text would be too deep to read.

    Raises:
        ParseError: at the place of the part that is too deep.
    """
    pending = [(node, 1)]
    while pending:
        parent, depth = pending.pop()
        if depth > MAX_DEPTH:
            where = parent.location or BEGINNING
            raise ParseError(TOO_DEEP, line=where.line, column=where.column)
        step = 1 if isinstance(parent, _INFIX) else _FURTHER
        for child in children(parent):
            pending.append((child, depth + step))
            step = _FURTHER
