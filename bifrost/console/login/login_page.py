"""The page on which people log in, and the logout."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from http import HTTPStatus
from string import Template
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bifrost.console.login.require_session import COOKIE, LOGIN_PATH, ConsoleLogin, local_path, session_user, too_early
from bifrost.console.login.sessions import LIFETIME_S
from bifrost.console.pages.page_frame import HEADERS, STATIC
from bifrost.web.inputs import read_body

LOGOUT_PATH = "/logout"
USER_COOKIE = "__Secure-bifrost-user"
"""The user's name for the scripts of pages, which show it beside the button to log out."""
OPEN_PATHS = frozenset((LOGIN_PATH, LOGOUT_PATH, "/static/page_frame.css", "/static/login.css", "/static/icon.svg"))
"""What a browser loads before a person is logged in."""
_MOST_BYTES = 4096
_HEADERS: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    # Without a referrer, browsers name no origin of a form, which `OriginCheck` refuses.
    "Referrer-Policy": "same-origin",
}


def routes(login: ConsoleLogin) -> list[Route]:
    """`/login` and `/logout`."""
    pages = LoginPages(login, Template((STATIC / "login.html").read_text(encoding="utf-8")))
    return [
        Route(LOGIN_PATH, pages.show, methods=["GET"]),
        Route(LOGIN_PATH, pages.log_in, methods=["POST"]),
        Route(LOGOUT_PATH, pages.log_out, methods=["POST"]),
    ]


class LoginPages:
    """Shows the form, and begins and ends sessions. `OriginCheck` keeps the forms of other sites out."""

    def __init__(self, login: ConsoleLogin, template: Template) -> None:
        self._login = login
        self._template = template

    async def show(self, request: Request) -> Response:
        """`GET /login?next=PATH`."""
        wanted = local_path(request.query_params.get("next", ""))
        if session_user(request.scope, self._login) is not None:
            return RedirectResponse(wanted, HTTPStatus.SEE_OTHER)
        return self._page(wanted)

    async def log_in(self, request: Request) -> Response:
        """`POST /login` with `user`, `password` and `next`."""
        body = await read_body(request, _MOST_BYTES)
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        user, password = form.get("user", "").strip(), form.get("password", "").strip()
        wanted = local_path(form.get("next", ""))
        outcome = await run_in_threadpool(self._login.accounts.check, user, password)
        if outcome.wait_s:
            wait = {"Retry-After": str(math.ceil(outcome.wait_s))}
            return self._page(wanted, user, too_early(outcome), HTTPStatus.TOO_MANY_REQUESTS, wait)
        if not outcome.accepted:
            return self._page(wanted, user, "The user or the password is wrong.", HTTPStatus.UNAUTHORIZED)
        # A browser that was logged in gets another session, so that no one else can know its token.
        self._login.sessions.end(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse(wanted, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        token = self._login.sessions.begin(user)
        answer.set_cookie(COOKIE, token, max_age=LIFETIME_S, secure=True, httponly=True, samesite="strict")
        answer.set_cookie(USER_COOKIE, quote(user, safe=""), max_age=LIFETIME_S, secure=True, samesite="strict")
        return answer

    async def log_out(self, request: Request) -> Response:
        """`POST /logout`: end the session."""
        self._login.sessions.end(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse(LOGIN_PATH, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        for name in (COOKIE, USER_COOKIE):
            answer.delete_cookie(name, secure=True, samesite="strict")
        return answer

    def _page(
        self,
        wanted: str,
        user: str = "",
        problem: str = "",
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        page = self._template.substitute(
            next=html.escape(wanted),
            user=html.escape(user),
            problem=f'<p id="problem" role="alert">{html.escape(problem)}</p>' if problem else "",
            described=' aria-invalid="true" aria-describedby="problem"' if problem else "",
            focus_user="" if user else " autofocus",
            focus_password=" autofocus" if user else "",
            title="Login failed" if problem else "Log in",
        )
        return HTMLResponse(page, status, {**_HEADERS, **(headers or {})})
