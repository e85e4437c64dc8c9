"""From a trajectory and scans to statistics: T², SPE, innovations, control charts.

The same code in fitting and on line; nothing is learnt here.
"""
