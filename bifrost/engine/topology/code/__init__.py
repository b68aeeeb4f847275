"""Generating code: names, lines, expressions, and the code behind each step."""
