"""The ksqlDB language: grammar, tree, types, parser, formatter. Pure."""
