"""Builds the source of a Python function and compiles it: the serdes generate code per schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# CPython refuses 20 nested loops and 100 levels of indentation.
MAX_DEPTH = 15


class FunctionSource:
    """The lines of a generated function, with the constants that it refers to."""

    def __init__(self, header: str) -> None:
        self.lines = [f"def {header}:"]
        self.depth = 1
        self.constants: dict[str, object] = {}
        self.names = 0

    def line(self, text: str) -> None:
        """Add a line at the current depth."""
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """Add `opening` and indent what follows."""
        self.line(opening)
        self.depth += 1
        yield
        self.depth -= 1

    def fresh(self, prefix: str) -> str:
        """Return a name that the function does not use yet."""
        self.names += 1
        return f"{prefix}{self.names}"

    def constant(self, value: object, prefix: str = "k") -> str:
        """Return the name of a constant; the same object always gets the same name."""
        for name, known in self.constants.items():
            # By identity: equal constants of different types, such as 1 and True, must stay apart.
            if known is value:
                return name
        name = self.fresh(prefix)
        self.constants[name] = value
        return name

    def text(self) -> str:
        """Return the function's source."""
        return "\n".join(self.lines) + "\n"

    def compile(self, title: str) -> Callable[..., Any]:
        """Compile the function; `title` names it in tracebacks."""
        namespace: dict[str, Any] = dict(self.constants)
        # The source comes from a parsed schema: names enter it as constants or by repr, never verbatim.
        exec(compile(self.text(), f"<{title}>", "exec"), namespace)  # noqa: S102
        function = self.lines[0].removeprefix("def ").split("(")[0]
        return namespace[function]  # type: ignore[no-any-return]
