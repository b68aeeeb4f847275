"""The login of the console of a secured platform."""
