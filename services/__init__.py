"""The notification programs: each module here with a `main` is one service; the packages are what they share."""
