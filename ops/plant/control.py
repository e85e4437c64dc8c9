"""What drives the vessels: the recipe's schedule and three PI control loops."""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import FloatArray

SET_TEMPERATURE, SET_PH, SET_OXYGEN = 37.0, 6.9, 30.0  # °C, pH, %
_COOLANT_MAX, _RANGEABILITY = 40.0, 100.0  # L/min; equal-percentage valve
_AGITATION_MIN, _AGITATION_MAX = 120.0, 680.0  # rpm
_BASE_MAX = 250.0  # mL/min

# The recipe: (age in h, set-point) steps
FEED = ((7.0, 7.0), (9.0, 7.8), (11.0, 8.6), (13.0, 9.4), (15.0, 10.0), (18.5, 8.0), (22.0, 2.5))  # L/h
AIR = ((0.0, 250.0), (3.0, 400.0), (5.5, 600.0))  # NL/min
PRESSURE = ((0.0, 0.3), (6.5, 0.5))  # bar
PHASES = (("INOCULATE", 0.0), ("GROWTH", 1.0), ("FEED", 7.0), ("HOLD", 22.0))  # begin at h
LENGTH_H = 24.5


@dataclass(slots=True)
class Loop:
    """A PI controller over B vessels, output 0 to 1, with the integral held at the ends.

    ``gain`` in output per unit of error; ``reset_s`` the integral time.
    """

    gain: float
    reset_s: float
    integral: FloatArray  # (B,) output at no error

    def act(self, error: FloatArray, dt_s: float) -> FloatArray:
        """The output (B,) for this error (B,)."""
        wanted = self.integral + self.gain * error
        output: FloatArray = np.clip(wanted, 0.0, 1.0)
        free = (wanted == output) | (np.sign(error) != np.sign(wanted - output))
        self.integral = np.clip(self.integral + np.where(free, self.gain * error * dt_s / self.reset_s, 0.0), 0.0, 1.0)
        return output


@dataclass(slots=True)
class Loops:
    """Temperature by coolant, pH by base, dissolved oxygen by agitation."""

    temperature: Loop
    ph: Loop
    oxygen: Loop

    @classmethod
    def ready(cls, vessels: int) -> "Loops":
        """At inoculation."""
        start = [np.full(vessels, share) for share in (0.15, 0.02, 0.02)]
        return cls(Loop(0.25, 1500.0, start[0]), Loop(3.0, 1500.0, start[1]), Loop(0.004, 240.0, start[2]))

    def coolant(self, temperature: FloatArray, dt_s: float) -> FloatArray:
        """Coolant flow in L/min."""
        opening = self.temperature.act(temperature - SET_TEMPERATURE, dt_s)
        flow: FloatArray = _COOLANT_MAX * _RANGEABILITY ** (opening - 1)
        return flow

    def base(self, ph: FloatArray, dt_s: float) -> FloatArray:
        """Base flow in mL/min."""
        return _BASE_MAX * self.ph.act(SET_PH - ph, dt_s)

    def agitation(self, oxygen: FloatArray, dt_s: float) -> FloatArray:
        """Stirrer speed in rpm."""
        return _AGITATION_MIN + (_AGITATION_MAX - _AGITATION_MIN) * self.oxygen.act(SET_OXYGEN - oxygen, dt_s)


def scheduled(steps: tuple[tuple[float, float], ...], age_s: float, late_s: FloatArray, gain: FloatArray) -> FloatArray:
    """The recipe's set-point at one age for vessels that are ``late_s`` (B,) behind it, times their gain (B,).

    Examples
    --------
    >>> scheduled(((0.0, 1.0), (1.0, 2.0)), 3600.0, np.array([-60.0, 60.0]), np.array([1.0, 1.1])).tolist()
    [2.0, 1.1]
    """
    starts = np.array([start for start, _ in steps]) * 3600
    values = np.array([0.0, *(value for _, value in steps)])
    step = np.searchsorted(starts, age_s - late_s, side="right")
    step = np.where((step == 0) & (starts[0] == 0), 1, step)  # what holds from the beginning is never late
    value: FloatArray = values[step] * gain
    return value
