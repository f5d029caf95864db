"""A PLC in software: the reference model of what stands on the other side of the link."""
