"""One PLC program, three times: the reference in Python, the firmware's core in C, the block in Structured Text."""
