"""The Wi-Fi bot behind `python -m services.wifi_telegram_bot`: intake, dialogue, lookups and replies."""
