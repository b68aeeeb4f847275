"""Changing the configuration of a connector, as a planned action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.console.operated.endpoints import InvalidParameter
from bifrost.console.operated.parameters import text_in
from bifrost.console.operated.pending_actions import PlannedAction
from bifrost.console.operated.target_pool import OperatedTarget
from bifrost.operations.connector_configs import change_config, plan_config

MAX_KEYS = 1_000


def plan_configuring(target: OperatedTarget, body: Mapping[str, Any]) -> PlannedAction:
    """`{"name": CONNECTOR, "config": {KEY: VALUE}}`; a redacted value stays as it is."""
    planned = plan_config(target.platform.connect, text_in(body, "name"), config_in(body))

    def carry_out(target: OperatedTarget) -> str:
        change_config(target.platform, planned, target.clock)
        return f"Configuration of connector {planned.name} changed."

    note = "Connect restarts its tasks. `up` puts back what the project's file declares, if it differs."
    lines = (*planned.lines, note) if planned.is_change else ()
    return PlannedAction("change config", f"connector {planned.name}", lines, carry_out, planned.is_change)


def config_in(body: Mapping[str, Any]) -> dict[str, str]:
    """The configuration in a body.

    Raises:
        InvalidParameter: it is missing, or is no JSON object of texts, numbers and flags.
    """
    found = body.get("config")
    if not isinstance(found, dict) or len(found) > MAX_KEYS:
        raise InvalidParameter(f"config must be an object with up to {MAX_KEYS} keys")
    texts = {}
    for key, value in found.items():
        match value:
            case str():
                texts[key] = value
            case bool():
                texts[key] = str(value).lower()
            case int() | float():
                texts[key] = str(value)
            case _:
                raise InvalidParameter(f"config: the value of {key} must be a text, a number, true or false")
    return texts
