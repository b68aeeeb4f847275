"""Session variables: `${name}` in a statement's text is replaced by the value that DEFINE set."""

from __future__ import annotations

import re
from collections.abc import Mapping

# The first alternative is the escape `$${name}`, which must win over the reference in it.
_REFERENCE = re.compile(r"\$(\$\{[^{}]*\})|\$\{([A-Za-z_][A-Za-z0-9_@]*)\}")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|`(?:[^`]|``)*`|"(?:[^"]|"")*"|--[^\r\n]*|/\*.*?\*/""", re.DOTALL)
"""Strings, quoted names and comments."""


def substitute_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text with every `${name}` replaced, also inside quotes; names match in any case.

    Inside quotes, the value's own quotes are doubled, so that a value never ends the string or name that it is in.
    Outside, the value is inserted as it is. As in ksqlDB, unknown names stay as they are and `$${name}` becomes
    `${name}`.
    """
    if "${" not in text:
        return text
    known = {name.upper(): value for name, value in variables.items()}
    parts, position = [], 0
    for match in _QUOTED.finditer(text):
        parts.append(_substituted(text[position : match.start()], known, ""))
        quote = match.group()[0]
        parts.append(_substituted(match.group(), known, quote) if quote in "'`\"" else match.group())
        position = match.end()
    parts.append(_substituted(text[position:], known, ""))
    return "".join(parts)


def _substituted(text: str, known: Mapping[str, str], quote: str) -> str:
    def value_of(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return str(escaped)
        value = known.get(str(name).upper())
        if value is None:
            return match.group()
        return value.replace(quote, quote * 2) if quote else value

    return _REFERENCE.sub(value_of, text)
