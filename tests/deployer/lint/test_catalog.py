"""Every rule has a code, an explanation, and a row in the reference."""

import re

import pytest

from bifrost.deployer.lint.catalog import RULES, explanation
from bifrost.errors import SettingError
from bifrost.settings import PROJECT

PAGE = PROJECT / "docs" / "reference" / "lint.md"
GROUPS = {
    "0": "Files",
    "1": "Connectors",
    "2": "Debezium",
    "3": "Sinks",
    "4": "Topics and schemas",
    "5": "Statements",
    "6": "Dashboards and alerts",
}


def table() -> str:
    """The tables of the reference page."""
    lines = []
    for digit, title in GROUPS.items():
        lines += [f"### {title}", "", "| code | what it finds | | what to do |", "|---|---|---|---|"]
        for rule in RULES.values():
            if rule.code[2] == digit:
                mark = "" if rule.can_silence else "*"
                kind = "error" if rule.is_error else "warning"
                lines.append(f"| `{rule.code}`{mark} | {rule.title} | {kind} | {rule.fix} |")
        lines.append("")
    return "\n".join(lines)


def test_the_reference_lists_every_rule(request):
    head, _, _ = PAGE.read_text(encoding="utf-8").partition("\n## Rules\n")
    text = f"{head}\n## Rules\n\n{table()}"
    if request.config.getoption("--update-golden", default=False):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "run `make golden` after a change of a rule"


@pytest.mark.parametrize("code", RULES)
def test_a_rule_is_explained(code):
    lines = list(explanation(code.lower()))

    assert re.fullmatch(rf"{code}: .+ \((error|warning)\)", lines[0])
    for title in ("Why", "What to do", "Example", "Silence it"):
        assert lines[lines.index(title) + 1].strip()


def test_codes_are_stable_in_form_and_in_their_group():
    assert all(re.fullmatch(r"BF[0-6]\d\d", code) for code in RULES)


def test_an_unknown_code_proposes_a_known_one():
    with pytest.raises(SettingError, match="BF2O1 is not the code of a rule; did you mean BF2"):
        list(explanation("BF2O1"))
