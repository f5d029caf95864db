"""Sequential tests with a false-alarm budget, each a small class of constant memory."""
