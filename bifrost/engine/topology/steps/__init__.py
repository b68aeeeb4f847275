"""One module per execution step, or per family of them: the code that each becomes."""
