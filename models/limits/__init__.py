"""How limits and intervals follow from maxima and counts: extreme values, local widths, exact intervals.

Arrays of numbers only: nothing here knows a tag or a record.
"""
