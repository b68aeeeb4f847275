"""The form of keys on disk: equal keys have equal bytes, and the maps of all stores have the same parts."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.codec import encoder
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.frozen import FrozenDict, FrozenList, Key
from bifrost.sql.types import SqlValue

# Values of these types may be equal and encoded differently. A tuple, since a union takes three times as long.
_VARIABLE = (float, tuple)
_LAYOUT, _AFTER_LAYOUTS = b"l", b"m"


def canonical(key: Key) -> list[SqlValue]:
    """Returns the parts of a key so that keys which are equal in memory are encoded as equal bytes."""
    return [_canonical(part) if isinstance(part, _VARIABLE) else part for part in key]


def _canonical(part: SqlValue) -> SqlValue:
    match part:
        case float():
            # -0.0 equals 0.0.
            return part + 0.0
        case FrozenDict():
            pack = encoder()
            items = [(_canonical(name), _canonical(item)) for name, item in part]
            return FrozenDict(sorted(items, key=lambda item: pack(item[0])))
        case FrozenList():
            return FrozenList(map(_canonical, part))
        case tuple():
            return tuple(map(_canonical, part))
        case _:
            return part


def read_layouts(rows: DiskMap, recorder: ChangelogRecorder) -> None:
    """Passes the layouts of rows in a map to the recorder."""
    for key, value in layouts(rows):
        recorder.store_key(key, value)


def layouts(rows: DiskMap) -> Iterator[tuple[bytes, bytes]]:
    """Returns the changelog records that define the layouts of rows in a map."""
    for key, value in rows.between(_LAYOUT, _AFTER_LAYOUTS):
        yield key[len(_LAYOUT) :], value


def restored_key(rows: DiskMap, recorder: ChangelogRecorder, key: bytes, value: bytes | None) -> list[SqlValue] | None:
    """Returns the store key of a changelog record; None for one that defines a layout, which the map remembers."""
    found = recorder.store_key(key, value)
    if found is None and value is not None:
        rows.put(_LAYOUT + key, value)
    return found
