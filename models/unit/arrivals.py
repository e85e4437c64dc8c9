"""All that one unit sends, scans and readings, and what is taken of it: by one clock, and nothing twice."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.records.block import Block, ReadingBlock
from models.records.twin import Twin
from models.unit.assembly import Assembly, LastGood
from models.unit.clock import Clock
from models.unit.intake import Intake, Step, Suspects
from models.unit.repeats import Repeats
from models.unit.usable import Usable

_DAY_US = 86_400_000_000


class SuspectsState(msgspec.Struct, kw_only=True):
    """Of scans or readings that are held until others show whether their time is right."""

    rows: list[Any]
    first_us: int
    last_us: int
    last_mark: int
    broker_us: int | None
    count: int


class ArrivalsState(msgspec.Struct, kw_only=True):
    """Of what one unit sends."""

    clock: tuple[int | None, int | None, int, tuple[int, int] | None, tuple[int, int] | None]
    paced: bool = False
    repeats: bytes = b""
    assembly: LastGood | None = None
    open: dict[int, list[int]] = {}
    late: list[Any] = []
    suspects: tuple[SuspectsState | None, SuspectsState | None] = (None, None)
    unusable: tuple[int, int] | msgspec.UnsetType = msgspec.UNSET  # left out where the broker gives no time


class Arrivals:
    """What one unit sends.

    Parameters
    ----------
    twin
        Its tags, cadence and context rules.
    """

    def __init__(self, twin: Twin) -> None:
        self.clock = Clock(int(twin.cadence_s * 1e6))
        self._repeats = Repeats(twin.context.repeat_scans)
        self._usable = Usable(twin)
        self._intake = Intake(twin, self.clock, self._repeats, self._usable)
        self._assembly = Assembly(twin, self.clock, self._repeats, self._usable)

    def add(self, blocks: tuple[Block | ReadingBlock, ...]) -> Iterator[Step]:
        """What becomes of all that one poll brought; streams of several topics or partitions are merged by time."""
        for block in blocks if len(blocks) == 1 else merged(blocks):
            yield from self._intake.add(block) if isinstance(block, Block) else self._assembly.add(block)

    def state(self) -> ArrivalsState:
        """A copy of all that changes."""
        clock, assembly, usable = self.clock, self._assembly, self._usable
        return ArrivalsState(
            clock=(clock.newest_us, clock.broker_us, clock.offset_us, clock.gap, clock.starts),
            paced=clock.paced,
            repeats=self._repeats.state(),
            assembly=assembly.state(),
            open={number: sorted(marks) for number, marks in assembly.open.items()},
            late=[parts(one) for one in assembly.late],
            suspects=(_suspects_state(self._intake.suspects), _suspects_state(assembly.suspects)),
            unusable=msgspec.UNSET if usable.since_us is None else (usable.since_us, usable.last_us),
        )

    def restore(self, state: ArrivalsState) -> None:
        """Take up what ``state`` gave."""
        clock, assembly = self.clock, self._assembly
        clock.newest_us, clock.broker_us, clock.offset_us, clock.gap, clock.starts = state.clock
        clock.paced = state.paced
        self._repeats.restore(state.repeats)
        if state.unusable is not msgspec.UNSET:
            self._usable.since_us, self._usable.last_us = state.unusable
        assembly.restore(state.assembly)
        assembly.open = {number: set(marks) for number, marks in state.open.items()}
        assembly.late = [ReadingBlock(*one) for one in state.late]
        _restore(self._intake.suspects, state.suspects[0], Block)
        _restore(assembly.suspects, state.suspects[1], ReadingBlock)


def merged(blocks: tuple[Block | ReadingBlock, ...]) -> Iterator[Block | ReadingBlock]:
    """Blocks of several streams by time, each stream in its own order; cut where the stream changes."""
    order: list[tuple[int, int, int]] = []
    for which, block in enumerate(blocks):
        order += [(at_us, which, row) for row, at_us in enumerate(_reached(block).tolist())]
    order.sort()
    for which, run in groupby(order, key=itemgetter(1)):
        yield blocks[which].take([row for _, _, row in run])


def _reached(block: Block | ReadingBlock) -> NDArray[np.int64]:
    """How far a stream has come with each row; one odd stamp must not move what comes after it.

    A stamp is odd that lies a day from where the others of the block are, beside the broker's times.
    """
    observed_us, broker_us = block.observed_us, block.broker_us
    if broker_us is not None:
        usual_us = broker_us + int(np.median(observed_us - broker_us))
        observed_us = np.where(np.abs(observed_us - usual_us) < _DAY_US, observed_us, usual_us)
    return np.maximum.accumulate(observed_us)


def parts(block: Block | ReadingBlock) -> list[Any]:
    """A block's fields, as a state holds them; ``type(block)(*parts)`` is the block again."""
    return [getattr(block, field) for field in block.__struct_fields__]


def block_of(fields: list[Any]) -> Block:
    """The block of these parts."""
    unit, topic, partition, offsets, observed_us, values, batch_ids, phases, broker_us = fields
    arrays = (offsets, observed_us, values)
    return Block(unit, topic, partition, *arrays, batch_ids and tuple(batch_ids), phases and tuple(phases), broker_us)


def _suspects_state(suspects: Suspects) -> SuspectsState | None:
    if not suspects.rows:
        return None
    return SuspectsState(
        rows=[parts(rows) for rows in suspects.rows], first_us=suspects.first_us, last_us=suspects.last_us,
        last_mark=suspects.last_mark, broker_us=suspects.broker_us, count=suspects.count,
    )  # fmt: skip


def _restore(suspects: Suspects, state: SuspectsState | None, kind: type[Block] | type[ReadingBlock]) -> None:
    if state is None:
        suspects.clear()
        return
    suspects.rows = [block_of(rows) if kind is Block else ReadingBlock(*rows) for rows in state.rows]
    suspects.first_us, suspects.last_us, suspects.last_mark = state.first_us, state.last_us, state.last_mark
    suspects.broker_us, suspects.count = state.broker_us, state.count
