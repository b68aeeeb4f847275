"""Compares the engine, Kafka Streams and quix-streams with four queries over ratings on one broker."""
