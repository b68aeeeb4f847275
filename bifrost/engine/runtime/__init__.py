"""Runs compiled queries on a Kafka cluster: consumers, producers, changelogs, commits, the command topic."""
