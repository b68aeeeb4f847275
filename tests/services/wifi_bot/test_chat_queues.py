"""Chats do not wait for each other; no message is answered twice or out of order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from bifrost.clients.telegram import TextMessage
from services.wifi_bot.chat_queues import MAX_WAITING, ChatQueues

SOON_S = 10


class Clerk:
    """Answers; the texts in `held` wait for their event."""

    def __init__(self) -> None:
        self.answered: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.has_answered = threading.Event()

    def __call__(self, message: TextMessage) -> None:
        if message.text in self.held:
            assert self.held[message.text].wait(SOON_S)
        if message.text == "bad":
            raise ValueError("cannot answer that")
        self.answered.append(message.text)
        self.has_answered.set()


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


@pytest.fixture
def queues(clerk: Clerk) -> Iterator[ChatQueues]:
    with closing(ChatQueues(clerk, workers=2)) as queues:
        yield queues


def test_a_slow_answer_holds_up_its_own_chat_alone(clerk: Clerk, queues: ChatQueues):
    clerk.held["slow"] = threading.Event()
    queues.add(TextMessage(1, 1, "slow"))
    queues.add(TextMessage(2, 1, "behind it"))
    queues.add(TextMessage(3, 2, "other"))

    assert clerk.has_answered.wait(SOON_S)
    assert clerk.answered == ["other"]
    clerk.held["slow"].set()
    queues.close()
    assert clerk.answered == ["other", "slow", "behind it"]


def test_an_update_that_comes_again_is_answered_once(clerk: Clerk, queues: ChatQueues):
    assert queues.add(TextMessage(7, 1, "a"))
    assert not queues.add(TextMessage(7, 1, "a"))
    queues.close()

    assert clerk.answered == ["a"]


def test_the_order_within_a_chat_is_kept(clerk: Clerk, queues: ChatQueues):
    for number in range(MAX_WAITING):
        queues.add(TextMessage(number, 1, str(number)))
    queues.close()

    assert clerk.answered == [str(number) for number in range(MAX_WAITING)]


def test_who_floods_is_not_answered_without_end(clerk: Clerk, queues: ChatQueues):
    clerk.held["slow"] = threading.Event()
    queues.add(TextMessage(0, 1, "slow"))
    taken = [queues.add(TextMessage(number, 1, "more")) for number in range(1, 2 * MAX_WAITING)]
    clerk.held["slow"].set()

    assert MAX_WAITING - 1 <= sum(taken) <= MAX_WAITING


def test_a_message_that_breaks_something_does_not_end_its_chat(clerk: Clerk, queues: ChatQueues):
    for number, text in enumerate(("bad", "good")):
        queues.add(TextMessage(number, 1, text))
    queues.close()

    assert clerk.answered == ["good"]


def test_after_the_end_nothing_is_taken(clerk: Clerk, queues: ChatQueues):
    queues.close()

    assert not queues.add(TextMessage(1, 1, "late"))
