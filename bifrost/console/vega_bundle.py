"""Extracts Vega's JavaScript from vl-convert into the cache, so that no page loads it from another host."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import vl_convert

VEGA_LITE = "5.21"
"""The newest of the line that Kibana draws, so that a panel reads the same in both."""

_SNIPPET = "window.vegaEmbed = vegaEmbed;"


def bundle(cache: Path) -> Path:
    """The file with vega-embed, Vega and Vega-Lite; created first if it is missing, which takes some seconds."""
    path = cache / f"vega-{version('vl-convert-python')}-{VEGA_LITE}.js"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(vl_convert.javascript_bundle(_SNIPPET, vl_version=VEGA_LITE), encoding="utf-8")
        # Renamed when complete: a process that is killed must not leave half a file.
        unfinished.replace(path)
    return path
