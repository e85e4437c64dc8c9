"""How long work reports its progress."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # the stage, how much of it is done, of how much


def no_progress(stage: str, done: int, total: int) -> None:
    """Progress that is reported to nobody."""
