"""The generated functions of a query and everything that they refer to by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from types import CodeType
from typing import Literal

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.serde import SerdeError, Serdes, split_windowed_key, windowed_key
from bifrost.engine.serde.record_part import RecordPart
from bifrost.engine.state.codec import decode
from bifrost.engine.state.frozen import freeze_key, thaw_key
from bifrost.engine.state.stores import StoreSpec
from bifrost.engine.topology.operators.aggregators import RowRejected
from bifrost.engine.topology.operators.headers import header_list, last_header
from bifrost.engine.topology.task_context import TaskContext

Role = Literal["stream", "table", "repartition"]

STANDARD_NAMES: dict[str, object] = {
    "EVALUATION_ERRORS": EVALUATION_ERRORS,
    "RowRejected": RowRejected,
    "SerdeError": SerdeError,
    "decode_state": decode,
    "freeze_key": freeze_key,
    "header_list": header_list,
    "last_header": last_header,
    "split_windowed_key": split_windowed_key,
    "thaw_key": thaw_key,
    "windowed_key": windowed_key,
    "zip_longest": zip_longest,
}
"""The globals of all generated code."""


@dataclass(slots=True, eq=False)
class Site:
    """A sub-topology while code is generated: the code that runs in one task.

    Whether two pieces of code share a task is known only once both have read the same topic. So each begins with a site
    alone, and sites are joined later; a joined site refers to the other (a union-find structure).
    """

    joined: Site | None = None

    @property
    def root(self) -> Site:
        """The site that this one was joined to, directly or through others; else itself."""
        return self if self.joined is None else self.joined.root

    def join(self, other: Site) -> None:
        """Makes the two sites one. Code that holds either site then has the same `root`."""
        if other.root is not self.root:
            # Only roots are joined: a site that already refers to another one would lose the sites behind it.
            other.root.joined = self.root


@dataclass(frozen=True, slots=True)
class Binding:
    """A global of the generated code with one value per task: `make` is called once per task."""

    make: Callable[[TaskContext], object]
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordFunction:
    """A generated function that takes a batch of records of a topic."""

    name: str
    topic: str
    role: Role
    site: Site
    text: str
    code: CodeType

    @property
    def globals(self) -> frozenset[str]:
        """The names of globals that the function may use."""
        return frozenset(names_in(self.code))


@dataclass(frozen=True, slots=True)
class FlushFunction:
    """A generated function without arguments that emits the changes of a buffer."""

    name: str
    site: Site
    text: str
    code: CodeType

    @property
    def globals(self) -> frozenset[str]:
        """The names of globals that the function may use."""
        return frozenset(names_in(self.code))


@dataclass(frozen=True, slots=True)
class PartReader:
    """A global of the generated code that decodes the keys or the values of a source topic.

    `needed` are the columns that the query needs, None all. Several queries that read one part may share a reader of
    all the columns that one of them needs.
    """

    part: RecordPart
    needed: frozenset[str] | None
    serdes: Serdes


@dataclass(slots=True)
class QueryProgram:
    """Collects the generated code of a query.

    `constants` are shared by all tasks, `bindings` are made per task; both are found by the generated code under the
    names that they were given here. `flushes` emit what buffers hold, the last step's first. `auxiliary` are generated
    functions that others call, `receivers` and `senders` the sites at both ends of repartition topics.
    """

    constants: dict[str, object] = field(default_factory=lambda: dict(STANDARD_NAMES))
    bindings: dict[str, Binding] = field(default_factory=dict)
    stores: dict[str, StoreSpec] = field(default_factory=dict)
    functions: list[RecordFunction] = field(default_factory=list)
    flushes: list[FlushFunction] = field(default_factory=list)
    auxiliary: dict[str, str] = field(default_factory=dict)
    receivers: dict[str, Site] = field(default_factory=dict)
    senders: dict[str, list[Site]] = field(default_factory=dict)
    readers: dict[str, PartReader] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def fresh(self, stem: str) -> str:
        """Returns an unused global name."""
        number = self._counts[stem] = self._counts.get(stem, 0) + 1
        return f"{stem}_{number}"

    def constant(self, stem: str, value: object) -> str:
        """Adds a value that all tasks share, and returns its name."""
        name = self.fresh(stem)
        self.constants[name] = value
        return name

    def bind(self, stem: str, make: Callable[[TaskContext], object], *stores: str) -> str:
        """Adds a value that is created per task, and returns its name; `stores` are the stores that it uses."""
        name = self.fresh(stem)
        self.bindings[name] = Binding(make, stores)
        return name

    def store(self, spec: StoreSpec) -> str:
        """Declares a store and returns its name."""
        if spec.name in self.stores:
            raise ValueError(f"store {spec.name} is declared twice")
        self.stores[spec.name] = spec
        return spec.name

    def function(self, name: str, text: str) -> None:
        """Adds a generated function that other generated code calls by name."""
        self.auxiliary[name] = text

    def record_function(self, text: str, name: str, *, topic: str, role: Role, site: Site) -> None:
        """Adds the function of a source or repartition topic."""
        # Compiled once per query. Each task executes the code in its own namespace, where its bindings are globals:
        # a global is the fastest name that a function can refer to from outside.
        code = compile(text, f"<{name}>", "exec")
        self.functions.append(RecordFunction(name, topic, role, site, text, code))

    def flush_function(self, text: str, name: str, site: Site) -> None:
        """Adds the function that emits the changes of a buffer, after those of the buffers that it fills."""
        self.flushes.append(FlushFunction(name, site, text, compile(text, f"<{name}>", "exec")))

    @property
    def text(self) -> str:
        """The whole generated source."""
        flushes = (flush.text for flush in self.flushes)
        parts = [*self.auxiliary.values(), *flushes, *(function.text for function in self.functions)]
        return "\n\n".join(parts)


def names_in(code: CodeType) -> Iterator[str]:
    """Returns the global names that code and the functions in it refer to."""
    # Attribute names are among them, too: that does no harm, since a binding is only made if its name occurs.
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
