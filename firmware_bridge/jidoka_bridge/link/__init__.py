"""The serial link to the PLC: blocks, framing, the session with its safety layer, the port."""
