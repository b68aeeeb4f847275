"""The embedded web page: the inbox of sent notifications."""
