"""The judge of one running batch: what the unit's watch holds and feeds."""

from collections.abc import Sequence
from typing import Any, Protocol

from models.records.block import Stretch
from models.records.judgement import Judgement

Numbers = dict[str, object]  # arrays, numbers and strings only: a state that serialises itself


class Peers(Protocol):
    """Judges the stretches of several monitors in one go, each as it would be judged alone."""

    def judge(self, monitors: Sequence[Any], stretches: Sequence[Stretch]) -> list[Judgement]:
        """The judgement of each stretch, by the monitor in the same place."""


class Monitor(Protocol):
    """Judges the scans of one running batch (or of a continuous process), in order.

    Laws, tested over every implementation: how the scans are cut into stretches changes no number of any judgement,
    bit for bit; ``restore(state())`` into a new monitor changes nothing; a missing tag (NaN) is survived.
    """

    @property
    def reference_id(self) -> str | None:
        """``name@version`` of the reference judged against; None for a cold start."""

    @property
    def expected_duration_s(self) -> float | None:
        """The longest a released batch lasted; None when it is not known."""

    @property
    def peers(self) -> Peers | None:
        """Judges this monitor's next stretch together with others'; None: it is judged alone."""

    def judge(self, stretch: Stretch) -> Judgement:
        """Score the stretch's scans, then learn them where the monitor learns."""

    def state(self) -> Numbers:
        """A copy of all that changes while judging: numbers in our own form, a few KB."""

    def restore(self, numbers: Numbers) -> None:
        """Take up the state that ``state`` gave."""
