"""Session variables: `${name}` in a statement's text is replaced by the value that DEFINE set."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(\$\{[^{}]*\})|\$\{([A-Za-z_][A-Za-z0-9_@]*)\}")


def substitute_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text with every `${name}` replaced, also inside quotes; names match in any case.

    As in ksqlDB, unknown names stay as they are and `$${name}` becomes `${name}`.
    """
    if "${" not in text:
        return text
    known = {name.upper(): value for name, value in variables.items()}

    def value_of(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        return str(escaped) if escaped else known.get(str(name).upper(), match.group())

    return _REFERENCE.sub(value_of, text)
