"""Looks up by pull query which networks a device has probed for, by its MAC address or name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bifrost.clients.ksqldb import quote_text
from bifrost.clients.ksqldb_query import QueryFailed
from bifrost.errors import Unreachable

ZONE = ZoneInfo("Europe/London")
MAX_NAME_LENGTH = 200
"""Characters; no device has a longer name, so a longer one needs no query."""

FOUND = (
    "📡 Wi-Fi probe stats for %s\n"
    "\tEarliest probe : %s\n\tLatest probe   : %s\n\tProbe count    : %d\n\tUnique SSIDs   : %d (%s)"
)
NOT_FOUND = "🛎 No result found for device %s"
FAILED = "❌ Query failed (%s %s)\n%s"

_COLUMNS = "PROBE_COUNT, FIRST_PROBE, LAST_PROBE, UNIQUE_SSIDS_PROBED, SSIDS_PROBED"
_BY_MAC = f"SELECT {_COLUMNS} FROM PCAP_STATS_01 WHERE SOURCE_DEVICE = %s;"  # noqa: S608 - built of constants
_BY_NAME = f"SELECT {_COLUMNS} FROM PCAP_STATS_ENRICHED_01 WHERE DEVICE_NAME = %s;"  # noqa: S608

# Phones turn hyphens into typographic dashes.
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_GROUPED = re.compile(r"[0-9a-f]{1,2}(?:([:-])[0-9a-f]{1,2})(?:\1[0-9a-f]{1,2}){4}")
_DIGITS = re.compile(r"[0-9a-f]{12}")
_CURLY_QUOTES = str.maketrans("‘’“”", "''\"\"")


class Queries(Protocol):
    """The part of ksqlDB that look-ups need (`bifrost.clients.ksqldb_query.QueryClient`)."""

    def pull(self, query: str) -> list[list[Any]]:
        """Return the rows of a pull query."""
        ...


class ProbeLookup:
    """Looks up devices. Thread-safe."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def answer(self, question: str) -> str:
        """Return the statistics of the device with this MAC address or name, or why there are none."""
        device = mac_address(question) or question.strip()
        if len(device) > MAX_NAME_LENGTH:
            return NOT_FOUND % (device[:60] + "…")
        try:
            for query in queries_for(question):
                rows = self._queries.pull(query)
                if rows:
                    return FOUND % (device, *_statistics(rows[0]))
        except QueryFailed as error:
            return FAILED % (error.status, error.reason, error.body)
        except Unreachable:
            return FAILED % ("no answer from", "ksqlDB", "Please ask again in a minute.")
        return NOT_FOUND % device


def queries_for(question: str) -> Iterator[str]:
    """Return the pull queries that may find the device, the most likely first."""
    mac = mac_address(question)
    if mac:
        yield _BY_MAC % quote_text(mac)
    # Also if the text is an address: a name may look like one.
    name = question.strip()
    # Phones type curly quotes, and may send an accent as a separate character.
    spellings = (name, unicodedata.normalize("NFC", name), name.translate(_CURLY_QUOTES))
    for spelling in dict.fromkeys(spellings):
        yield _BY_NAME % quote_text(spelling)


def mac_address(text: str) -> str | None:
    """Return the MAC address in a text in the form that the capture writes, `None` if there is none.

    >>> mac_address(" A4-83-E7-4E-39-15 "), mac_address("a483.e74e.3915"), mac_address("a4:83:e7:4e:39:5")
    ('a4:83:e7:4e:39:15', 'a4:83:e7:4e:39:15', 'a4:83:e7:4e:39:05')
    """
    plain = _DASHES.sub("-", text.strip().lower())
    if _GROUPED.fullmatch(plain):
        return ":".join(group.zfill(2) for group in re.split("[:-]", plain))
    digits = re.sub("[ .:-]", "", plain)
    if len(plain) <= 2 * len(digits) and _DIGITS.fullmatch(digits):
        return ":".join(digits[place : place + 2] for place in range(0, 12, 2))
    return None


def _statistics(columns: list[Any]) -> tuple[str, str, int, int, list[str]]:
    count, first, last, unique, ssids = columns
    # A probe for a hidden network has no SSID.
    names = list(dict.fromkeys("" if ssid is None else str(ssid) for ssid in ssids or ()))
    return _time(first), _time(last), int(count or 0), int(unique or 0), names


def _time(value: Any) -> str:
    if isinstance(value, int):
        return f"{datetime.fromtimestamp(value / 1000, UTC).astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
    return str(value)
