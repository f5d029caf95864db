"""Configuration: schema, loading with line numbers, the compiled plan."""
