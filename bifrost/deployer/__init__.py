"""Declared files against what runs: a plan, printed or carried out. The live system is the only state."""
