"""What people do with a baseline: sign it off, hold it against earlier ones, print it."""
