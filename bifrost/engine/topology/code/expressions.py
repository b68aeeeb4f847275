"""Writes expressions into generated functions, each guarded: a failing expression is null and reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bifrost.engine.expressions import Code, ExpressionCompiler, convert
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.topology.code.program import QueryProgram
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.sql.formatter import format_expression
from bifrost.sql.traversal import walk
from bifrost.sql.tree import ColumnRef, Expression, FunctionCall
from bifrost.sql.types import SqlType

Types = Mapping[str, SqlType]


def columns_in(*expressions: Expression) -> frozenset[str]:
    """Returns the names of the columns that expressions read."""
    return frozenset(
        node.name for expression in expressions for node in walk(expression) if isinstance(node, ColumnRef)
    )


@dataclass(frozen=True, slots=True)
class ExpressionWriter:
    """Compiles all expressions of a query with one compiler, so that names of constants and temporaries are unique."""

    program: QueryProgram
    functions: FunctionRegistry
    compiler: ExpressionCompiler

    @classmethod
    def of(cls, program: QueryProgram, functions: FunctionRegistry) -> ExpressionWriter:
        """Returns a writer whose constants are the program's."""
        compiler = ExpressionCompiler({}, functions, config=functions.settings)
        compiler.constants = program.constants
        return cls(program, functions, compiler)

    def code(
        self, expression: Expression, types: Types, columns: Mapping[str, str], target: SqlType | None = None
    ) -> Code:
        """Returns the Python source of an expression, cast to `target`; `columns` has the source of each column."""
        # One compiler serves expressions over different schemas, so that names of constants stay unique.
        self.compiler.types = types
        code = self.compiler.code(expression, columns)
        return code if target is None else convert(self.compiler, code, target)

    def value(
        self,
        writer: CodeWriter,
        expression: Expression,
        name: str,
        types: Types,
        columns: Mapping[str, str],
        context: str,
        target: SqlType | None = None,
    ) -> str:
        """Writes the computation of a column called `name` and returns the expression that holds it afterwards."""
        code = self.code(expression, types, columns, target)
        if code.simple:
            # A name or a literal: it may be repeated wherever the column is used.
            return code.text
        local = writer.name(name)
        if code.fails:
            what = f"Error computing expression {format_expression(expression)} for column {name}"
            self.guard(writer, f"{local} = {code.text}", context, what, [f"{local} = None"])
        else:
            writer.line(f"{local} = {code.text}")
        return local

    def condition(
        self, writer: CodeWriter, expression: Expression, types: Types, columns: Mapping[str, str], context: str
    ) -> str:
        """Writes the computation of a predicate that may fail and returns the expression that is true if it holds."""
        code = self.code(expression, types, columns)
        if not code.fails:
            return code.text
        local = writer.name("holds")
        what = f"Error evaluating predicate {format_expression(expression)}"
        self.guard(writer, f"{local} = {code.text}", context, what, [f"{local} = False"])
        return local

    def table_call(
        self, writer: CodeWriter, call: FunctionCall, types: Types, columns: Mapping[str, str], context: str
    ) -> str:
        """Writes the call of a table function and returns the local of its list."""
        kinds = [self.code(argument, types, columns).type for argument in call.arguments]
        resolved = self.functions.table(call.name, kinds)
        arguments = [
            self.value(writer, argument, "argument", types, columns, context, parameter)
            for argument, parameter in zip(call.arguments, resolved.parameters, strict=True)
        ]
        function = self.compiler.constant(resolved.function, call.name.lower())
        items = writer.name("items")
        what = f"Error computing {format_expression(call)}"
        self.guard(writer, f"{items} = {function}({', '.join(arguments)})", context, what, [f"{items} = ()"])
        return items

    def guard(
        self,
        writer: CodeWriter,
        line: str,
        context: str,
        what: str,
        otherwise: Sequence[str],
        *,
        report: str = "failed",
    ) -> None:
        """Writes a line, and a handler that reports a failure (inside a record loop) and runs `otherwise`.

        `report` is the method of the reporter.
        """
        with writer.block("try:"):
            writer.line(line)
        # Only what evaluating an expression may raise: a bug or an error of a store must not pass for a bad row.
        with writer.block("except EVALUATION_ERRORS as problem:"):
            if writer.report:
                writer.line(f"{writer.report}.{report}({context!r}, {what!r}, problem, partition, offset)")
            for other in otherwise:
                writer.line(other)

    def row_function(
        self,
        stem: str,
        names: Sequence[str],
        key_names: Sequence[str],
        write: Callable[[CodeWriter, dict[str, str]], None],
    ) -> str:
        """Adds a generated function of (key, row) that works on a row outside the record loop.

        `write` receives the locals of the row's columns `names` and of the key's columns, and writes the body.
        """
        name = self.program.fresh(stem)
        # No reporter: the function knows no partition and offset. Mostly it repeats work on stored rows, whose
        # problems were reported when they arrived.
        writer = CodeWriter(f"{name}(key, row)")
        places = {key_name: f"key[{index}]" for index, key_name in enumerate(key_names)}
        locals_ = {column: writer.name(column) for column in names}
        if locals_:
            writer.line(f"{', '.join(locals_.values())}, = row")
        write(writer, places | locals_)
        self.program.function(name, writer.text())
        return name
