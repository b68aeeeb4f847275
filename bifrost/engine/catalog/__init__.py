"""Streams, tables and types with their schemas, and the topics that back them."""
