"""Services and the inbox of a secured platform: real HTTPS, its token, and the platform's authority."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bifrost.clients.access import TlsFiles
from bifrost.console.app import console_login
from bifrost.errors import BifrostError
from bifrost.security.roles import SERVICES
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.web.login import AcceptedTokens
from services.delivery.channel import AccountRefused, Delivered
from services.delivery.local_inbox import message_tls
from services.delivery.slack import SlackMessage, slack_channel
from services.delivery.telegram import telegram_api
from tests.fakes.console import running_console

MESSAGE = SlackMessage("c", "hello", "bot", ":bell:")


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Settings]:
    settings = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": "1", "BIFROST_ROLE": SERVICES})
    folder = secure_folder(settings)
    folder.prepare(datetime.now(UTC))
    with running_console(
        tmp_path / "inbox.sqlite",
        time.time,
        pem=folder.server_pem,
        login=console_login(folder),
        accepts_token=AcceptedTokens(folder.inbox_tokens).match,
    ) as client:
        yield settings.with_values(BIFROST_PORT_CONSOLE=client.url.rpartition(":")[2])


def test_a_service_reaches_the_inbox_over_tls_with_its_token(secured: Settings) -> None:
    channel = slack_channel(secured)
    assert channel.send(MESSAGE) == Delivered()
    channel.close()
    api = telegram_api(secured)
    assert api.username() == "bifrost_inbox_bot"
    api.close()


def test_another_token_is_refused_as_slack_and_telegram_refuse_it(secured: Settings) -> None:
    url = f"{secured.local_url('console')}/"
    wrong = secured.with_values(
        SLACK_API_TOKEN="xoxb-wrong", TELEGRAM_BOT_TOKEN="1:wrong", SLACK_API_URL=url, TELEGRAM_API_URL=url
    )
    channel = slack_channel(wrong)
    assert isinstance(channel.send(MESSAGE), AccountRefused)
    channel.close()
    api = telegram_api(wrong)
    with pytest.raises(BifrostError, match="Unauthorized"):
        api.username()
    api.close()


def test_slack_itself_is_not_checked_with_the_authority_of_the_platform(secured: Settings) -> None:
    assert message_tls(secured, "SLACK", "https://slack.com/api/") == TlsFiles()
    # A port that begins with the same digits is another server.
    assert message_tls(secured, "SLACK", f"{secured.local_url('console')}0/") == TlsFiles()
    assert message_tls(secured, "SLACK", f"{secured.local_url('console')}/").ca
