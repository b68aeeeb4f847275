"""The analysis of SELECT: source scopes, generated names, joins, aggregates, and checks of clauses."""
