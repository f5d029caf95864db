"""The guard: trip causes, the interlock and the link to the PLC. Standard library and pyserial only."""
