"""Queues the messages of many chats: in order within a chat, in parallel across chats, each update once."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bifrost.clients.telegram import TextMessage
from bifrost.metrics.families import Counter

WORKERS = 16
MAX_WAITING = 50
"""Waiting messages per chat; further ones are dropped."""
# Telegram repeats an update soon or never, so old ids may be forgotten.
MAX_UPDATE_IDS = 10_000

MESSAGES = Counter(
    "bifrost_bot_messages_total", "Messages to the bot: queued, or dropped (repeated, or too many)", "outcome"
)

_log = logging.getLogger("bot")


class ChatQueues:
    """Passes each message to `answer` on a thread of its pool."""

    def __init__(self, answer: Callable[[TextMessage], None], *, workers: int = WORKERS) -> None:
        self._answer = answer
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="chat")
        self._lock = threading.Lock()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._waiting: dict[int, deque[TextMessage]] = {}
        self._is_closed = False

    def add(self, message: TextMessage) -> bool:
        """Queue a message; return `False` for a repeated update, a full queue, or after `close`."""
        is_queued = self._queue(message)
        MESSAGES.add("queued" if is_queued else "dropped")
        return is_queued

    def _queue(self, message: TextMessage) -> bool:
        with self._lock:
            if self._is_closed or self._is_seen(message.update_id):
                return False
            queue = self._waiting.get(message.chat_id)
            if queue is not None and len(queue) >= MAX_WAITING:
                _log.warning("chat %d: too many waiting messages; update %d dropped", *_ids(message))
                return False
            if queue is None:
                self._waiting[message.chat_id] = queue = deque()
                # The task waits for the lock, so it finds the message that is appended below.
                self._pool.submit(self._serve, message.chat_id)
            queue.append(message)
            return True

    def close(self) -> None:
        """Accept no more messages, answer the queued ones, then end."""
        with self._lock:
            self._is_closed = True
        # Outside of the lock: the tasks need it to answer what is queued.
        self._pool.shutdown()

    def _is_seen(self, update_id: int) -> bool:
        if update_id in self._seen:
            return True
        self._seen[update_id] = None
        if len(self._seen) > MAX_UPDATE_IDS:
            self._seen.popitem(last=False)
        return False

    def _serve(self, chat_id: int) -> None:
        while True:
            with self._lock:
                queue = self._waiting[chat_id]
                if not queue:
                    # Within the lock: `add` either sees the queue while this thread still looks into it, or starts a
                    # new task.
                    del self._waiting[chat_id]
                    return
                message = queue.popleft()
            try:
                self._answer(message)
            except Exception:  # noqa: BLE001 - the top of a thread: an error in one message must not stop the others
                _log.exception("chat %d: answering update %d failed", *_ids(message))


def _ids(message: TextMessage) -> tuple[int, int]:
    return message.chat_id, message.update_id
