"""The ksqlDB editor: statements, live rows of queries, and pictures of their plans."""
