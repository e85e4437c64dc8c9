"""Loops over scans as machine code.

What goes scan by scan from carried state (averages, banks of hypotheses, runs) cannot be one array operation, and an
array operation a scan costs as much as a hundred scans. Numba compiles such loops, with the types given beforehand so
that nothing is compiled while a flow runs, and keeps the machine code beside the source (after a change here, remove
``models/__pycache__``: it is not compiled anew for it). The code releases Python's global lock. No fast mathematics:
every scan's numbers come from the same operations in the same order, however scans are cut into blocks.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])

ROW, TABLE, CUBE = "float64[::1]", "float64[:,::1]", "float64[:,:,::1]"  # arrays whose last axis is contiguous
SLICE = "float64[:,:]"  # some columns of a table
FLAGS, FLAG_TABLE, PLACES = "boolean[::1]", "boolean[:,::1]", "int64[::1]"


def compiled(returns: str, *takes: str) -> Callable[[F], F]:
    """Compile a function of these types; division by zero gives infinity or NaN, as in NumPy."""
    decorate = njit(f"{returns}({', '.join(takes)})", cache=True, error_model="numpy", nogil=True)
    return cast(Callable[[F], F], decorate)
