"""Feeds bad input into a running platform, accounts for each of it, and checks that everything still runs."""
