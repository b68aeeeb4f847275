"""The scalar functions, one module per family."""
