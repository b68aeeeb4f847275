"""Takes secrets out of what people see: by the name of a key, by the value of a known secret, and by its looks.

`redact_value` is for one value of a configuration, `redact_text` for any other text (errors, log lines, URLs).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote

REDACTED = "********"
SHORTEST_SECRET = 3
"""Shorter values are not searched for: they would match inside ordinary words."""

_NAME_PARTS = (
    r"pass(?:word|wd|phrase|code)|[._-]pwd|secret|token|credential|api[._-]?key|private[._-]?key|access[._-]?key"
    r"|(?:account|shared|signing|encryption|storage|master)[._-]?key|sasl[._]jaas|auth"
)
_SECRET_NAME = re.compile(
    rf"{_NAME_PARTS}|(?:^|[._-])pass$|ssl\.(?:keystore\.)?key$|^(?!transforms\.)(?:.*[._-])?headers$|http\.header$",
    re.I,
)
_PLACEHOLDERS = re.compile(r"(?:\$\{[^{}]*\})+")
_NOT_SECRET = frozenset({"true", "false", "none", "null", "yes", "no"})

# An authority ends at / ? # or white space; within it, the password ends at the last @.
_USERINFO = re.compile(r"""(://[^\s:/?#@"'<>]*:)([^\s/?#"'<>]*)(?=@)""")
# A password with an unescaped / ? or #: whatever follows the colon and is no port belongs to it.
_BROKEN_USERINFO = re.compile(r"""(://[^\s:/?#@"'<>,]*:)(?!\d{1,5}(?:[/?#,\s]|$))([^\s"'<>]{0,200})(?=@)""")
_ORACLE = re.compile(r"(jdbc:oracle:\w{1,20}:[^\s/:@]{1,128}/)([^\s@]{1,200})(?=@)", re.I)
_HTTP_USER = re.compile(r"""(https?://)([^\s:/?#@"'<>*]+)(?=@)""", re.I)
# Every repetition that can run into another one is bounded: a long text must not cost the square of its length.
_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|api[._-]?key|private[._-]?key"
    r"|access[._-]?key|(?:account|shared|signing)[._-]?key|sasl[._]jaas|basic\.auth\.user\.info)[\w.\-]{0,40}"
)
# A quote after a backslash belongs to the text, unless the text itself began with such a pair.
_QUOTED = r"""(?P<quote>\\*["'])(?:(?!(?P=quote))(?:\\.|[^\\]))*(?:(?P=quote)|\\?$)"""
_SIGN = r"""\\*["']?\s*(?:=|:|%3D|%3A)\s*"""
_KEEP = r"(?!\$\{|YES\b|NO\b|\*{8})"
# In our own messages a sentence follows the name: "SLACK_API_TOKEN: is not set", "refuses the token: invalid_auth".
_NOT_PROSE = r"(?!(?<=: )[a-z_]+(?:[\s,;.:)]|$))"
_ASSIGNED_IN_TEXT = re.compile(
    rf"(?P<name>{_NAME}{_SIGN}){_KEEP}{_NOT_PROSE}(?:{_QUOTED}|(?:(?!%26)[^\s,;&)}}\]\"'\\])+)", re.I | re.S
)
_ASSIGNED_IN_VALUE = re.compile(
    rf"(?P<name>{_NAME}{_SIGN}){_KEEP}(?:{_QUOTED}|\{{[^}}]*\}}|(?:(?!%26)[^;&\"\\])+)", re.I | re.S
)
_AUTHORIZATION = re.compile(
    r"""(authorization\\*["']?\s*[:=]\s*\\*["']?)(?!\$\{|\*{8})"""
    r"""(?:(?:Basic|Bearer|ApiKey|Digest|Negotiate|Token)\s+)?(?!\$\{)[^\s,;"'|\\]+""",
    re.I,
)
_SCHEME_AND_TOKEN = re.compile(r"\b(Bearer|Basic|ApiKey)(\s+)(?=[^\s\"']*\d)[A-Za-z0-9+/_.=~-]{8,}")
# SQL: a quote within a literal is doubled. Without quotes, only where the words cannot be an English sentence.
_SQL_LITERAL = r"""(?P<quote>\\*["'])(?:(?!(?P=quote))(?:\\.|[^\\])|(?P=quote)(?P=quote))*(?:(?P=quote)|\\?$)"""
_IDENTIFIED = r"IDENTIFIED\s{1,20}(?:(?:WITH|VIA)\s{1,20}[^\s;]{1,80}\s{1,20})?(?:BY|AS|USING)\s{1,20}"
_SQL_PASSWORD = re.compile(
    rf"(?P<name>(?i:\b(?:{_IDENTIFIED}(?:(?:PASSWORD|VALUES)\s{{0,20}}\(?\s{{0,20}})?"
    r"|PASSWORD(?:\s{1,20}|\s{0,20}\(\s{0,20})"
    r"|SET\s{1,20}PASSWORD\s{1,20}(?:FOR\s{1,20}[^\s;]{1,160}\s{0,20})?(?:=|TO)\s{0,20}(?:PASSWORD\s{0,20}\(\s{0,20})?"
    rf"))){_SQL_LITERAL}",
    re.S,
)
_BARE_SQL_PASSWORD = re.compile(
    r"(\bIDENTIFIED\s{1,20}BY\s{1,20}|(?i:\buser\s{1,20}[^\s;]{1,160}\s{1,20}identified\s{1,20}by\s{1,20}))"
    r"""([^\s;,)"'*]+)"""
)
# `--password X` of a command line. The value of `--password-file` is a path.
_OPTION = re.compile(
    r"(?P<name>(?<![\w-])--[\w.-]{0,40}(?i:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?"
    r"|(?:api|private|access|account|shared|signing|secret)[._-]?key)(?![\w.-]*(?:file|path|stdin))[\w.-]{0,40}\s{1,20})"
    r"(?!-|\*{8}|(?:is|are|was|has|needs|requires|takes|must|may|can|cannot|and|or|for|to|in|of|with|without)\b)"
    rf"(?:{_QUOTED}|[^\s\"'\\]+)",
    re.S,
)
_USER_OPTION = re.compile(
    r"((?<![\w-])(?:-u|--user|--proxy-user)[\s=]{1,20}[^\s:/]{1,160}:)(?!\d{1,5}(?:\s|$))([^\s\"'\\]+)"
)
_COOKIE = re.compile(r"""(\bcookie\\*["']?\s*:\s*\\*["']?)([^\s"'|\\][^"'|\\\r\n]*)""", re.I)
_SIGNATURE = re.compile(r"""([?&](?:sig|(?:x-(?:amz|goog)-)?signature)=)([^\s&#"'\\]+)""", re.I)
_SLACK_WEBHOOK = re.compile(r"""(hooks\.slack\.com/[a-z]+/)([^\s?#"'<>]+)""")
_LOOKS_LIKE_A_SECRET = re.compile(
    r"xox[abeoprs]-[\w-]{8,}"  # Slack
    r"|(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}"  # Telegram
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS
    r"|\bgh[opsu]_[A-Za-z0-9]{20,}"  # GitHub
    r"|\beyJ[\w-]{5,}\.[\w-]{8,}\.[\w-]*"  # JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.S,
)


def is_secret(name: str) -> bool:
    """Whether a setting or connector key of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def redact_value(key: str, value: str) -> str:
    """One value of a configuration without its secrets; placeholders such as `${env:NAME}` hold none and stay."""
    if is_secret(key):
        return value if not value or _PLACEHOLDERS.fullmatch(value) else REDACTED
    return _redact_patterns(value, _ASSIGNED_IN_VALUE)


def redact_config(config: Mapping[str, str]) -> dict[str, str]:
    """A configuration without its secrets."""
    return {key: redact_value(key, value) for key, value in config.items()}


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """A text without known secrets (see `secrets_of`) and without whatever looks like one."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return _redact_patterns(text, _ASSIGNED_IN_TEXT)


def secrets_of(config: Mapping[str, str]) -> tuple[str, ...]:
    """All secrets in a configuration's values, longest first, in the spellings in which a text may repeat them.

    A secret is the whole value of a secret key and the password in a URL or an assignment within any value.
    """
    plain: set[str] = set()
    for key, value in config.items():
        if is_secret(key):
            plain.add(value)
        else:
            plain.update(_passwords_in(value))
    found = {text for secret in plain if _is_searchable(secret) for text in _spellings(secret)}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _is_searchable(secret: str) -> bool:
    return len(secret) >= SHORTEST_SECRET and secret.lower() not in _NOT_SECRET and not _PLACEHOLDERS.search(secret)


def _spellings(secret: str) -> set[str]:
    decoded = unquote(secret)
    found = {secret, decoded, quote(decoded, safe=""), quote_plus(decoded), json.dumps(secret)[1:-1]}
    found.add(base64.b64encode(secret.encode()).decode())
    return {text for text in found if len(text) >= SHORTEST_SECRET}


def _passwords_in(value: str) -> set[str]:
    found = {match[2] for pattern in (_USERINFO, _BROKEN_USERINFO, _ORACLE) for match in pattern.finditer(value)}
    for match in _ASSIGNED_IN_VALUE.finditer(value):
        found.add(match[0].removeprefix(match["name"]).strip("\\\"'{}"))
    for pattern in (_SQL_PASSWORD, _OPTION):
        found |= {match[0].removeprefix(match["name"]).strip("\\\"'") for match in pattern.finditer(value)}
    for pattern in (_BARE_SQL_PASSWORD, _USER_OPTION):
        found |= {match[2] for match in pattern.finditer(value)}
    return {password for password in found if password and password != REDACTED}


def _redact_patterns(text: str, assigned: re.Pattern[str]) -> str:
    text = _LOOKS_LIKE_A_SECRET.sub(REDACTED, text)
    text = _USERINFO.sub(_after_prefix, text)
    text = _BROKEN_USERINFO.sub(_after_prefix, text)
    text = _ORACLE.sub(_after_prefix, text)
    for pattern in (_SQL_PASSWORD, _OPTION):
        text = pattern.sub(_after_name, text)
    for pattern in (_BARE_SQL_PASSWORD, _USER_OPTION, _COOKIE, _SIGNATURE, _SLACK_WEBHOOK):
        text = pattern.sub(_after_prefix, text)
    text = _HTTP_USER.sub(rf"\1{REDACTED}", text)
    text = _AUTHORIZATION.sub(rf"\1{REDACTED}", text)
    text = _SCHEME_AND_TOKEN.sub(rf"\1\2{REDACTED}", text)
    return assigned.sub(_after_name, text)


def _after_prefix(match: re.Match[str]) -> str:
    return match[0] if not match[2] or _PLACEHOLDERS.fullmatch(match[2]) else f"{match[1]}{REDACTED}"


def _after_name(match: re.Match[str]) -> str:
    quoted = match["quote"] or ""
    inner = match[0].removeprefix(match["name"]).removeprefix(quoted).removesuffix(quoted)
    if not inner or _PLACEHOLDERS.fullmatch(inner):
        return match[0]
    return f"{match['name']}{quoted}{REDACTED}{quoted}"
