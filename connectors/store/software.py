"""Which software runs: recorded beside everything that is stored."""

import platform
from importlib.metadata import PackageNotFoundError, version


def patrol_version() -> str:
    """PATrol's version; "unknown" where it runs without having been installed."""
    try:
        return version("patrol-pat")
    except PackageNotFoundError:
        return "unknown"


def software() -> dict[str, str]:
    """PATrol, Python and the libraries the numbers come from, with their versions."""
    numeric = {name: version(name) for name in ("numpy", "scipy", "river")}
    return {"patrol": patrol_version(), "python": platform.python_version(), **numeric}
