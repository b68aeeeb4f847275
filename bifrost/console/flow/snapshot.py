"""What was read from the live system at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bifrost.clients.connect import ConnectorStatus
from bifrost.clients.csv_error_folder import RejectedFile
from bifrost.clients.ksqldb import QueryDetails
from bifrost.console.flow.pipeline_owners import PipelineOwners

Offsets = Mapping[str, Mapping[int, int]]
"""Offsets by topic and partition."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live system at one moment; a part that did not answer is empty, with a line in `problems`."""

    at: float  # seconds since the epoch
    configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    statuses: Mapping[str, ConnectorStatus] = field(default_factory=dict)
    written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # topics by source connector
    queries: tuple[QueryDetails, ...] = ()
    topics_of: Mapping[str, str] = field(default_factory=dict)  # topic by stream or table
    firsts: Offsets = field(default_factory=dict)
    ends: Offsets = field(default_factory=dict)
    positions: Mapping[str, Offsets] = field(default_factory=dict)  # by consumer group
    components: tuple[dict[str, Any], ...] = ()
    broken: tuple[RejectedFile, ...] = ()
    owners: PipelineOwners = field(default_factory=PipelineOwners)
    alert_problems: Mapping[str, str] = field(default_factory=dict)  # by alert
    problems: tuple[str, ...] = ()
