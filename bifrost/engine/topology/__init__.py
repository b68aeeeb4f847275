"""From a query plan to compiled record functions: generated Python that reads, filters, joins, aggregates, writes."""
