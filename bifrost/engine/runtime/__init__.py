"""Running compiled queries against a Kafka cluster: consumers, producers, changelogs, commits, the command topic."""
