"""The embedded ksqlDB."""
