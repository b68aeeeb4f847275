"""Creates the stores of a task, as the protocols of `stores.py`."""

from __future__ import annotations

from typing import cast

from bifrost.engine.state.movable import MovableStore
from bifrost.engine.state.stores import Changelog, Store, StoreSpec


def new_store(spec: StoreSpec, changelog: Changelog | None) -> Store:
    """Returns an empty store, in memory at first; `changelog` receives each of its changes."""
    return cast(Store, MovableStore(spec, changelog))
