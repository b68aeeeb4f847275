"""Creates the stores of a task, in memory."""

from __future__ import annotations

from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.join_buffer import MemoryJoinBuffer
from bifrost.engine.state.key_value_store import MemoryKeyValueStore
from bifrost.engine.state.session_store import MemorySessionStore
from bifrost.engine.state.stores import Changelog, Store, StoreKind, StoreSpec
from bifrost.engine.state.window_store import MemoryWindowStore


def new_store(spec: StoreSpec, changelog: Changelog | None) -> Store:
    """Returns an empty store; `changelog` receives each of its changes."""
    recorder = ChangelogRecorder(changelog, spec.columns, spec.missing)
    match spec.kind:
        case StoreKind.KEY_VALUE:
            return MemoryKeyValueStore(recorder)
        case StoreKind.WINDOW:
            return MemoryWindowStore(recorder, spec.retention_ms)
        case StoreKind.SESSION:
            return MemorySessionStore(recorder, spec.retention_ms)
        case StoreKind.BUFFER:
            return MemoryJoinBuffer(recorder, spec.retention_ms)
