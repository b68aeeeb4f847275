"""The console: pages of dashboards and pipelines, and the inbox that takes what is sent to Slack and Telegram."""
