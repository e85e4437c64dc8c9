"""A continuous process judged against a recording of its own normal running.

Moving averages, their limits, the reference and the monitor.
"""
