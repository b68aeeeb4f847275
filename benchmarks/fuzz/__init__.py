"""Feeds mutated input into every place where bytes or text come in; anything but a documented error is a finding."""
