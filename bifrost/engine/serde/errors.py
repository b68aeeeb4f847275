"""What can go wrong between bytes and rows."""

from __future__ import annotations

from bifrost.errors import BifrostError


class SerdeError(BifrostError):
    """Bytes that cannot be read as the row they should be, or a row that its format cannot carry.

    The caller knows topic, partition and offset and writes it to the processing log.
    """


class RegistryUnavailable(BifrostError):
    """The schema registry did not answer; the same call may succeed later, so the record must not be dropped."""
