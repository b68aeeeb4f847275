"""The ksqlDB editor of the console."""
