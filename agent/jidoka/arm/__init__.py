"""A two-joint arm in software: its physics, the motions it makes, its own program, and the host that lets a policy move it."""
