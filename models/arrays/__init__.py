"""Arrays and compiled loops: types, state carried from scan to scan, matrix products, grids.

Nothing here knows a tag, a batch or a record.
"""
