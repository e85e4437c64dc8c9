"""A continuous process against a recording of its own normal running: moving averages, their limits, the reference, the
monitor."""
