"""One module per outside API."""
