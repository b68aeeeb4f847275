"""Requests to the HTTP servers are counted by route and status."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from bifrost.metrics.http_requests import DURATIONS, REQUESTS, RequestMetrics, metrics_route


class Client:
    """Sends requests to an application without a server."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def request(self, method: str, path: str) -> httpx.Response:
        return asyncio.run(self._request(method, path))

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    async def _request(self, method: str, path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://127.0.0.1") as client:
            return await client.request(method, path)


async def respond(request):
    return PlainTextResponse("yes", int(request.query_params.get("status", "200")))


async def fail(request):
    raise LookupError("a fault")


async def respond_plainly(scope, receive, send):
    await PlainTextResponse("yes")(scope, receive, send)


@pytest.fixture
def client(monkeypatch) -> Client:
    for family in (REQUESTS, DURATIONS):
        monkeypatch.setattr(family, "_values", {})
    routes = [
        metrics_route(),
        Route("/topics/{topic}/partitions/{number:int}", respond),
        Route("/faults/{name}", fail),
        Mount("/static", routes=[Route("/{name:path}", respond)]),
        Mount("/files", respond_plainly),
    ]
    return Client(Starlette(routes=routes, middleware=[Middleware(RequestMetrics)]))


def requests(client: Client) -> dict[tuple[str, str, str], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "bifrost_http_requests_total"
    }


def test_requests_are_counted_by_method_route_and_status(client):
    key = ("GET", "/topics/{topic}/partitions/{number}", "404")
    before = requests(client).get(key, 0)
    client.get("/topics/orders/partitions/7?status=404")
    client.get("/topics/ratings/partitions/12?status=404")
    assert requests(client)[key] == before + 2


def test_a_request_that_fails_with_an_unexpected_error_is_counted_as_500(client):
    key = ("GET", "/faults/{name}", "500")
    for name in ("a", "b"):
        with pytest.raises(LookupError):  # the server logs it
            client.get(f"/faults/{name}")
    assert requests(client)[key] == 2


def test_data_of_clients_makes_no_series(client):
    client.get("/static/a/b.css")
    client.get("/files/such.txt")
    # Their values are parts of the route's own text.
    for topic in ("s", "topics", "partitions", "t"):
        client.get(f"/topics/{topic}/partitions/1")
    for path in ("/no/such", "/other"):
        client.get(path)
    client.request("BREW", "/topics/orders/partitions/7")
    found = requests(client)
    routes = {route for _, route, _ in found}
    assert routes == {
        "/topics/{topic}/partitions/{number}",
        "/static/{name}",
        "/files/",
        "(none)",
    }
    assert {method for method, _, _ in found} <= {"GET", "POST", "DELETE", "HEAD", "other"}


def test_durations_are_served(client):
    client.get("/topics/orders/partitions/7")
    text = client.get("/metrics").text
    assert 'bifrost_http_request_seconds_count{method="GET",route="/topics/{topic}/partitions/{number}"}' in text
