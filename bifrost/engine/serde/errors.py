"""Errors of serialization."""

from __future__ import annotations

from bifrost.errors import BifrostError


class SerdeError(BifrostError):
    """Bytes that cannot be read as the row they should be, or a row that its format cannot represent.

    The caller adds topic, partition and offset and reports the error to the processing log.
    """


class RegistryUnavailable(BifrostError):
    """The schema registry did not answer. The same call may succeed later, so the caller must keep the record."""
