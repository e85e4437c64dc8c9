"""The learning flow: released batches in, a candidate reference out; never approved by itself.

    Kafka -> feeds by unit -> GATHER -> whole batches and decisions -> the candidate reference

A batch is gathered whenever it ran, and put aside when it is whole. Once it is ``released`` and none of its process
deviations is open, it is learnt into a candidate; on ``rejected`` it is thrown away. Messages that cannot be read are
left to the deviation flow, which reads the same topics and writes the dead letters.
"""

from collections.abc import Iterable
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import StatefulLogic
from bytewax.outputs import Sink

from flows.steps import feeds_by_unit
from models.gathering.gather import Gather, Gathered
from models.records.block import Feed
from models.records.messages import Rejected
from models.records.twin import Twin


class GatherLogic(StatefulLogic[Feed, Gathered, bytes]):
    """Keeps what is gathered of one unit's running batch.

    Parameters
    ----------
    twin
        The tags and their order.
    state
        A snapshot to go on from; None: a new unit.
    """

    def __init__(self, twin: Twin, state: bytes | None) -> None:
        self._gather = Gather(twin, state)

    def on_item(self, value: Feed) -> tuple[Iterable[Gathered], bool]:
        """Take what one poll brought for the unit."""
        return self._gather.step(value), StatefulLogic.RETAIN

    def snapshot(self) -> bytes:
        """The scans of the running batch, as bytes."""
        return self._gather.snapshot()


def build(
    source: Source[Feed | Rejected],
    candidates: Sink[tuple[str, Gathered]],
    twin: Twin,
) -> Dataflow:
    """Wire the flow.

    Parameters
    ----------
    source
        Scans, batch events and deviations, grouped by unit.
    candidates
        Keeps whole batches and learns the released ones.
    twin
        The tags and their order.
    """
    flow = Dataflow("learning")
    arrivals = op.input("arrivals", flow, source)
    feeds = feeds_by_unit(arrivals)
    gathered = op.stateful("gather", feeds, partial(GatherLogic, twin))
    op.output("candidates", gathered, candidates)
    return flow
