"""Plays Slack's Web API, as far as our services use it; messages go to the inbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bifrost.console.inbox.injected_faults import InjectedFault, InjectedFaults
from bifrost.console.inbox.message_store import Draft, Inbox
from bifrost.web.inputs import read_body

VIA = "slack"
TEXT_LIMIT = 40_000
"""Characters; Slack cuts a longer text."""

MAX_NAME_CHARS = 80
"""Of channels, user names and icons."""

Arguments = Mapping[str, Any]
Answer = dict[str, Any]
Method = Callable[[Inbox, Arguments], Awaitable[Answer]]

_DEFAULT_ERRORS = {429: "ratelimited", 503: "service_unavailable"}


class BodyError(Exception):
    """The body is unreadable; `args[0]` is Slack's error name."""


def routes(inbox: Inbox, faults: InjectedFaults, accepts_token: Callable[[str], bool] = bool) -> list[Route]:
    """The Web API at `/api/<method>`, as on slack.com, and at `/<method>`.

    Args:
        accepts_token: whether a token is valid; by default, any is.
    """

    async def call(request: Request) -> Response:
        name = request.scope["path"].rpartition("/")[2]
        fault = faults.take(name)
        return fault_answer(fault) if fault else answer(await _called(inbox, name, request, accepts_token))

    paths = [*(f"/{name}" for name in METHODS), "/api/{method}"]
    return [Route(path, call, methods=["POST"]) for path in paths]


async def _called(inbox: Inbox, name: str, request: Request, accepts_token: Callable[[str], bool]) -> Answer:
    method = METHODS.get(name)
    if method is None:
        return refusal("unknown_method")
    try:
        arguments = arguments_of(request.headers.get("content-type", ""), await read_body(request))
    except BodyError as error:
        return refusal(error.args[0])
    token = _token_of(request, arguments)
    if not token:
        return refusal("not_authed")
    if not accepts_token(token):
        return refusal("invalid_auth")
    return await method(inbox, arguments)


def arguments_of(content_type: str, body: bytes) -> Arguments:
    """Parse the arguments of a call, sent as JSON or as a form.

    Raises:
        BodyError: the body is neither.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return {}
    if kind == "application/json":
        try:
            arguments = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise BodyError("invalid_json") from None
        if not isinstance(arguments, dict):
            raise BodyError("json_not_object")
        return arguments
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    raise BodyError("invalid_post_type" if kind else "missing_post_type")


def answer(body: Answer, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a JSON body."""
    return Response(orjson.dumps(body), status, headers, "application/json; charset=utf-8")


def refusal(error: str) -> Answer:
    """The body of a refused call: Slack sends it with status 200."""
    return {"ok": False, "error": error}


def fault_answer(fault: InjectedFault) -> Response:
    """The response of an injected fault."""
    error = fault.error or _DEFAULT_ERRORS.get(fault.status, "internal_error")
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return answer(refusal(error), fault.status, headers)


async def post_message(inbox: Inbox, arguments: Arguments) -> Answer:
    """`chat.postMessage`: store the message and return its `ts`."""
    channel, text = arguments.get("channel"), arguments.get("text")
    if not isinstance(channel, str) or not 0 < len(channel) <= MAX_NAME_CHARS:
        return refusal("channel_not_found")
    if not isinstance(text, str) or not text:
        return refusal("no_text")
    username, icon = str(arguments.get("username") or "bot"), str(arguments.get("icon_emoji") or "")
    name, emoji = username[:MAX_NAME_CHARS], icon[:MAX_NAME_CHARS]
    draft = Draft(channel.removeprefix("#"), text[:TEXT_LIMIT], name, emoji, VIA)
    stored = await inbox.post(draft)
    message = {
        "type": "message",
        "subtype": "bot_message",
        "text": stored.text,
        "ts": stored.ts,
        "username": stored.username,
        "icons": {"emoji": stored.icon_emoji},
        "bot_id": "B0INBOX",
    }
    return {"ok": True, "channel": stored.channel, "ts": stored.ts, "message": message}


async def auth_test(_inbox: Inbox, _arguments: Arguments) -> Answer:
    """`auth.test`: all tokens are of the same bot."""
    return {
        "ok": True,
        "url": "https://inbox.invalid/",
        "team": "Bifrost inbox",
        "user": "bifrost",
        "team_id": "T0INBOX",
        "user_id": "U0INBOX",
        "bot_id": "B0INBOX",
    }


async def api_test(_inbox: Inbox, arguments: Arguments) -> Answer:
    """`api.test`: return the arguments."""
    args = {name: value for name, value in arguments.items() if name != "token"}
    return refusal(str(args["error"])) | {"args": args} if args.get("error") else {"ok": True, "args": args}


METHODS: Mapping[str, Method] = {
    "chat.postMessage": post_message,
    "auth.test": auth_test,
    "api.test": api_test,
}


def _token_of(request: Request, arguments: Arguments) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return str(arguments.get("token") or (token.strip() if scheme.lower() == "bearer" else ""))
