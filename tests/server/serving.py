"""The server on a free port, for the duration of a test."""

import asyncio
import socket
import threading
from contextlib import contextmanager

from bifrost.server.http_server import Config, adapted, serve
from bifrost.server.quick_requests import never_quick


@contextmanager
def served(app, is_quick=never_quick):
    """Serves an ASGI application and gives its base URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]  # the server closes it
    config.graceful_timeout = 0.2
    config.is_quick = is_quick
    config.accesslog = config.errorlog = None

    async def run():
        started.set()
        await serve(adapted(app), config, shutdown_trigger=stop.wait)

    def main():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(run())
        loop.close()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    started.wait(5)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
