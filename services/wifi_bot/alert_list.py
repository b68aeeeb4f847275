"""The list of SSIDs that are looked out for: it lives in a ksqlDB table, and a change takes effect at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from bifrost.clients.ksqldb import KsqlClient, quote_text
from bifrost.errors import Refused

TABLE = "SSID_ALERT_LIST"
VIEW = "QUERYABLE_SSID_ALERT_LIST"
"""The same rows where pull queries can be answered; ksqlDB keeps no state for a table that only describes a topic."""


class Deleter(Protocol):
    """What deletes rows (`bifrost.clients.tombstone_writer.TombstoneWriter`)."""

    def put(self, topic: str, key: bytes) -> None:
        """Write a tombstone."""
        ...


@dataclass(frozen=True, slots=True)
class WatchedSsid:
    """One entry of the list."""

    ssid: str
    reason: str


class AlertList:
    """Reads and changes the list. All calls raise `RemoteError` when ksqlDB or Kafka does not do its part."""

    def __init__(self, ksql: KsqlClient, deleter: Deleter) -> None:
        self._ksql = ksql
        self._deleter = deleter

    def watch(self, ssid: str, reason: str) -> None:
        """Put an SSID on the list, or give it another reason."""
        values = f"{quote_text(ssid)}, {quote_text(reason)}"
        self._ksql.execute(f"INSERT INTO {TABLE} (SSID, REASON) VALUES ({values});")  # noqa: S608

    def unwatch(self, ssid: str) -> None:
        """Take an SSID off the list; one that is not on it is fine."""
        table = next((found for found in self._ksql.tables() if found.name == TABLE), None)
        if table is None:
            raise Refused("ksqlDB", f"table {TABLE}", status=0, body="there is no such table; deploy the wifi pipeline")
        self._deleter.put(table.topic, key_bytes(ssid, table.key_format))

    def reason_for(self, ssid: str) -> str | None:
        """Why an SSID is on the list; `None` when it is not."""
        rows = self._ksql.pull(f"SELECT REASON FROM {VIEW} WHERE SSID = {quote_text(ssid)};")  # noqa: S608
        return str(rows[0]["REASON"] or "") if rows else None

    def entries(self) -> list[WatchedSsid]:
        """The list, by SSID."""
        rows = self._ksql.pull(f"SELECT SSID, REASON FROM {VIEW};")  # noqa: S608
        return sorted(
            (WatchedSsid(str(row["SSID"]), str(row["REASON"] or "")) for row in rows), key=lambda entry: entry.ssid
        )


def key_bytes(ssid: str, key_format: str) -> bytes:
    """An SSID as the key of a record, in the key format of its table.

    Raises:
        Refused: keys of this format are not written here.
    """
    match key_format.upper():
        case "KAFKA":
            return ssid.encode()
        case "JSON":
            return json.dumps(ssid, ensure_ascii=False).encode()
        case other:
            problem = f"its keys are {other}; delete the row with a producer of that format"
            raise Refused("ksqlDB", f"table {TABLE}", status=0, body=problem)
