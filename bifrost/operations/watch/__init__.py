"""Watching a platform: restarts what fails, with growing delays, and publishes what happened as records of a topic."""
