"""The embedded platform: its processes, what they need, and how they are started, watched and stopped."""
