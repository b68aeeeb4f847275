"""axe-core, which finds what keeps people with disabilities from using a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome

VERSION = "4.14.1"
SERIOUS = ("serious", "critical")
_RUN = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]})
  .then((found) => done(found.violations), (error) => done(String(error)));
"""


def script_in(cache: Path) -> Path:
    """Where the live tests install axe-core's script."""
    return cache / f"axe-core-{VERSION}" / "node_modules" / "axe-core" / "axe.min.js"


def serious_problems(browser: Chrome, script: str) -> list[str]:
    """What axe finds on the open page that is serious or critical, with the elements.

    Args:
        script: the text of axe-core's script.
    """
    if not browser.execute_script("return Boolean(window.axe)"):
        browser.execute_script(script)
    browser.set_script_timeout(120)
    found: list[dict[str, Any]] | str = browser.execute_async_script(_RUN)
    assert isinstance(found, list), found
    return [
        f"{problem['id']}: {node['target']}: {node['failureSummary'].splitlines()[-1].strip()}"
        for problem in found
        if problem["impact"] in SERIOUS
        for node in problem["nodes"]
    ]
