"""The names that a shell completes: what runs, and what is declared. A short cache keeps the Tab key fast."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from bifrost.deployer.declared.files import load
from bifrost.deployer.live.state import Platform
from bifrost.deployer.plan.dependencies import dependencies_of
from bifrost.errors import BifrostError
from bifrost.operations.live_things import ThingKind, live_things, service_names
from bifrost.settings import Settings

KEPT_S = 30.0
"""How long names are taken from the cache; a new connector is completed after that."""
NameKind = Literal["live", "declared"]


def live_names(settings: Settings, open_platform: Callable[[Settings], Platform], now_s: float) -> tuple[str, ...]:
    """The names of connectors, queries, streams and tables of queries, services and components; what answers counts."""

    def read() -> list[str]:
        names: list[str] = []
        with open_platform(settings) as platform:
            for kind in ThingKind:
                try:
                    things = live_things(platform, service_names(settings), kind)
                except BifrostError:
                    continue
                names += [name for thing in things for name in (thing.name, *thing.sinks)]
        return names

    return _cached(settings, "live", read, now_s)


def declared_names(settings: Settings, now_s: float) -> tuple[str, ...]:
    """The names of everything declared; none while a file is wrong."""

    def read() -> list[str]:
        try:
            return [thing.name for thing in dependencies_of(load(settings.project)).needs]
        except BifrostError:
            return []

    return _cached(settings, "declared", read, now_s)


def _cached(settings: Settings, kind: NameKind, read: Callable[[], list[str]], now_s: float) -> tuple[str, ...]:
    file = settings.run / f"names-{kind}-{settings.target}.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if 0 <= now_s - float(found["at"]) < KEPT_S:
            return tuple(str(name) for name in found["names"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    names = tuple(sorted(set(read())))
    _write(file, json.dumps({"at": now_s, "names": names}))
    return names


def _write(file: Path, text: str) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError:
        return  # without a cache it takes longer, that is all
