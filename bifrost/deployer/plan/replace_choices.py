"""What a person chooses for statements that must be replaced: `--from`, `--keep-topic`, `--repeat-alerts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReadFrom = Literal["earliest", "latest"]
SinkTopics = Literal["keep", "delete"]


@dataclass(frozen=True, slots=True)
class ReplaceChoices:
    """How statements that cannot be changed in place are dropped and created again.

    `read_from` is where the new queries start (`--from`), by default where each statement's `auto.offset.reset` says.
    `topics` keeps or deletes the topics of the dropped queries (`--keep-topic`, `--delete-topic`); by default they are
    kept, except where ksqlDB could not write the new records to them. With `repeat_alerts` (`--repeat-alerts`), alert
    services also read the records that are computed again.
    """

    read_from: ReadFrom | None = None
    topics: SinkTopics | None = None
    repeat_alerts: bool = False


BY_DEFAULT = ReplaceChoices()
