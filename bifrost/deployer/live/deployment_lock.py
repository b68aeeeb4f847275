"""One deployer at a time: a lock in a Kafka topic, which survives the kill of its holder.

Every deployer appends a claim; the oldest valid claim holds the lock. The holder repeats its claim every few seconds. A
claim that is not repeated is broken by the next deployer: as soon as it knows that the process has ended, or after
`BREAK_S` without a sign of life. The holder itself stops after `LEASE_S` without a renewal, well before that.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from bifrost.clients.http import Clock
from bifrost.clients.topic_log import KeyedText
from bifrost.deployer.live.lock_claims import BROKEN, CLAIM, Claim, Claims, Deployer, claim_text
from bifrost.deployer.live.this_process import runs
from bifrost.errors import BifrostError, LockHeld, LockLost, RemoteError

BEAT_S = 4.0
LEASE_S = 15.0
BREAK_S = 30.0
"""Twice the lease: a holder that cannot renew its claim has stopped by then, even if its clock is slower."""
POLL_S = 0.5
CHECK_S = 2.0

OnWait = Callable[[str], None]


class ClaimLog(Protocol):
    """A log that several deployers append to and read (`TopicLog`)."""

    def read_new(self) -> list[KeyedText]:
        """The entries since the last call."""
        ...

    def append(self, key: str, value: str | None) -> int:
        """Append an entry and return its offset."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class DeploymentLock:
    """The lock of one project's deployments on a target, as one deployer sees it. For one thread, except `beat`."""

    def __init__(
        self,
        log: ClaimLog,
        project: str,
        deployer: Deployer,
        clock: Clock,
        *,
        is_alive: Callable[[Deployer], bool | None] = runs,
    ) -> None:
        self._log = log
        self._deployer = deployer
        self._clock = clock
        self._is_alive = is_alive
        self._claims = Claims(project)
        self._id = ""
        self._ticket: int | None = None
        self._renewed_at = self._checked_at = 0.0
        self._own_marks: set[str] = set()
        self._mutex = threading.RLock()

    def acquire(self, timeout_s: float, on_wait: OnWait) -> None:
        """Wait until this deployer holds the lock.

        Args:
            timeout_s: how long to wait for others.
            on_wait: receives, every few seconds, who holds the lock.

        Raises:
            LockHeld: somebody else still holds it after that time.
            Unreachable, Refused: Kafka did not take or give the claims.
        """
        began = self._clock.monotonic()
        self._claim()
        reported_at = began
        try:
            while (holder := self._holder()).id != self._id:
                now = self._clock.monotonic()
                if now - began >= timeout_s:
                    raise LockHeld(str(holder.deployer), now - began)
                if now >= reported_at:
                    on_wait(f"waiting for the deployment of {holder.deployer}")
                    reported_at = now + BEAT_S
                if now - self._renewed_at >= BEAT_S:
                    self.beat()
                self._clock.sleep(POLL_S)
        except BaseException:
            self.release()
            raise
        # Marks of earlier deployments: none of those can still send a renewal that such a mark has to stop.
        for claim_id in self._claims.leftover_marks - self._own_marks:
            self._log.append(self._claims.key(BROKEN, claim_id), None)

    def beat(self) -> None:
        """Renew the claim, unless its lease has run out: then another deployer may hold the lock."""
        with self._mutex:
            now = self._clock.monotonic()
            if self._id and now - self._renewed_at < LEASE_S:
                self._append_claim()
                self._renewed_at = now

    def check(self) -> None:
        """Return if this deployer still holds the lock; to be called before each change.

        Raises:
            LockLost: another one holds it, or waits for it while the lease of this one has run out.
            Unreachable, Refused: Kafka did not give the claims.
        """
        now = self._clock.monotonic()
        has_lease = now - self._renewed_at < LEASE_S
        if has_lease and now - self._checked_at < CHECK_S:
            return
        self._read()
        if not has_lease or self._claims.ticket(self._id) is None:
            # At the end of the queue, so that a deployment that already took the lock is not disturbed.
            self._claim()
            holder = self._holder()
            if holder.id != self._id:
                self.release()
                raise LockLost(f"this deployment lost its lock and stops; {holder.deployer} deploys now")
        self._checked_at = now

    def release(self) -> None:
        """Remove the claim; without an answer from Kafka it expires by itself."""
        with self._mutex, suppress(BifrostError):
            claim_id, self._id = self._id, ""
            if claim_id:
                self._log.append(self._claims.key(CLAIM, claim_id), None)

    def _claim(self) -> None:
        with self._mutex:
            self.release()
            self._id, self._ticket = uuid.uuid4().hex, None
            now = self._clock.monotonic()
            self._ticket = self._append_claim()
            self._renewed_at = self._checked_at = now

    def _append_claim(self) -> int:
        return self._log.append(self._claims.key(CLAIM, self._id), claim_text(self._deployer, self._ticket))

    def _read(self) -> None:
        self._claims.apply(self._log.read_new(), self._clock.monotonic())

    def _holder(self) -> Claim:
        """The holder of the lock, after breaking the claims before this one that are dead."""
        self._read()
        for claim in self._claims.queue:
            if claim.id == self._id or not self._is_dead(claim):
                return claim
            # The mark comes first: a late renewal of the dead one must not revive its claim.
            self._own_marks.add(claim.id)
            self._log.append(self._claims.key(BROKEN, claim.id), "{}")
            self._log.append(self._claims.key(CLAIM, claim.id), None)
        raise LockLost("the claim of this deployment was removed from its topic; run the command again")

    def _is_dead(self, claim: Claim) -> bool:
        alive = self._is_alive(claim.deployer)
        return not alive if alive is not None else self._clock.monotonic() - claim.seen_at >= BREAK_S


@contextmanager
def renewed(lock: DeploymentLock) -> Iterator[None]:
    """Renew the claim of a held lock in a thread during the block, and release the lock at its end."""
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(lock, stop), name="deployment lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        lock.release()


def _renew(lock: DeploymentLock, stop: threading.Event) -> None:
    while not stop.wait(BEAT_S):
        # Kafka may be back at the next attempt; if it stays away, the lease runs out.
        with suppress(RemoteError):
            lock.beat()
