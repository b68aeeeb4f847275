"""The service behind `python -m services.alerts`: one worker per file of `alerts/`."""
