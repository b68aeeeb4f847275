"""What can be found wrong before anything is changed: in the files alone, and by asking Connect."""
