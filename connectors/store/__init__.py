"""What PATrol keeps on disk: versions of references, candidates, and the recovery store."""
