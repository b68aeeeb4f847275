"""JSON for pages, of whatever the parts of the platform answer."""

from __future__ import annotations

import json

import orjson


def page_json(content: object) -> bytes:
    """The JSON of an answer or event.

    A text with half of a surrogate pair, a number beyond 64 bits and deep nesting are valid in JSON, and servers send
    them, but the fast encoder refuses them.
    """
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:
        return json.dumps(content).encode()
