"""Learning from released batches: alignment, trajectory, regressions, limits, the reference.

Nothing here judges a running batch.
"""
