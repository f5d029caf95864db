"""The ISA-18.2 alarm table: pure, standard library only."""
