"""Who sends a request: the user who is logged in, else where the request comes from."""

from __future__ import annotations

from starlette.requests import Request

from bifrost.operations.action_log import account_name


def actor_of(request: Request) -> str:
    """The name for the log of actions.

    A login puts its user into `scope["user"]` (Starlette's `AuthenticationMiddleware` does). Without one, it is the
    account that runs the console, and the address that the request came from.
    """
    user = request.scope.get("user")
    if user is not None and getattr(user, "is_authenticated", False):
        return str(user.display_name)
    client = request.client
    return f"{account_name()} from {client.host if client is not None else 'unknown address'}"
