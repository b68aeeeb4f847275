"""Plays the Telegram Bot API, as far as our bots use it; messages go to the chats and the inbox.

All tokens are of the same bot. As with Telegram, the case of method names does not matter.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bifrost.clients.telegram import post_update
from bifrost.console.inbox.chat_store import ChatLine, TelegramChats, Webhook
from bifrost.console.inbox.injected_faults import InjectedFault, InjectedFaults
from bifrost.console.inbox.message_store import Draft, Inbox
from bifrost.errors import Unreachable
from bifrost.web.inputs import MAX_INTEGER, read_body

VIA = "telegram"
TEXT_LIMIT = 4096
"""UTF-16 code units; Telegram refuses a longer text."""
LONGEST_WAIT_S = 50
WEBHOOK_RETRY_S = 1.0

BOT: Mapping[str, Any] = {
    "id": 4242000001,
    "is_bot": True,
    "first_name": "Bifrost",
    "username": "bifrost_inbox_bot",
}

Arguments = Mapping[str, Any]

_log = logging.getLogger("console")


class BotApiError(Exception):
    """A call is refused, with Telegram's status and description."""

    def __init__(self, status: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.retry_after = retry_after


def routes(
    chats: TelegramChats, inbox: Inbox, faults: InjectedFaults, accepts_token: Callable[[str], bool] = bool
) -> list[Route]:
    """The Bot API at `/bot<token>/<method>`, with arguments in the query, in a form or in JSON.

    Args:
        accepts_token: whether a token is valid; by default, any is.
    """
    api = BotApi(chats, inbox, faults, accepts_token)
    return [Route("/bot{token}/{method}", api.call, methods=["GET", "POST"])]


class BotApi:
    """The methods of the Bot API."""

    def __init__(
        self, chats: TelegramChats, inbox: Inbox, faults: InjectedFaults, accepts_token: Callable[[str], bool] = bool
    ) -> None:
        self._accepts_token = accepts_token
        self._chats = chats
        self._inbox = inbox
        self._faults = faults
        methods = (
            ("getMe", self.get_me),
            ("getUpdates", self.get_updates),
            ("sendMessage", self.send_message),
            ("setWebhook", self.set_webhook),
            ("deleteWebhook", self.delete_webhook),
            ("getWebhookInfo", self.get_webhook_info),
        )
        self._methods: dict[str, tuple[str, Callable[[Arguments], Awaitable[Any]]]] = {
            name.lower(): (name, method) for name, method in methods
        }

    async def call(self, request: Request) -> Response:
        """Answer one call."""
        try:
            return _answer({"ok": True, "result": await self._result(request)})
        except BotApiError as error:
            body = {"ok": False, "error_code": error.status, "description": error.description}
            if error.retry_after is not None:
                body["parameters"] = {"retry_after": error.retry_after}
            return _answer(body, error.status)

    async def _result(self, request: Request) -> Any:
        if not self._accepts_token(request.path_params["token"]):
            raise BotApiError(401, "Unauthorized")
        found = self._methods.get(request.path_params["method"].lower())
        if found is None:
            raise BotApiError(404, "Not Found")
        name, method = found
        fault = self._faults.take(name)
        if fault is not None:
            raise _injected_error(fault)
        return await method({**request.query_params, **arguments_of(request, await read_body(request))})

    async def get_me(self, _arguments: Arguments) -> Any:
        """`getMe`."""
        return BOT

    async def get_updates(self, arguments: Arguments) -> Any:
        """`getUpdates`: the updates from `offset` on; waits up to `timeout` seconds for the first one."""
        if self._chats.webhook is not None:
            reason = (
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it first"
            )
            raise BotApiError(409, reason)
        limit = min(max(_whole(arguments, "limit", 100), 1), 100)
        self._chats.confirm(_whole(arguments, "offset", 0))
        deadline = asyncio.get_running_loop().time() + min(_whole(arguments, "timeout", 0), LONGEST_WAIT_S)
        while True:
            # Before the look at the store: a line that arrives in between sets this event.
            changed = self._chats.change.changed
            found = self._chats.updates(limit)
            rest_s = deadline - asyncio.get_running_loop().time()
            if found or rest_s <= 0:
                return [update_of(line) for line in found]
            try:
                await asyncio.wait_for(changed.wait(), rest_s)
            except TimeoutError:
                return []

    async def send_message(self, arguments: Arguments) -> Any:
        """`sendMessage`: store the message in its chat and in the inbox."""
        chat_id = chat_id_of(arguments.get("chat_id"))
        text = arguments.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BotApiError(400, "Bad Request: message text is empty")
        # Two bytes are one code unit.
        if len(text.encode("utf-16-le")) > 2 * TEXT_LIMIT:
            raise BotApiError(400, "Bad Request: message is too long")
        await self._inbox.post(Draft(str(chat_id), text, f"@{BOT['username']}", ":robot_face:", VIA))
        return _message_of(self._chats.add(chat_id, "bot", text))

    async def set_webhook(self, arguments: Arguments) -> Any:
        """`setWebhook`: post updates to `url`, with `secret_token` in a header; an empty `url` removes the webhook."""
        url, secret = str(arguments.get("url") or ""), str(arguments.get("secret_token") or "")
        if url and not _is_http_url(url):
            raise BotApiError(400, "Bad Request: bad webhook: an HTTPS URL must be provided for webhook")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise BotApiError(400, "Bad Request: secret token contains unallowed characters")
        self._chats.set_webhook(Webhook(url, secret) if url else None)
        return True

    async def delete_webhook(self, _arguments: Arguments) -> Any:
        """`deleteWebhook`: keep updates for `getUpdates` again."""
        self._chats.set_webhook(None)
        return True

    async def get_webhook_info(self, _arguments: Arguments) -> Any:
        """`getWebhookInfo`, without the secret."""
        webhook = self._chats.webhook
        pending = len(self._chats.updates(1_000))
        found = {"url": webhook.url if webhook else "", "pending_update_count": pending}
        return {**found, **({"last_error_message": self._chats.webhook_error} if self._chats.webhook_error else {})}


async def deliver_to_webhook(chats: TelegramChats, *, retry_s: float = WEBHOOK_RETRY_S) -> None:
    """Post updates to the webhook while one is set, in order, retrying each until it is accepted. Never returns."""
    while True:
        changed, webhook = chats.change.changed, chats.webhook
        pending = chats.updates(1) if webhook else []
        if webhook is None or not pending:
            await changed.wait()
            continue
        chats.webhook_error = await run_in_threadpool(_posted, webhook, pending[0])
        if chats.webhook_error:
            _log.warning("webhook: %s; retrying", chats.webhook_error)
            await asyncio.sleep(retry_s)
        else:
            chats.confirm(pending[0].number + 1)


def update_of(line: ChatLine) -> dict[str, Any]:
    """A person's line as an update for the bot."""
    return {"update_id": line.number, "message": _message_of(line)}


def chat_id_of(value: Any) -> int:
    """Parse a `chat_id` argument.

    Raises:
        BotApiError: it is not a chat id.
    """
    number = _integer(value)
    if number is None:
        raise BotApiError(400, "Bad Request: chat not found" if value else "Bad Request: chat_id is empty")
    return number


def arguments_of(request: Request, body: bytes) -> Arguments:
    """Parse the arguments in the body of a call.

    Raises:
        BotApiError: the body does not match its content type.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return {}
    if kind == "application/json":
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise BotApiError(400, "Bad Request: can't parse request JSON")
        return found
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _posted(webhook: Webhook, line: ChatLine) -> str:
    """Post an update; return the error, or an empty text."""
    try:
        status = post_update(webhook.url, update_of(line), webhook.secret)
    except Unreachable as error:
        return error.problem
    except ValueError as error:  # what makes no request at all, such as a host name with empty labels
        return str(error)
    return "" if 200 <= status < 300 else f"Wrong response from the webhook: {status} {_phrase(status)}"


def _message_of(line: ChatLine) -> dict[str, Any]:
    person = {"id": line.chat_id, "is_bot": False, "first_name": "You"}
    return {
        "message_id": line.number,
        "from": BOT if line.author == "bot" else person,
        "chat": {"id": line.chat_id, "first_name": "You", "type": "private" if line.chat_id > 0 else "group"},
        "date": line.at_us // 1_000_000,
        "text": line.text,
    }


def _injected_error(fault: InjectedFault) -> BotApiError:
    """The error of an injected fault; Telegram has no error with status 200."""
    status = 400 if fault.status == 200 else fault.status
    if status == 429:
        seconds = 1 if fault.retry_after is None else fault.retry_after
        return BotApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
    return BotApiError(status, fault.error or _phrase(status))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _whole(arguments: Arguments, name: str, default: int) -> int:
    number = _integer(arguments.get(name, default))
    if number is None:
        raise BotApiError(400, f"Bad Request: {name} is not a number")
    return number


def _integer(value: Any) -> int | None:
    # 18 digits always fit SQLite's 64-bit integers.
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value if type(value) is int and abs(value) <= MAX_INTEGER else None


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for a port that is no port number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable() and " " not in url


def _answer(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
