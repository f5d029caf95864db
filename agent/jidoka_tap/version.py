"""The tap's version, the same as that of the distribution it comes with; pyproject.toml reads it from here."""

VERSION = "0.1.0"
