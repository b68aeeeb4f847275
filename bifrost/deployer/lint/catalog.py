"""All rules by code, and their explanation as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from textwrap import wrap

from bifrost.deployer.lint import (
    connector_rules,
    debezium_rules,
    other_rules,
    sink_rules,
    statement_rules,
    topic_rules,
)
from bifrost.deployer.lint.rule import LintRule
from bifrost.errors import SettingError

_GROUPS = (other_rules, connector_rules, debezium_rules, sink_rules, topic_rules, statement_rules)
RULES: Mapping[str, LintRule] = {
    rule.code: rule for rule in sorted((rule for group in _GROUPS for rule in group.RULES), key=lambda rule: rule.code)
}
"""Every rule by its code."""
_WIDTH = 110
_SILENCE_JSON = 'In the connector\'s or topic\'s object: "bifrost.lint.ignore": "{code}"'
_SILENCE_SQL = "Before the statement: -- lint: ignore {code}"
_SILENCE_ALERT = "Anywhere in the alert's file: # lint: ignore {code}"


def explanation(code: str) -> Iterator[str]:
    """The lines that explain a rule.

    Raises:
        SettingError: there is no such rule.
    """
    rule = RULES.get(code.upper())
    if rule is None:
        close = get_close_matches(code.upper(), RULES, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise SettingError("--explain", f"{code} is not the code of a rule{hint}")
    yield f"{rule.code}: {rule.title} ({'error' if rule.is_error else 'warning'})"
    for title, text in (("Why", rule.why), ("What to do", rule.fix)):
        yield ""
        yield title
        yield from (f"  {line}" for line in wrap(text, _WIDTH))
    yield ""
    yield "Example"
    yield from (f"  {line}" for line in rule.example.splitlines())
    yield ""
    yield "Silence it"
    yield f"  {silence_hint(rule)}"


def silence_hint(rule: LintRule) -> str:
    """How a rule is silenced in a file."""
    if not rule.can_silence:
        return "It cannot be silenced: nothing could run."
    match rule.code[2]:
        case "5":
            return _SILENCE_SQL.format(code=rule.code)
        case "6":
            return _SILENCE_ALERT.format(code=rule.code)
        case _:
            return _SILENCE_JSON.format(code=rule.code)
