"""Steps that several flows share: parting streams by the type of their records."""

from typing import TypeVar

import bytewax.operators as op
from bytewax.dataflow import Stream
from bytewax.operators import KeyedStream

from models.block import Feed
from models.records import Rejected

R = TypeVar("R")


def feeds_by_unit(arrivals: Stream[Feed | Rejected]) -> KeyedStream[Feed]:
    """What arrived and can be used, keyed by unit: so one stateful step holds all that is known of a unit."""
    feeds = op.filter_map("feeds", arrivals, lambda item: item if isinstance(item, Feed) else None)
    return op.key_on("by_unit", feeds, lambda feed: feed.unit)


def refused_on_arrival(arrivals: Stream[Feed | Rejected]) -> KeyedStream[Rejected]:
    """What arrived and cannot be used, keyed as it came."""
    refused = op.filter_map("refused", arrivals, lambda item: item if isinstance(item, Rejected) else None)
    return op.key_on("by_key", refused, lambda letter: letter.key or "")


def only(step_id: str, up: KeyedStream[object], kind: type[R]) -> KeyedStream[R]:
    """The records of one type, keyed as they were.

    Parameters
    ----------
    step_id
        Unique in the flow.
    up
        Keyed records of several types.
    kind
        The type to keep.
    """

    def kept(keyed: tuple[str, object]) -> tuple[str, R] | None:
        key, record = keyed
        return (key, record) if isinstance(record, kind) else None

    return op.filter_map(step_id, up, kept)
