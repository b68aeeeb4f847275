"""Renders Slack's message markup (mrkdwn) as HTML: bold, italic, strike, code, quotes, emoji. The rest stays text."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from itertools import groupby

EMOJI = {
    "airplane": "✈️",
    "bell": "🔔",
    "briefcase": "💼",
    "bust_in_silhouette": "👤",
    "chart_with_upwards_trend": "📈",
    "credit_card": "💳",
    "disappointed": "😞",
    "eyes": "👀",
    "fire": "🔥",
    "heart": "❤️",
    "incoming_envelope": "📨",
    "information_source": "ℹ️",
    "lock": "🔒",
    "moneybag": "💰",
    "package": "📦",
    "red_circle": "🔴",
    "robot_face": "🤖",
    "rocket": "🚀",
    "rotating_light": "🚨",
    "satellite_antenna": "📡",
    "smile": "😄",
    "star": "⭐",
    "tada": "🎉",
    "thumbsup": "👍",
    "truck": "🚚",
    "warning": "⚠️",
    "wave": "👋",
    "white_check_mark": "✅",
    "wrench": "🔧",
    "x": "❌",
}
"""The emoji names that our services use, and some similar ones; an unknown name stays as text."""

_TAGS = {"*": "strong", "_": "em", "~": "s"}
_NESTING = 3
_SPAN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    # Without the bound on a span, a hostile line of opening marks would cost quadratic time.
    r"|(?<![\w*_~])(?P<mark>[*_~])(?P<inner>(?!\s)[^\n]{0,300}?[^\s])(?P=mark)(?![\w*_~])"
    r"|:(?P<emoji>[a-z0-9_+-]{1,40}):"
)


@lru_cache(maxsize=1024)
def to_html(text: str) -> str:
    """Render a message as HTML. All text is escaped, so that untrusted messages are safe to show.

    >>> to_html("`a@b.c` is _*not* happy_")
    '<code>a@b.c</code> is <em><strong>not</strong> happy</em>'
    """
    blocks = []
    for quoted, lines in groupby(text.split("\n"), key=_is_quote):
        if quoted:
            quote = "\n".join(_inline(line.removeprefix(">").removeprefix(" ")) for line in lines)
            blocks.append(f"<blockquote>{quote}</blockquote>")
        else:
            # The empty lines around a quote are its margin and not shown.
            blocks.append("\n".join(map(_inline, lines)).strip("\n"))
    return "".join(blocks)


def _is_quote(line: str) -> bool:
    return line.startswith(">")


def _inline(text: str, depth: int = 0) -> str:
    if depth == _NESTING:
        return _escaped(text)
    parts: list[str] = []
    end = 0
    for match in _SPAN.finditer(text):
        parts += (_escaped(text[end : match.start()]), _span(match, depth))
        end = match.end()
    return "".join((*parts, _escaped(text[end:])))


def _span(match: re.Match[str], depth: int) -> str:
    code, mark = match["code"], match["mark"]
    if code is not None:
        return f"<code>{_escaped(code)}</code>"
    if mark is not None:
        return f"<{_TAGS[mark]}>{_inline(match['inner'], depth + 1)}</{_TAGS[mark]}>"
    character = EMOJI.get(match["emoji"])
    return f'<span class="emoji">{character}</span>' if character else _escaped(match[0])


def _escaped(text: str) -> str:
    # Slack shows its three entities as the characters that they encode.
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return html.escape(plain)
