"""Other people's programs read what a device tells."""
