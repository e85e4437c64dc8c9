"""Where things lie that several tests read: the checkout, and what may lie beside it."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"  # data and cases beside the checkout: tests that use it skip where it is absent
