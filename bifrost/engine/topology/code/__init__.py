"""The generated code in the making: names, lines, expressions, and what takes a row next."""
