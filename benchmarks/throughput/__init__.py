"""Four queries over ratings, each run by the engine, by Kafka Streams and by quix-streams on one broker."""
