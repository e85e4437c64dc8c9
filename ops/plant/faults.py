"""What can go wrong in the plant, on request."""

from dataclasses import dataclass
from typing import Literal

from models.alarms.wording import readable_name
from models.arrays.types import BoolArray, FloatArray

PROCESS = {  # kind -> the tag that shows it first, and words for people
    "feed_stop": ("feed_rate", "the feed pump stops"),
    "aeration_loss": ("air_flow", "the air flow falls to 60 %"),
    "coolant_stuck": ("coolant_flow", "the coolant valve sticks"),
    "contamination": ("offgas_co2", "a second organism grows"),
    "base_overdose": ("base_flow", "the base pump runs away"),
}
SENSOR = {
    "stuck": "shows one value",
    "bias": "is off by a constant",
    "drift": "drifts",
    "spikes": "spikes",
    "dropout": "loses readings",
    "noise": "has become noisy",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One injected fault, and so the truth about it.

    ``size`` 1 is what an engineer would call clearly wrong: see ``ops.plant.instruments`` for sensors (a drift goes
    so far in an hour) and ``ops.plant.culture`` for the process.
    """

    kind: str  # of PROCESS or SENSOR
    tag: str  # the sensor, or where a process fault shows first
    start_s: float  # batch age
    end_s: float = float("inf")  # batch age
    size: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an unknown kind or a time that ends before it starts (``ValueError``)."""
        if self.kind not in PROCESS and self.kind not in SENSOR:
            raise ValueError(f"kind is {self.kind!r}, not one of {', '.join((*PROCESS, *SENSOR))}")
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"start_s {self.start_s:g} is not before end_s {self.end_s:g}, or below 0")

    @property
    def category(self) -> Literal["process", "sensor"]:
        """What PATrol should call it."""
        return "process" if self.kind in PROCESS else "sensor"

    @property
    def words(self) -> str:
        """What happens, for people.

        Examples
        --------
        >>> Fault("drift", "capacitance", 3600).words
        'capacitance drifts'
        """
        return PROCESS[self.kind][1] if self.kind in PROCESS else f"{readable_name(self.tag)} {SENSOR[self.kind]}"

    def kind_is(self, *kinds: str) -> bool:
        """Whether it is one of these."""
        return self.kind in kinds

    def active(self, age_s: FloatArray) -> BoolArray:
        """At which ages (n,) it acts."""
        acts: BoolArray = (age_s >= self.start_s) & (age_s < self.end_s)
        return acts


def process_fault(kind: str, start_s: float, end_s: float = float("inf"), size: float = 1.0) -> Fault:
    """A fault of the process by its kind alone.

    Examples
    --------
    >>> process_fault("feed_stop", 3600).tag
    'feed_rate'
    """
    if kind not in PROCESS:
        raise ValueError(f"kind is {kind!r}, not one of {', '.join(PROCESS)}")
    return Fault(kind, PROCESS[kind][0], start_s, end_s, size)


def strength(faults: tuple[Fault, ...], kind: str, age_s: float) -> float:
    """Size of the fault of this kind that acts at this age; 0 for none."""
    acting = (fault for fault in faults if fault.kind == kind and fault.start_s <= age_s < fault.end_s)
    return sum((fault.size for fault in acting), 0.0)
