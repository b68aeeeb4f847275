"""Delivers notifications: channels (Slack, Telegram), the delivery loop, and what its programs share."""
