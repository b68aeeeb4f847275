"""ksqlDB's scalar, aggregate and table functions: each a small Python function registered with its SQL signature."""
