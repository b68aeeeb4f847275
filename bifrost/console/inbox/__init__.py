"""The inbox that plays Slack and Telegram: where it stores what was sent, and the APIs it answers."""
