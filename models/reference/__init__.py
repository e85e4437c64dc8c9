"""Learning from released batches: alignment, trajectory, regressions, limits, the reference; nothing here judges a
running batch."""
