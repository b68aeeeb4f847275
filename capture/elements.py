"""Parses the elements of a management frame for which a record has fields: SSID, country, vendors. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

_SSID, _COUNTRY, _VENDOR = 0, 7, 221
_MIN_COUNTRY_BYTES = 6
_WPS = b"\x00\x50\xf2\x04"
_WPS_DEVICE_NAME = 0x1011

_DECODED_BY_TSHARK = frozenset(
    # tshark decodes the contents of these vendors itself, and so leaves no bytes for `wlan.tag.vendor.data`.
    bytes.fromhex(oui)
    for oui in ("0050f2", "506f9a", "000fac", "00904c", "00037f", "004096", "000b86", "001392", "001977", "5c5b35")
)


@dataclass(frozen=True, slots=True)
class Elements:
    """The record's fields, and `is_cut` if an element ended before its length."""

    fields: dict[str, list[str]]
    is_cut: bool


@lru_cache(maxsize=4096)
def read(body: bytes) -> Elements:
    """Parse the elements of a frame. The cache helps because devices repeat the same elements."""
    found = _Found()
    is_cut = _read(body, found)
    return Elements(found.fields(), is_cut or found.is_damaged)


@dataclass(slots=True)
class _Found:
    """Values in the order of the frame."""

    ssids: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    device_names: list[str] = field(default_factory=list)
    ouis: list[str] = field(default_factory=list)
    oui_types: list[str] = field(default_factory=list)
    vendor_data: list[str] = field(default_factory=list)
    is_damaged: bool = False

    def fields(self) -> dict[str, list[str]]:
        """Return the record's fields, without empty ones."""
        every = {
            "wlan_tag_vendor_data": self.vendor_data,
            "wlan_tag_vendor_oui_type": self.oui_types,
            "wlan_tag_oui": self.ouis,
            "wlan_ssid": self.ssids,
            "wlan_country_info_code": self.countries,
            "wps_device_name": self.device_names,
        }
        return {name: values for name, values in every.items() if values}


def _read(body: bytes, found: _Found) -> bool:
    """Read all elements; return whether the last one is cut off."""
    at, end = 0, len(body)
    while at + 2 <= end:
        kind, start = body[at], at + 2
        at = start + body[at + 1]
        if at > end:
            # tshark shows the ids of a vendor even if the element's end is cut off.
            if kind == _VENDOR:
                _add_vendor_ids(found, body[start:])
            return True
        if kind == _SSID:
            found.ssids.append(ssid_text(body[start:at]))
        elif kind == _VENDOR:
            _add_vendor(found, body[start:at])
        elif kind == _COUNTRY:
            if at - start >= _MIN_COUNTRY_BYTES:
                found.countries.append(_text(body[start : start + 2]))
            else:
                found.is_damaged = True
    return at != end


def ssid_text(name: bytes) -> str:
    r"""Return an SSID as text: bytes that are not UTF-8 as `\xff`, a hidden name (empty or zeros) as `""`."""
    return _text(name) if name.strip(b"\0") else ""


def _add_vendor(found: _Found, body: bytes) -> None:
    _add_vendor_ids(found, body)
    if len(body) < 4:
        found.is_damaged = True
    elif body[:3] not in _DECODED_BY_TSHARK:
        found.vendor_data.append(body[3:].hex())
    elif body.startswith(_WPS):
        _add_device_names(found, body)


def _add_vendor_ids(found: _Found, body: bytes) -> None:
    if len(body) >= 3:
        found.ouis.append(str(int.from_bytes(body[:3], "big")))
    if len(body) >= 4:
        found.oui_types.append(str(body[3]))


def _add_device_names(found: _Found, body: bytes) -> None:
    at = len(_WPS)
    while at + 4 <= len(body):
        attribute, size = int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big")
        value = body[at + 4 : at + 4 + size]
        at += 4 + size
        if attribute == _WPS_DEVICE_NAME and at <= len(body):
            found.device_names.append(_text(value))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
