"""The embedded platform: which processes it has, what they need, and how they are started, watched and stopped."""
