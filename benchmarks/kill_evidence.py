"""What went into a platform while its deployer was killed, and whether its far ends hold each of it once."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.platform import Inbox, RatingsProducer, wait_for
from bifrost.clients import search
from bifrost.settings import Settings

CUSTOMER = 14
"""A platinum customer: a bad rating of theirs is an alert."""
ALERTS, INDEX, FRAUD, ATTEMPTS = (
    "UNHAPPY_PLATINUM_CUSTOMERS",
    "unhappy_platinum_customers",
    "POSSIBLE_FRAUD",
    "authorization_attempts",
)
ATTEMPTS_PER_CARD = 6
WINDOW_MS = 600_000
"""The larger one of both windows: attempts within it are in one window of either size."""
PATIENCE_S = 180.0


class RowReader:
    """The values of a topic with one partition, read from the start as any client would."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"kill-deployer-{uuid.uuid4().hex}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, 0)])
        self.rows: list[tuple[bytes, dict[str, Any]]] = []

    def read(self) -> list[tuple[bytes, dict[str, Any]]]:
        """All keys and values so far; records without a value are left out."""
        while messages := self._consumer.consume(5000, 0.5):
            self.rows += [
                (message.key() or b"", json.loads(value))
                for message in messages
                if not message.error() and (value := message.value()) is not None
            ]
        return self.rows

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()


class Evidence:
    """Sends ratings and attempts to pay, and counts their rows, documents and alerts."""

    def __init__(self, settings: Settings) -> None:
        endpoints = settings.endpoints.as_json()
        self._run = uuid.uuid4().hex[:8]
        self._ratings = RatingsProducer(endpoints)
        self._attempts = Producer({"bootstrap.servers": endpoints["kafka"], "enable.idempotence": True})
        self._inbox = Inbox(endpoints)
        self._alerts = RowReader(endpoints["kafka"], ALERTS)
        self._fraud = RowReader(endpoints["kafka"], FRAUD)
        self._search = search.from_settings(settings)
        self._expected: set[str] = set()
        self._cards: set[str] = set()
        self._reported: set[tuple[str, str]] = set()
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alerts.close()
        self._fraud.close()
        if self._search is not None:
            self._search.close()

    def rate(self, stars: int, *, is_alert: bool = True) -> str:
        """Send one rating; returns its marker."""
        self._sent += 1
        marker = f"kill-{self._run}-{self._sent}-"
        if is_alert:
            self._expected.add(marker)
        self._ratings.send(self._sent, CUSTOMER, stars, marker)
        return marker

    def first_alert(self) -> bool:
        """Whether an alert has arrived; sends a rating, until the tables hold the customers."""
        self.rate(stars=1, is_alert=False)
        self._ratings.flush()
        return bool(self._inbox.messages())

    def try_card(self) -> None:
        """Attempts to pay with a new card, within one window, and wait for the alert."""
        card = f"card-{self._run}-{len(self._cards)}-"
        begin = int(time.time() * 1000) // WINDOW_MS * WINDOW_MS
        for number in range(ATTEMPTS_PER_CARD):
            value = json.dumps({"card_number": card, "amount": 1.0}).encode()
            self._attempts.produce(ATTEMPTS, value, timestamp=begin + number)
        self._attempts.flush()
        self._cards.add(card)
        wait_for(f"the alert of {card}", lambda: self._seen(card) > 0, PATIENCE_S)

    def problems(self, stars: int) -> Iterator[str]:
        """What is missing or doubled, after another card and a rating of three stars, an alert only below `stars`."""
        try:
            self.try_card()
        except TimeoutError as error:
            yield str(error)
        self.rate(stars=3, is_alert=stars > 3)
        self.rate(stars=1)
        self._ratings.flush()
        with suppress(TimeoutError):
            wait_for("alerts", lambda: self._expected <= self._alerted().keys(), PATIENCE_S)
            wait_for("rows", lambda: self._expected <= self._rows().keys(), PATIENCE_S)
        yield from self._wrong("alert", self._alerted())
        yield from self._wrong("row", self._rows())
        yield from self._wrong_cards()
        yield from self._wrong_documents()

    def _seen(self, text: str) -> int:
        return sum(text in message["text"] for message in self._inbox.messages())

    def _alerted(self) -> Counter[str]:
        return self._markers(message["text"] for message in self._inbox.messages())

    def _rows(self) -> Counter[str]:
        return self._markers(str(value.get("MESSAGE", "")) for _, value in self._alerts.read())

    def _markers(self, texts: Iterator[str]) -> Counter[str]:
        pattern = re.compile(rf"kill-{self._run}-\d+-")
        return Counter(match[0] for text in texts for match in pattern.finditer(text))

    def _wrong(self, what: str, found: Counter[str]) -> Iterator[str]:
        if missing := self._expected - found.keys():
            yield f"{len(missing)} ratings have no {what}: {sorted(missing)[:3]}"
        doubled = {
            marker: count for marker, count in found.items() if count > 1 and (what, marker) not in self._reported
        }
        # Each one fails the round that caused it, and not the later ones.
        self._reported |= {(what, marker) for marker in doubled}
        if doubled:
            yield f"{len(doubled)} ratings have more than one {what}: {dict(list(doubled.items())[:3])}"

    def _wrong_cards(self) -> Iterator[str]:
        counts = {card: self._seen(card) for card in self._cards}
        if wrong := {card: count for card, count in counts.items() if count != 1}:
            yield f"cards with another number of alerts than one: {wrong}"
        with suppress(TimeoutError):
            wait_for("the rows of the cards", lambda: not self._wrong_attempts(), PATIENCE_S)
        if wrong_rows := self._wrong_attempts():
            yield f"cards with another number of attempts than {ATTEMPTS_PER_CARD}: {wrong_rows}"

    def _wrong_attempts(self) -> dict[str, list[int]]:
        latest = {key: int(value["ATTEMPTS"]) for key, value in self._fraud.read()}
        rows = {card: [count for key, count in latest.items() if card.encode() in key] for card in self._cards}
        return {card: found for card, found in rows.items() if set(found) != {ATTEMPTS_PER_CARD}}

    def _wrong_documents(self) -> Iterator[str]:
        engine = self._search
        if engine is None:
            return
        try:
            wait_for("the documents", lambda: engine.count(INDEX) == len(self._alerts.read()), PATIENCE_S)
        except TimeoutError:
            yield f"{engine.count(INDEX)} documents of {len(self._alerts.read())} rows"
