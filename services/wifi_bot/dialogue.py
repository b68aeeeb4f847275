"""The replies of the Wi-Fi bot: commands for the watch list, and questions about devices."""

from __future__ import annotations

import logging
import re

from bifrost.errors import RemoteError, Unreachable
from services.wifi_bot.alert_list import AlertList
from services.wifi_bot.probe_lookup import ProbeLookup

MAX_SSID_BYTES = 32
"""The limit of IEEE 802.11."""
MAX_REASON_LENGTH = 500

HELP = (
    "Send me the MAC address or the name of a device to see which networks it has probed for.\n\n"
    "/watch SSID reason : notify me when a device probes for this network\n"
    "/unwatch SSID : stop notifying me about it\n"
    "/list : show the watched networks\n"
    "/help : show this text\n\n"
    'Put an SSID with spaces in quotes: /watch "Guest Wi-Fi" guest network'
)
WELCOME = f"👋 Hello! I can tell you which networks the Wi-Fi devices around here probe for.\n\n{HELP}"

_COMMAND = re.compile(r"/(?P<name>\w+)(?:@(?P<bot>\w+))?(?:\s+(?P<rest>.*))?", re.DOTALL)
_QUOTED = re.compile(r"""(?:"([^"]*)"|'([^']*)'|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»)(?=\s|$)""")

_log = logging.getLogger("bot")


class Dialogue:
    """Answers messages. Thread-safe."""

    def __init__(self, lookup: ProbeLookup, alerts: AlertList, username: str = "") -> None:
        """Wire the parts; `username` is the bot's own name, for commands such as `/list@name`."""
        self._lookup = lookup
        self._alerts = alerts
        self._username = username.lower()

    def reply(self, text: str) -> str | None:
        """Return the reply to a message, `None` if the message is for another bot."""
        command = _COMMAND.fullmatch(text.strip())
        if command is None:
            return self._lookup.answer(text) if text.strip() else HELP
        if command["bot"] and self._username and command["bot"].lower() != self._username:
            return None
        try:
            return self._command(command["name"].lower(), (command["rest"] or "").strip())
        except Unreachable as error:
            _log.warning("/%s: %s", command["name"], error)
            # The problem names an internal address, which does not belong in a chat.
            return f"❌ {error.system} is not responding\nPlease try again in a minute."
        except RemoteError as error:
            _log.warning("/%s: %s", command["name"], error)
            return f"❌ {error.system} refused the command: {error.problem}\nPlease try again in a minute."

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
                # An SSID may contain spaces, and this command has no other argument.
                return self._unwatch(ssid if not more else rest)
            case "list":
                return self._list()
            case _:
                return f"Unknown command /{name[:60]}. /help lists the commands."

    def _watch(self, ssid: str, reason: str) -> str:
        problem = _problem_of(ssid, "/watch RNM0 home network")
        if problem:
            return problem
        if not reason:
            return f"Please add a reason: /watch {_as_typed(ssid)} home network"
        if len(reason) > MAX_REASON_LENGTH:
            return f"A reason has at most {MAX_REASON_LENGTH} characters; this one has {len(reason)}."
        self._alerts.watch(ssid, " ".join(reason.split()))
        return f"👀 I will notify you when a device probes for SSID `{ssid}`"

    def _unwatch(self, ssid: str) -> str:
        problem = _problem_of(ssid, "/unwatch RNM0")
        if problem:
            return problem
        reason = self._alerts.reason_for(ssid)
        # Remove it in any case: the view may not yet show an SSID that was added a moment ago.
        self._alerts.unwatch(ssid)
        if reason is None:
            return f"SSID `{ssid}` was not on the list. /list shows the watched networks."
        return f"🙈 SSID `{ssid}` is no longer watched"

    def _list(self) -> str:
        entries = self._alerts.entries()
        if not entries:
            return "The list is empty. Add a network with /watch SSID reason."
        lines = (f"\t`{entry.ssid}` because: {entry.reason}" for entry in entries)
        return "\n".join(("👀 I notify you when a device probes for one of these SSIDs", *lines))


def ssid_and_rest(text: str) -> tuple[str, str]:
    """Split a text into an SSID, in quotes or up to the first space, and the rest.

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
    return f"An SSID has at most {MAX_SSID_BYTES} bytes; this one has {size}." if size > MAX_SSID_BYTES else ""


def _as_typed(ssid: str) -> str:
    return f'"{ssid}"' if re.search(r"\s", ssid) else ssid
