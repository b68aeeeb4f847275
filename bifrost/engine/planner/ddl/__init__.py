"""Plans CREATE, ALTER and DROP of sources and types, and reads WITH clauses."""
