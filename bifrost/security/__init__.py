"""Certificates, users and passwords of a secured embedded platform."""
