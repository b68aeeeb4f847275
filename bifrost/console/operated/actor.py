"""Who sends a request: the user who is logged in, else where the request comes from."""

from __future__ import annotations

import os
import pwd

from starlette.requests import Request


def actor_of(request: Request) -> str:
    """The name for the log of actions.

    A login puts its user into `scope["user"]` (Starlette's `AuthenticationMiddleware` does). Without one, it is the
    account that runs the console, and the address that the request came from.
    """
    user = request.scope.get("user")
    if user is not None and getattr(user, "is_authenticated", False):
        return str(user.display_name)
    client = request.client
    return f"{_account()} from {client.host if client is not None else 'unknown address'}"


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
