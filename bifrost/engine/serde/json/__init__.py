"""The JSON and JSON_SR formats."""
