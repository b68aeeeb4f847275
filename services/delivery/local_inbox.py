"""How the services reach the inbox of the embedded platform, which takes the place of Slack and Telegram."""

from __future__ import annotations

from bifrost.clients.access import TlsFiles, tls_of
from bifrost.settings import Settings

GUEST_TOKEN = "inbox-guest"  # noqa: S105 - the inbox of a platform that is not secured takes any token


def inbox_token(settings: Settings) -> str:
    """The token that the inbox accepts from this program."""
    return settings.get("CONSOLE_INBOX_TOKEN", GUEST_TOKEN)


def message_tls(settings: Settings, prefix: str, url: str) -> TlsFiles:
    """The certificates of Slack's or Telegram's API; for the inbox of a secured platform, that platform's authority.

    Args:
        prefix: of the settings, `SLACK` or `TELEGRAM`, which come first.
        url: where the API is.

    Raises:
        SettingError: a file of certificates is not usable.
    """
    files = tls_of(settings, prefix)
    is_inbox = settings.is_secured and f"{url}/".startswith(f"{settings.local_url('console')}/")
    return TlsFiles(settings.get("KAFKA_SSL_CA_LOCATION")) if is_inbox and files == TlsFiles() else files
