"""The library that Bifrost's programs share."""

__version__ = "0.6.0"
