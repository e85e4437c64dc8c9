"""Records and interfaces: messages, blocks of scans, the twin, errors, the monitor's protocol and its judgement.

No statistics.
"""
