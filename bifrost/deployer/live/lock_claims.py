"""Claims on the right to deploy, as a log holds them. Pure: no input or output, no clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace

from bifrost.clients.topic_log import KeyedText

CLAIM, BROKEN = "lock", "broken"


@dataclass(frozen=True, slots=True)
class Deployer:
    """Who deploys: `user@host`, the process, since when (UTC), and the command.

    `place` names the machine and its process ids; `started` is when the process started, in the machine's ticks. Both
    are empty where the system does not say.
    """

    user: str
    host: str
    pid: int
    since: str
    command: str
    place: str = ""
    started: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (process {self.pid}, since {self.since}, `{self.command}`)"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of one deployer: its place in the queue, and when its last sign of life was read."""

    id: str
    ticket: int
    deployer: Deployer
    seen_at: float


class Claims:
    """All claims of one project, in the order in which they were made."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._claims: dict[str, Claim] = {}
        self._broken: set[str] = set()

    def key(self, kind: str, claim_id: str) -> str:
        """The key of a claim, or of its mark that it was broken."""
        return f"{self._project}|{kind}|{claim_id}"

    def apply(self, entries: Iterable[KeyedText], now: float) -> None:
        """Take entries of the log that were read at `now`, in monotonic seconds; other entries are skipped."""
        for entry in entries:
            project, _, rest = entry.key.partition("|")
            kind, _, claim_id = rest.partition("|")
            if project != self._project or not claim_id:
                continue
            if kind == BROKEN:
                (self._broken.discard if entry.value is None else self._broken.add)(claim_id)
            elif kind == CLAIM:
                self._apply_claim(claim_id, entry, now)

    @property
    def queue(self) -> tuple[Claim, ...]:
        """The valid claims in their order; the first one holds the lock."""
        valid = (claim for claim in self._claims.values() if claim.id not in self._broken)
        return tuple(sorted(valid, key=lambda claim: claim.ticket))

    def ticket(self, claim_id: str) -> int | None:
        """The place of a claim in the queue, `None` if it was removed or broken."""
        claim = self._claims.get(claim_id)
        return None if claim is None or claim_id in self._broken else claim.ticket

    @property
    def leftover_marks(self) -> frozenset[str]:
        """Ids of broken claims that were removed."""
        return frozenset(self._broken - self._claims.keys())

    def _apply_claim(self, claim_id: str, entry: KeyedText, now: float) -> None:
        found = _read(entry.value)
        if found is None:
            self._claims.pop(claim_id, None)
            return
        ticket, deployer = found
        before = self._claims.get(claim_id)
        # The first entry has no ticket yet: its offset is the ticket, which the later ones repeat.
        made = Claim(claim_id, entry.offset if ticket is None else ticket, deployer, now)
        self._claims[claim_id] = made if before is None else replace(made, ticket=before.ticket)


def claim_text(deployer: Deployer, ticket: int | None) -> str:
    """A claim as an entry holds it."""
    return json.dumps({"ticket": ticket, **asdict(deployer)})


def _read(text: str | None) -> tuple[int | None, Deployer] | None:
    """The ticket and deployer of an entry; `None` if the entry removes the claim, or is of another version."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(found, Mapping):
        return None
    known = {field.name: found[field.name] for field in fields(Deployer) if field.name in found}
    try:
        return found.get("ticket"), Deployer(**known)
    except TypeError:
        return None
