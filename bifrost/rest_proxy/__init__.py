"""Kafka over HTTP, compatible with Confluent's REST Proxy: API v2, and v1 for older clients."""
