"""The main flow: scans and their context in, deviations and scores out.

    Kafka -> feeds by unit -> WATCH -> judged together -> deviations, scores, dead letters -> Kafka

The caller brings both ends, so that the same flow runs on Kafka and in tests without a broker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from flows.joint_judging import JointJudging, all_emitted
from flows.steps import feeds_by_unit, only, refused_on_arrival, tapped
from flows.watch import Watches, WatchLogic
from models.records.block import Feed
from models.records.messages import Deviation, Outbound, Rejected, Score


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the flow's records go."""

    deviations: Sink[tuple[str, Deviation]]
    scores: Sink[tuple[str, Score]]
    dead_letters: Sink[tuple[str, Rejected]]


@dataclass(frozen=True, slots=True)
class Taps:
    """Callbacks for the metrics; they change nothing in the flow."""

    judged: Callable[[Feed], None] = lambda feed: None
    emitted: Callable[[Outbound], None] = lambda record: None


def build(source: Source[Feed | Rejected], ends: Ends, watches: Watches, taps: Taps = Taps()) -> Dataflow:
    """Wire the flow.

    Parameters
    ----------
    source
        What arrives, grouped by unit; context ahead of the scans it concerns.
    ends
        Where deviations, scores and dead letters go.
    watches
        Makes the watch of a unit, new or from its snapshot.
    taps
        Called with everything judged and emitted.
    """
    flow = Dataflow("deviation")
    arrivals = op.input("arrivals", flow, source)
    refused = tapped("refused_noted", refused_on_arrival(arrivals), taps.emitted)
    feeds = feeds_by_unit(arrivals)
    joint_judging = JointJudging(taps.judged)
    pending = op.stateful("watch", feeds, partial(WatchLogic, watches, joint_judging))
    emitted = all_emitted(pending, joint_judging)
    noted = tapped("noted", emitted, taps.emitted)
    deviations = only("deviation", noted, Deviation)
    scores = only("score", noted, Score)
    dead_letters = op.merge("dead_letter", only("not_judged", noted, Rejected), refused)
    op.output("deviations", deviations, ends.deviations)
    op.output("scores", scores, ends.scores)
    op.output("dead_letters", dead_letters, ends.dead_letters)
    return flow
