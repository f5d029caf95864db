"""Everything that a PLC's programmer gets: the function block with a site's values, wiring, texts, tests, questions."""
