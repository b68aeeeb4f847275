"""The proxy as an ASGI application: its routes, error handlers, and the clean-up of idle consumers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bifrost.clients import schema_registry
from bifrost.errors import Refused, RemoteError, SettingError
from bifrost.metrics.http_requests import RequestMetrics, metrics_route
from bifrost.rest_proxy.consumer_instances import ConsumerInstances
from bifrost.rest_proxy.consumer_routes import ConsumerRoutes
from bifrost.rest_proxy.formats import Schemas
from bifrost.rest_proxy.http_messages import answer
from bifrost.rest_proxy.proxied_consumer import ProxiedConsumer
from bifrost.rest_proxy.proxy_error import KAFKA_ERROR, RETRIABLE, ProxyError
from bifrost.rest_proxy.record_producer import RecordProducer
from bifrost.rest_proxy.topic_routes import TopicRoutes
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.web.login import CHALLENGE, AcceptedUsers, RequireLogin
from bifrost.web.origin_check import OriginCheck

IDLE_CHECK_INTERVAL_S = 10.0


def create_app(
    producer: RecordProducer,
    schemas: Schemas,
    instances: ConsumerInstances,
    *,
    origins: Sequence[str] = (),
    allowed_hosts: Collection[str] = (),
    users: AcceptedUsers | None = None,
) -> Starlette:
    """Return the proxy as an application, which closes its consumers when it ends.

    Args:
        origins: origins whose pages may use it from a browser (`*` for all); none by default.
        allowed_hosts: host names beside those of the loopback by which it may be called.
        users: with them, only they may use it.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        idle_check = asyncio.create_task(_close_idle(instances))
        try:
            yield
        finally:
            idle_check.cancel()
            await run_in_threadpool(instances.close)
            await run_in_threadpool(producer.close)

    handlers: Mapping[Any, Any] = {ProxyError: _proxy_error, RemoteError: _remote_error, HTTPException: _http_error}
    routes = [metrics_route(), *TopicRoutes(producer, schemas).routes(), *ConsumerRoutes(instances).routes()]
    methods = ["GET", "POST", "DELETE"]
    cors = Middleware(CORSMiddleware, allow_origins=origins, allow_methods=methods, allow_headers=["*"])
    check = Middleware(OriginCheck, refusal=_forbidden, allowed_hosts=allowed_hosts, allowed_origins=origins)
    # The check comes first: CORS only hides an answer from a page, after the request has had its effect.
    counted = Middleware(RequestMetrics)
    login = [] if users is None else [Middleware(RequireLogin, users=users, refusal=_no_login)]
    middleware = [counted, check, *([cors] if origins else []), *login]
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan, middleware=middleware)


def app_from(settings: Settings) -> Starlette:
    """The proxy of a target.

    Raises:
        SettingError: the settings make no client, or `REST_PROXY_ALLOW_ORIGIN` or `BIFROST_ALLOWED_HOSTS` is malformed.
    """
    client = settings.kafka_client()

    def open_consumer(group: str, reset: str, auto_commit: bool) -> ProxiedConsumer:
        return ProxiedConsumer(client, group, reset=reset, auto_commit=auto_commit)

    origins = allowed_origins(settings)
    schemas = Schemas(schema_registry.from_settings(settings, patience_s=5))
    instances = ConsumerInstances(open_consumer, schemas, clock=time.monotonic)
    producer = RecordProducer(client)
    users = AcceptedUsers(secure_folder(settings).callers("REST_PROXY")) if settings.is_secured else None
    hosts = settings.allowed_hosts
    return create_app(producer, schemas, instances, origins=origins, allowed_hosts=hosts, users=users)


def allowed_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origins whose pages may use the proxy: `https://shop.example, https://till.example`, or `*`.

    Raises:
        SettingError: an entry is not an origin.
    """
    found = tuple(part.strip() for part in settings.get("REST_PROXY_ALLOW_ORIGIN").split(",") if part.strip())
    for origin in found:
        scheme, _, host = origin.partition("://")
        if origin != "*" and (scheme not in ("http", "https") or not host or "/" in host):
            problem = f"{origin!r} is not an origin; use https://shop.example, or * for all"
            raise SettingError("REST_PROXY_ALLOW_ORIGIN", problem)
    return found


async def _close_idle(instances: ConsumerInstances) -> None:
    while True:
        await asyncio.sleep(IDLE_CHECK_INTERVAL_S)
        await run_in_threadpool(instances.close_idle)


def _no_login(problem: str) -> ASGIApp:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        response = answer(Request(scope), {"error_code": 40101, "message": problem}, 401)
        response.headers["WWW-Authenticate"] = CHALLENGE
        await response(scope, receive, send)

    return respond


def _forbidden(problem: str) -> ASGIApp:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(Request(scope), {"error_code": 403, "message": problem}, 403)(scope, receive, send)

    return respond


def _proxy_error(request: Request, error: ProxyError) -> Response:
    return answer(request, {"error_code": error.code, "message": error.message}, error.status)


def _remote_error(request: Request, error: RemoteError) -> Response:
    return answer(
        request, {"error_code": KAFKA_ERROR if isinstance(error, Refused) else RETRIABLE, "message": str(error)}, 500
    )


def _http_error(request: Request, error: HTTPException) -> Response:
    content = {"error_code": error.status_code, "message": f"HTTP {error.status_code} {error.detail}"}
    return answer(request, content, error.status_code)
