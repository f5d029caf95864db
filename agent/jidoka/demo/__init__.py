"""The story that jidoka demo tells."""
