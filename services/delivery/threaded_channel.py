"""Lets any thread-safe channel send several messages at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic

from services.delivery.channel import BatchChannel, Channel, M, Outcome


class ThreadedChannel(Generic[M]):
    """Sends several messages at the same time, one per thread."""

    def __init__(self, channel: Channel[M], in_flight: int) -> None:
        """Wrap a thread-safe channel; `in_flight` is the most messages at the same time."""
        self._channel = channel
        self._threads = ThreadPoolExecutor(in_flight, thread_name_prefix="send")

    def send(self, notification: M) -> Outcome:
        """Send one message without a change of thread."""
        return self._channel.send(notification)

    def send_together(self, notifications: Sequence[M]) -> list[Outcome]:
        """Make one attempt for each message; raise an error of an attempt once all have ended."""
        attempts: list[Future[Outcome]] = [self._threads.submit(self._channel.send, each) for each in notifications]
        wait(attempts)
        return [attempt.result() for attempt in attempts]

    def close(self) -> None:
        """End the threads and close the channel."""
        self._threads.shutdown()
        self._channel.close()


def batch_channel(channel: Channel[M], in_flight: int) -> BatchChannel[M]:
    """Return the channel itself if it can send several messages at the same time, else one that uses threads."""
    return channel if isinstance(channel, BatchChannel) else ThreadedChannel(channel, in_flight)
