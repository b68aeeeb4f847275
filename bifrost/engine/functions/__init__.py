"""ksqlDB's functions: scalar, aggregate and table, each one small Python function registered with its SQL signature."""
