"""The endpoints of a target, as people and programs may see them."""

from __future__ import annotations

from urllib.parse import urlsplit

from bifrost.default_settings import LOCAL_DEFAULTS
from bifrost.redaction import redact_text
from bifrost.settings import Settings


def visible_endpoints(settings: Settings) -> dict[str, str]:
    """The endpoints by name, without passwords.

    The published passwords of the local throw-away stores stay: they are the way into the demo databases.
    """
    return {name: _visible(settings, value) for name, value in settings.endpoints.as_json().items()}


def _visible(settings: Settings, value: str) -> str:
    is_published = settings.target != "remote" and urlsplit(value).password in LOCAL_DEFAULTS.values()
    return value if is_published else redact_text(value)
