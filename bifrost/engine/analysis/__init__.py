"""Parts of the analyzer: scopes, generated names, joins, aggregates, checks of expressions."""
