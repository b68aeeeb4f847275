"""The benchmark of the REST proxy: it waits for exactly what its clients send."""

from __future__ import annotations

import pytest

from benchmarks.rest_proxy import sent


@pytest.mark.parametrize(
    ("count", "size", "clients", "expected"),
    [(20_000, 1000, 4, 20_000), (2_000, 1000, 4, 4_000), (199, 1, 4, 196), (2_000, 100, 3, 1_800)],
)
def test_every_client_sends_the_same_number_of_whole_requests(count: int, size: int, clients: int, expected: int):
    assert sent(count, size, clients) == expected
