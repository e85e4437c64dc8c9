"""How long work says how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # the stage, how much of it is done, of how much


def no_progress(stage: str, done: int, total: int) -> None:
    """Nobody listens."""
