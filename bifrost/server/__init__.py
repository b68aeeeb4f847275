"""ksqlDB's REST API over the engine."""
