"""The HTML pages: a module per page, the frame that they share, and the live feed of the inbox."""
