"""The control-room page: what PATrol says, live, and the only place from which a person acts on it."""
