"""The command line: `scripts/deploy.py` and `python -m bifrost.cli`."""
