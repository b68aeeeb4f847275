"""The icons of senders as drawings: a font with emoji is not installed everywhere, and a missing sign says nothing."""

from __future__ import annotations

import html

_FRAME = (
    '<svg viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor" stroke-width="1.7" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>'
)
_DRAWINGS = {
    "bell": '<path d="M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21.5h4M12 3v2"/>',
    "briefcase": '<rect x="3" y="7" width="18" height="13" rx="2"/><path d="M8.5 7V4h7v3M3 13h18"/>',
    "credit_card": '<rect x="2" y="5" width="20" height="14" rx="2"/><path d="M2 10h20M6 15h4"/>',
    "eyes": '<path d="M2 12c3-5 6.5-7 10-7s7 2 10 7c-3 5-6.5 7-10 7s-7-2-10-7z"/><circle cx="12" cy="12" r="3"/>',
    "rocket": (
        '<path d="M12 2.5c3.5 2.5 5 6 5 9.5l-2 3.5H9L7 12c0-3.5 1.5-7 5-9.5z"/>'
        '<circle cx="12" cy="10" r="1.7"/><path d="M8.5 15.5 6 20M15.5 15.5 18 20M12 18v3.5"/>'
    ),
    "rotating_light": '<path d="M7 17v-5a5 5 0 0 1 10 0v5zM4 20.5h16M12 2v2M4 5.5 5.5 7M20 5.5 18.5 7"/>',
    "satellite_antenna": '<path d="M4 9a11 11 0 0 0 11 11zM9.5 14.5 14 10M14 3a7 7 0 0 1 7 7M14 7a3 3 0 0 1 3 3"/>',
    "truck": (
        '<path d="M4 17H2V6h11v11H9.5M13 9h5l4 4.5V17h-1.5M13 17h2.5"/>'
        '<circle cx="6.8" cy="17.5" r="2.2"/><circle cx="18" cy="17.5" r="2.2"/>'
    ),
    "warning": '<path d="M12 3 2.5 20h19zM12 10v5M12 17.5v.2"/>',
    "wrench": (
        '<path d="M20.5 7.5 17.5 10.5 13.5 6.5 16.5 3.5a5.5 5.5 0 0 0-7 7L3.5 16.5a2.8 2.8 0 0 0 4 4'
        'L13.5 14.5a5.5 5.5 0 0 0 7-7z"/>'
    ),
}
NAMES = frozenset(_DRAWINGS)


def avatar(icon: str, name: str) -> str:
    """The drawing of an icon such as `:rocket:`; without one, the first letter of a name. HTML."""
    drawing = _DRAWINGS.get(icon.strip(":"))
    return html.escape(name[:1].upper()) if drawing is None else _FRAME.format(drawing)
