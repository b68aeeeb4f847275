"""The vocabulary of connector changes: a changed key, and what it means for offsets, topics and what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bifrost.redaction import redact_value

SNAPSHOT = "snapshot"
"""All rows are read and written again."""
OFFSETS = "offsets"
"""The stored position loses its meaning: records may be missing or repeated."""
TOPICS = "topics"
"""Records go to other topics; the earlier ones stay where they are."""
FORMAT = "format"
"""Records get another key or format than those before them in the same topic."""
IDS = "ids"
"""Documents or rows get other ids, so those written so far are no longer updated."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key of a connector whose value changes; `None` where it is not set. Values may be secret.

    `old` and `new` are the whole configurations. `topics` are the declared topics that a source writes, `records` how
    many records topics hold, where that is known.
    """

    connector: str
    key: str
    before: str | None
    after: str | None
    old: Mapping[str, str]
    new: Mapping[str, str]
    topics: tuple[str, ...] = ()
    records: Mapping[str, int] = field(default_factory=dict)

    @property
    def added(self) -> tuple[str, ...]:
        """Entries of a list that only the new value has, in its order."""
        return tuple(item for item in items(self.after) if item not in items(self.before))

    @property
    def removed(self) -> tuple[str, ...]:
        """Entries of a list that only the old value has, in its order."""
        return tuple(item for item in items(self.before) if item not in items(self.after))


@dataclass(frozen=True, slots=True)
class KeyEffect:
    """What a change means, as a sentence without a full stop.

    An empty `flag` means that nothing is lost. `resets_offsets`: the connector must start without offsets. `way_out`:
    the deployer does not make this change; these are the steps for a person.
    """

    text: str
    flag: str = ""
    resets_offsets: bool = False
    way_out: tuple[str, ...] = ()


Rule = Callable[[KeyChange], KeyEffect | None]
"""What the change of a key means; `None` if it is harmless after all."""


def says(text: str, flag: str = "", *, resets_offsets: bool = False) -> Rule:
    """A rule that always says the same; `{key}`, `{before}`, `{after}` and `{connector}` are filled in."""

    def rule(change: KeyChange) -> KeyEffect:
        filled = text.format(
            key=change.key,
            before=_shown(change.key, change.before),
            after=_shown(change.key, change.after),
            connector=change.connector,
        )
        return KeyEffect(filled, flag, resets_offsets)

    return rule


def _shown(key: str, value: str | None) -> str:
    """A value without the secrets in it."""
    return redact_value(key, value) if value else "the default"


def items(text: str | None) -> tuple[str, ...]:
    """The entries of a comma-separated list."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def with_count(topic: str, records: Mapping[str, int]) -> str:
    """A topic's name with the number of its records, where that is known."""
    count = records.get(topic)
    return topic if count is None else f"{topic} ({count_of(count)})"


def count_of(count: int) -> str:
    """A number of records in words."""
    return f"{count:,} record{'' if count == 1 else 's'}"
