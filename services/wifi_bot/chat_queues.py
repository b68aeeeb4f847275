"""Takes messages of many chats at once: in order within a chat, side by side between them, each update once."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bifrost.clients.telegram import TextMessage

WORKERS = 16
BACKLOG = 50
"""Messages of one chat that may wait; who sends more than can be answered is not answered."""
REMEMBERED = 10_000

_log = logging.getLogger("bot")


class ChatQueues:
    """Hands each message to `answer` on one of its threads."""

    def __init__(self, answer: Callable[[TextMessage], None], *, workers: int = WORKERS) -> None:
        self._answer = answer
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="chat")
        self._lock = threading.Lock()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._waiting: dict[int, deque[TextMessage]] = {}
        self._is_closed = False

    def take(self, message: TextMessage) -> bool:
        """Queue a message; `False` when it was seen before, comes too late, or its chat sends too much."""
        with self._lock:
            if self._is_closed or self._is_seen(message.update_id):
                return False
            queue = self._waiting.get(message.chat_id)
            if queue is not None and len(queue) >= BACKLOG:
                _log.warning("chat %d sends faster than it is answered; update %d left out", *_ids(message))
                return False
            if queue is None:
                self._waiting[message.chat_id] = queue = deque()
                self._pool.submit(self._serve, message.chat_id)
            queue.append(message)
            return True

    def close(self) -> None:
        """Take no more, answer what is queued, then end."""
        with self._lock:
            self._is_closed = True
        self._pool.shutdown()

    def _is_seen(self, update_id: int) -> bool:
        if update_id in self._seen:
            return True
        self._seen[update_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _serve(self, chat_id: int) -> None:
        while True:
            with self._lock:
                queue = self._waiting[chat_id]
                if not queue:
                    del self._waiting[chat_id]
                    return
                message = queue.popleft()
            try:
                self._answer(message)
            except Exception:  # noqa: BLE001 - the top of a thread: what one message met must not end the others
                _log.exception("chat %d: update %d is not answered", *_ids(message))


def _ids(message: TextMessage) -> tuple[int, int]:
    return message.chat_id, message.update_id
