"""Sensor health, and which readings are fit to judge: range, stuck, dropout, spikes, noise, silent tags.

Nothing about the process.
"""
