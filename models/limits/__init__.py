"""How limits and intervals follow from maxima and counts: extreme values, local widths, exact intervals; no tags, no
batches."""
