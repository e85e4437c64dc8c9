"""One unit: order of scans, assembly, context, the running batch, what is emitted, and the state in a snapshot.

No formulas.
"""
