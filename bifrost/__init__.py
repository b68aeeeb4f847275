"""The library that Bifrost's programs share."""
