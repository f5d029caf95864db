"""The guard: causes, the interlock as a table, the latch file, and the process around them."""
