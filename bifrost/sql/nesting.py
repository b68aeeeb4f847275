"""Limits on how deeply statements may nest, so that recursive code stays within Python's stack."""

from __future__ import annotations

from bifrost.errors import ParseError
from bifrost.sql import tree
from bifrost.sql.lexer import BEGINNING
from bifrost.sql.traversal import children
from bifrost.sql.tree import Node

MAX_OPEN = 220
"""How many parts the parser may have open. Each takes at most four of the 1000 frames that Python allows."""

MAX_DEPTH = 180
"""The depth of a tree: 180 terms of a sum or of an OR, or 60 nested function calls."""

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
"""The cost of a part that is not the first operand: this many parts are open when its formatted text is parsed."""


def refuse_deep_nesting(node: Node) -> None:
    """Refuse a tree that nests too deeply, or whose formatted text would nest too deeply to be parsed again.

    Raises:
        ParseError: the tree is too deep; its location is that of the part that is.
    """
    # A list instead of recursion: this check itself must not run out of stack.
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
