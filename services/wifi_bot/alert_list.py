"""The watch list of SSIDs: a ksqlDB table, so a change takes effect immediately."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from bifrost.clients.ksqldb import KsqlClient, quote_text
from bifrost.errors import Refused

TABLE = "SSID_ALERT_LIST"
VIEW = "QUERYABLE_SSID_ALERT_LIST"
"""A materialised view for pull queries: ksqlDB keeps no state for a table that only describes a topic."""


class RowDeleter(Protocol):
    """Deletes rows of a table (`bifrost.clients.tombstone_writer.TombstoneWriter`)."""

    def delete(self, topic: str, key: bytes) -> None:
        """Delete the row of this key."""
        ...


@dataclass(frozen=True, slots=True)
class WatchedSsid:
    """One entry of the watch list."""

    ssid: str
    reason: str


class AlertList:
    """Reads and changes the watch list. All calls raise `RemoteError` if ksqlDB or Kafka fails."""

    def __init__(self, ksql: KsqlClient, deleter: RowDeleter) -> None:
        self._ksql = ksql
        self._deleter = deleter

    def watch(self, ssid: str, reason: str) -> None:
        """Add an SSID, or change its reason."""
        values = f"{quote_text(ssid)}, {quote_text(reason)}"
        self._ksql.execute(f"INSERT INTO {TABLE} (SSID, REASON) VALUES ({values});")  # noqa: S608

    def unwatch(self, ssid: str) -> None:
        """Remove an SSID; a missing one is not an error."""
        table = next((found for found in self._ksql.tables() if found.name == TABLE), None)
        if table is None:
            raise Refused(
                "ksqlDB", f"table {TABLE}", status=0, body="the table does not exist; deploy the wifi pipeline"
            )
        # ksqlDB has no statement that deletes a row.
        self._deleter.delete(table.topic, key_bytes(ssid, table.key_format))

    def reason_for(self, ssid: str) -> str | None:
        """Return the reason of an SSID, `None` if it is not on the list."""
        rows = self._ksql.pull(f"SELECT REASON FROM {VIEW} WHERE SSID = {quote_text(ssid)};")  # noqa: S608
        return str(rows[0]["REASON"] or "") if rows else None

    def entries(self) -> list[WatchedSsid]:
        """Return the list, sorted by SSID."""
        rows = self._ksql.pull(f"SELECT SSID, REASON FROM {VIEW};")  # noqa: S608
        return sorted(
            (WatchedSsid(str(row["SSID"]), str(row["REASON"] or "")) for row in rows), key=lambda entry: entry.ssid
        )


def key_bytes(ssid: str, key_format: str) -> bytes:
    """Encode an SSID as a record key in the key format of the table (`KAFKA` or `JSON`).

    Raises:
        Refused: the key format is another one.
    """
    match key_format.upper():
        case "KAFKA":
            return ssid.encode()
        case "JSON":
            return json.dumps(ssid, ensure_ascii=False).encode()
        case other:
            problem = f"its key format {other} is not supported here; delete the row with a producer of that format"
            raise Refused("ksqlDB", f"table {TABLE}", status=0, body=problem)
