"""What a change loses, and the losses that a person has allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from bifrost.errors import SettingError

LOSS_FLAGS: Mapping[str, str] = {
    "replace": "state is rebuilt: a query or a source is dropped and created again",
    "delete": "records, or something that the project created, are deleted",
    "snapshot": "a source connector reads its tables again, or starts without the rows that exist",
    "offsets": "a position is lost: records are read twice or left out",
    "reindex": "an index must be filled again to follow its template",
    "topics": "a connector writes to other topics; the earlier records stay in the old ones",
    "format": "records get another key or format than those before them in the same topic",
    "ids": "documents or rows get other ids, so that those written so far are no longer updated",
    "incompatible": "a schema breaks its subject's compatibility rule",
}
"""What each word of `--allow` accepts."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss that an action announces.

    `what` is a plain sentence: what is lost, rebuilt or repeated, and how many records if known. `flag` is the word of
    `--allow` that accepts it.

    Raises:
        ValueError: `flag` is not one of `LOSS_FLAGS`, so no option could allow the loss.
    """

    what: str
    flag: str

    def __post_init__(self) -> None:
        if self.flag not in LOSS_FLAGS:
            raise ValueError(f"{self.flag!r} is not one of {', '.join(LOSS_FLAGS)}")


@dataclass(frozen=True, slots=True)
class AllowedLosses:
    """The losses that a person accepts: name patterns by flag, `*` for every name."""

    patterns: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def accepts(self, name: str, loss: Loss) -> bool:
        """Whether the loss of the thing `name` is allowed."""
        return any(fnmatchcase(name, pattern) for pattern in self.patterns.get(loss.flag, ()))


def parse_allowed(words: Iterable[str]) -> AllowedLosses:
    """The losses that `FLAG` and `FLAG:NAME,NAME` words allow; a name may hold `*` and `?`.

    Raises:
        SettingError: a flag is unknown, or a word ends after its colon.
    """
    patterns: dict[str, frozenset[str]] = {}
    for word in words:
        flag, sign, names = word.partition(":")
        if flag not in LOSS_FLAGS:
            raise SettingError("--allow", f"{flag!r} is not one of {', '.join(LOSS_FLAGS)}")
        named = frozenset(name.strip() for name in names.split(",") if name.strip()) if sign else frozenset("*")
        if not named:
            raise SettingError("--allow", f"{word!r} names nothing; write {flag}:NAME,... or {flag}")
        patterns[flag] = patterns.get(flag, frozenset()) | named
    return AllowedLosses(patterns)


def allow_words(losses: Iterable[tuple[str, Loss]]) -> Iterator[str]:
    """The words for `--allow` that accept these losses, each with the name of what loses: `replace:ALERTS,TOTALS`."""
    names: dict[str, dict[str, None]] = {}
    for name, loss in losses:
        names.setdefault(loss.flag, {})[name] = None
    return (f"{flag}:{','.join(named)}" for flag, named in names.items())
