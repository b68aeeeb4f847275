"""Reads the live state of a target whose ksqlDB server may be starting or stopping."""

from __future__ import annotations

from collections.abc import Callable

from bifrost.clients.http import Clock
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.read_live import is_running, read_live
from bifrost.deployer.live.state import LiveState, Platform
from bifrost.deployer.plan.live_statements import columns_of, insert_query_of, with_declared_types
from bifrost.errors import NotReady, RemoteError, Unreachable
from bifrost.sql.tree import CreateAsSelect, InsertSelect

STARTING_PATIENCE_S = 300.0
"""How long a server may take to start: one with 44 queries takes up to 90 s on a busy machine."""
UNREACHABLE_PATIENCE_S = 60.0
"""How long a server may be unreachable, as between its stop and its next start."""
PAUSE_S = 2.0
CONFIRMATIONS = 2
CONFIRM_S = 5.0
"""A stopping server removes its queries one by one while it still answers, so missing queries must stay missing: else
`up` would start an INSERT INTO a second time."""
SYSTEM = "ksqlDB"

OnWait = Callable[[str], None]
"""Receives, every few seconds, what is being waited for."""


def read_settled(platform: Platform, declared: Declarations, clock: Clock, on_wait: OnWait) -> LiveState:
    """The live state, read while ksqlDB is neither starting nor stopping; waits for that, with a deadline.

    Raises:
        Unreachable: a part of the target does not answer while others do.
        NotReady: ksqlDB did not become ready in time.
    """
    if not is_running(platform):
        return read_live(platform, declared)
    patience = _Patience(clock, on_wait)
    confirmed: tuple[frozenset[str], int] = (frozenset(), 0)
    while True:
        try:
            # Without the client's retries: this loop has separate limits for a server that starts and one that is
            # unreachable.
            platform.ksqldb.info(patience_s=0)
            live = read_live(platform, declared)
        except (Unreachable, NotReady) as error:
            patience.wait_after(error)
            confirmed = (frozenset(), 0)
            continue
        patience.forget()
        orphans = [*_without_query(live), *_missing_inserts(declared, live)]
        if not orphans:
            return live
        running = frozenset(live.queries)
        # A server that loses further queries is stopping: the count begins again.
        confirmed = (running, confirmed[1] + 1 if confirmed[0] == running else 0)
        if confirmed[1] >= CONFIRMATIONS:
            return live
        on_wait(f"{', '.join(orphans)}: no query; checking whether ksqlDB is stopping")
        clock.sleep(CONFIRM_S)


class _Patience:
    """How long ksqlDB has not been ready, and whether to continue waiting."""

    def __init__(self, clock: Clock, on_wait: OnWait) -> None:
        self._clock = clock
        self._on_wait = on_wait
        self._since: float | None = None
        self._unreachable_since: float | None = None

    def forget(self) -> None:
        """The server answered: the next wait starts from zero."""
        self._since = self._unreachable_since = None

    def wait_after(self, error: Unreachable | NotReady) -> None:
        """Wait a moment, or raise `error` when it is another system's or the time is over."""
        if error.system != SYSTEM:
            raise error
        now = self._clock.monotonic()
        self._since = now if self._since is None else self._since
        if isinstance(error, NotReady):
            self._unreachable_since = None
        elif self._unreachable_since is None:
            self._unreachable_since = now
        waited = now - self._since
        unreachable = 0.0 if self._unreachable_since is None else now - self._unreachable_since
        if waited > STARTING_PATIENCE_S or unreachable > UNREACHABLE_PATIENCE_S:
            raise error
        self._on_wait(f"ksqlDB is {_state(error)}; waiting ({waited:.0f} s)")
        self._clock.sleep(PAUSE_S)


def _state(error: RemoteError) -> str:
    if isinstance(error, Unreachable):
        return "unreachable"
    return "stopping" if "stopping" in error.problem else "not ready yet"


def _without_query(live: LiveState) -> list[str]:
    """The sources of CREATE ... AS SELECT that no query writes, sorted."""
    sinks = {sink for query in live.queries.values() for sink in query.summary.sinks}
    return sorted(
        name for name, source in live.sources.items() if isinstance(source.tree, CreateAsSelect) and name not in sinks
    )


def _missing_inserts(declared: Declarations, live: LiveState) -> list[str]:
    """The declared INSERT INTO statements without a query whose target exists."""
    columns = columns_of(live.sources)
    return [
        statement.name
        for statement, tree in with_declared_types(declared)
        if isinstance(tree, InsertSelect)
        and tree.target in live.sources
        and insert_query_of(tree, live.queries.values(), columns) is None
    ]
