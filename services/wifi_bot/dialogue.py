"""What the Wi-Fi bot answers: commands about the alert list, and questions about devices."""

from __future__ import annotations

import logging
import re

from bifrost.errors import RemoteError, Unreachable
from services.wifi_bot.alert_list import AlertList
from services.wifi_bot.probe_lookup import ProbeLookup

SSID_BYTES = 32
"""The standard gives an SSID no more."""
REASON_LIMIT = 500

HELP = (
    "Send me the MAC address or the name of a device, and I tell which networks it has looked for.\n\n"
    "/watch SSID reason : tell when a device looks for this network\n"
    "/unwatch SSID : do so no longer\n"
    "/list : the networks on the list\n"
    "/help : this text\n\n"
    'An SSID with blanks goes into quotes: /watch "Guest Wi-Fi" guest network'
)
WELCOME = f"👋 Hello! I know what the Wi-Fi devices around here are looking for.\n\n{HELP}"

_COMMAND = re.compile(r"/(?P<name>\w+)(?:@(?P<bot>\w+))?(?:\s+(?P<rest>.*))?", re.DOTALL)
_QUOTED = re.compile(r"""(?:"([^"]*)"|'([^']*)'|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»)(?=\s|$)""")

_log = logging.getLogger("bot")


class Dialogue:
    """Answers one message at a time; usable from several threads."""

    def __init__(self, lookup: ProbeLookup, alerts: AlertList, username: str = "") -> None:
        """Wire the parts; `username` is the bot's own, for commands that name a bot."""
        self._lookup = lookup
        self._alerts = alerts
        self._username = username.lower()

    def reply(self, text: str) -> str | None:
        """The answer to a message; `None` when it is meant for another bot."""
        command = _COMMAND.fullmatch(text.strip())
        if command is None:
            return self._lookup.answer(text) if text.strip() else HELP
        if command["bot"] and self._username and command["bot"].lower() != self._username:
            return None
        try:
            return self._command(command["name"].lower(), (command["rest"] or "").strip())
        except Unreachable as error:
            _log.warning("/%s: %s", command["name"], error)
            # The problem names an address, which is nobody's business in a chat.
            return f"❌ {error.system} does not answer\nPlease try again in a minute."
        except RemoteError as error:
            _log.warning("/%s: %s", command["name"], error)
            return f"❌ {error.system} did not do that: {error.problem}\nPlease try again in a minute."

    def _command(self, name: str, rest: str) -> str:
        match name:
            case "start":
                return WELCOME
            case "help":
                return HELP
            case "watch":
                return self._watch(*ssid_and_rest(rest))
            case "unwatch":
                ssid, more = ssid_and_rest(rest)
                return self._unwatch(ssid if not more else rest)
            case "list":
                return self._list()
            case _:
                return f"I do not know the command /{name[:60]}. /help tells what I understand."

    def _watch(self, ssid: str, reason: str) -> str:
        problem = _problem_of(ssid, "/watch RNM0 home network")
        if problem:
            return problem
        if not reason:
            return f"Please say why, too: /watch {_as_typed(ssid)} home network"
        if len(reason) > REASON_LIMIT:
            return f"Please say it in {REASON_LIMIT} characters; these are {len(reason)}."
        self._alerts.watch(ssid, " ".join(reason.split()))
        return f"👀 I tell when a device probes for SSID `{ssid}`"

    def _unwatch(self, ssid: str) -> str:
        problem = _problem_of(ssid, "/unwatch RNM0")
        if problem:
            return problem
        known = self._alerts.reason_for(ssid)
        # Also where it is not known: it may have been put on the list a moment ago.
        self._alerts.unwatch(ssid)
        if known is None:
            return f"SSID `{ssid}` was not on the list. /list tells what is."
        return f"🙈 SSID `{ssid}` is off the list"

    def _list(self) -> str:
        entries = self._alerts.entries()
        if not entries:
            return "The list is empty. /watch SSID reason puts a network on it."
        lines = (f"\t`{entry.ssid}` because: {entry.reason}" for entry in entries)
        return "\n".join(("👀 I tell when a device probes for one of these SSIDs", *lines))


def ssid_and_rest(text: str) -> tuple[str, str]:
    """An SSID, in quotes or up to the first blank, and what follows it.

    >>> ssid_and_rest('"Guest Wi-Fi" for guests'), ssid_and_rest("RNM0 home")
    (('Guest Wi-Fi', 'for guests'), ('RNM0', 'home'))
    """
    quoted = _QUOTED.match(text)
    if quoted:
        return next(group for group in quoted.groups() if group is not None), text[quoted.end() :].strip()
    ssid, *rest = text.split(maxsplit=1)[:2] or [""]
    return ssid, rest[0] if rest else ""


def _problem_of(ssid: str, example: str) -> str:
    size = len(ssid.encode())
    if not ssid:
        return f"Which SSID? For example: {example}"
    return f"An SSID has at most {SSID_BYTES} bytes; this one has {size}." if size > SSID_BYTES else ""


def _as_typed(ssid: str) -> str:
    return f'"{ssid}"' if re.search(r"\s", ssid) else ssid
