"""Kafka over HTTP, in the shapes of Confluent's REST Proxy (v2, and v1 where a client still asks so)."""
