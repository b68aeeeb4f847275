"""Variables of a session: `${name}` in a statement's text stands for what DEFINE gave it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(\$\{[^{}]*\})|\$\{([A-Za-z_][A-Za-z0-9_@]*)\}")


def substitute_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text with every `${name}` replaced, within quotes too; names match in any case.

    Unknown names stay as they are, and `$${name}` gives `${name}`, as in ksqlDB.
    """
    if "${" not in text:
        return text
    known = {name.upper(): value for name, value in variables.items()}

    def value_of(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        return str(escaped) if escaped else known.get(str(name).upper(), match.group())

    return _REFERENCE.sub(value_of, text)
