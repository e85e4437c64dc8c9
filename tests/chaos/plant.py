"""A plant for the chaos trial: ten units, and what their gateways, the MES and the laboratory send, turn by turn.

It follows from a seed. Times are the plant's own, ten seconds a turn, and are the messages' times on the broker, too:
whatever happens to the flow, the same messages mean the same verdicts.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.messages.codec import encode
from models.records.messages import BatchEvent, LabResult, Reading, Record, Scan

TURN_S = 10.0  # of the plant's time
WIDE = tuple(f"U{k}" for k in range(8))
LONG = ("L0", "L1")  # these send readings, tag by tag
SILENT = "Q0"  # one batch, all along; now and then it sends nothing
UNITS = (*WIDE, *LONG, SILENT)
BATCH = 220  # turns
_APART = 20  # turns from one unit's batches to the next one's
_RUBBISH = (
    b"rubbish %d",
    b'{"type": "scan/1", "unit": "U1", "n": %d}',
    b'{"type": "scan/9", "unit": "U1", "n": %d}',
    b'{"type": "scan/1", "unit": "U1", "observed_at": "2026-01-01T00:00:00", "values": {"a": %d}}',
    b'{"type": "operator-action/1", "action": "acknowledge", "deviation_id": "U1/%d", "unit": "U1", "by": "gateway", '
    b'"at": "2026-01-01T00:00:00Z"}',
    b'{"type": "scan/1", "unit": "U1\xff%d"}',
    b"[" * 3000 + b"%d",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message."""

    kind: str  # of topic: scans, events, lab or actions
    key: str
    value: bytes
    at: datetime


class Plant:
    """What the plant sends.

    Parameters
    ----------
    seed
        The same seed, the same plant.
    start
        The first scan's time.
    """

    def __init__(self, seed: int, start: datetime) -> None:
        self._random, self._start = random.Random(seed), start
        self._latest: deque[Sent] = deque(maxlen=30)  # scans of U6, whose gateway starts again now and then

    def at(self, turn: float) -> datetime:
        """The time of a turn."""
        return self._start + timedelta(seconds=TURN_S * turn)

    def context(self, n: int) -> Iterator[Sent]:
        """Batches end to end, each unit's at other times; a result of the laboratory now and then."""
        if n == 0:
            yield self._event("started", UNITS.index(SILENT), 0, -0.5)
        for k in range(len(UNITS) - 1):
            age = (n + _APART * k) % BATCH
            if age == 0 and n:
                yield self._event("ended", k, n - 1, n - 0.6)
            if age == 0 or n == 0:
                yield self._event("started", k, n, n - 0.5)
            if age == 100:
                yield self._event("phase_started", k, n, n - 0.5)
        if n % 60 == 30:
            result = LabResult(
                unit="U0", batch_id=_batch(0, n), analyte="titre", value=1.0 + n / 1e3, unit_of_measure="g/L",
                sampled_at=self.at(n - 20), reported_at=self.at(n - 0.5),
            )  # fmt: skip
            yield Sent("lab", "U0", encode(result), self.at(n - 0.5))

    def ends(self, n: int) -> list[Sent]:
        """The end of every batch, at turn ``n``."""
        return [self._event("ended", k, n - 1, n - 0.5) for k in range(len(UNITS))]

    def scans(self, n: int, *, silent: bool = False) -> Iterator[Sent]:
        """A scan of every unit, or its readings, and what comes beside them."""
        for k, unit in enumerate(UNITS):
            values = self._values(n, k)
            if silent and unit == SILENT:
                continue
            if unit in LONG:
                readings = (Reading(unit=unit, observed_at=self.at(n), tag=tag, value=values[tag]) for tag in values)
                yield from (self._sent(reading, n) for reading in readings)
                continue
            scan = self._sent(Scan(unit=unit, observed_at=self.at(n), values=values), n)
            yield scan
            if unit == "U2":  # two gateways
                yield scan
            if unit == "U6":
                self._latest.append(scan)
        yield from self._beside(n)

    # -- inside --------------------------------------------------------------------------------------------------

    def _beside(self, n: int) -> Iterator[Sent]:
        """Copies, rubbish, late and misdated scans, tags nobody knows."""
        if n % 90 == 60:
            yield from self._latest
        if n % 7 == 3:
            yield Sent("scans", "U1", self._random.choice(_RUBBISH) % n, self.at(n))
        if n % 40 == 25:
            yield self._sent(Scan(unit="U3", observed_at=self.at(n - 8.5), values={"a": 0.1}), n)
        if n % 55 == 35:
            far = datetime(2098, 1, 1, tzinfo=UTC) + timedelta(seconds=n)
            yield self._sent(Scan(unit="U4", observed_at=far, values={"a": 0.1}), n)
        if n % 50 == 45:
            yield self._sent(Reading(unit="L0", observed_at=self.at(n), tag=f"x{n}", value=1.0), n)
            yield self._sent(Scan(unit="U5", observed_at=self.at(n + 0.2), values={"a": 10.0, f"y{n // 100}": 1.0}), n)

    def _values(self, n: int, k: int) -> dict[str, float]:
        """Noise round a trajectory; for a while in every batch one tag steps away from it."""
        age, noise = (n + _APART * k) % BATCH, self._random.gauss
        values = {
            "a": 10 + noise(0, 0.1),
            "b": 20 + (0.0 if UNITS[k] == SILENT else 0.01 * age) + noise(0, 0.2),
            "c": 5 + noise(0, 0.05),
        }
        if (120 <= age < 150 or 170 <= age < 180) and UNITS[k] != SILENT:
            values["abc"[k % 3]] += 4.0
        return values

    def _sent(self, record: Scan | Reading, n: int) -> Sent:
        return Sent("scans", record.unit, encode(record), self.at(n))

    def _event(self, kind: str, k: int, n: int, turn: float) -> Sent:
        event: Record = BatchEvent(
            event=kind, batch_id=_batch(k, n), unit=UNITS[k], at=self.at(turn), product="p",
            phase="feed" if kind == "phase_started" else None,
        )  # type: ignore[arg-type] # fmt: skip
        return Sent("events", UNITS[k], encode(event), self.at(turn))


def _batch(k: int, n: int) -> str:
    return f"{UNITS[k]}-{0 if UNITS[k] == SILENT else (n + _APART * k) // BATCH}"
