"""A port that is taken."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def listener() -> Iterator[int]:
    """Listen on a free port of the loopback for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
