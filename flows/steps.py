"""Steps that several flows share: parting streams by the type of their records."""

from collections.abc import Callable
from typing import TypeVar

import bytewax.operators as op
from bytewax.dataflow import Stream
from bytewax.operators import KeyedStream

from models.records.block import Feed
from models.records.messages import Rejected

R = TypeVar("R")


def feeds_by_unit(arrivals: Stream[Feed | Rejected]) -> KeyedStream[Feed]:
    """What arrived and can be used, keyed by unit: so one stateful step holds all that is known of a unit."""
    return op.flat_map_batch(
        "feeds", arrivals, lambda batch: [(item.unit, item) for item in batch if isinstance(item, Feed)]
    )


def refused_on_arrival(arrivals: Stream[Feed | Rejected]) -> KeyedStream[Rejected]:
    """What arrived and cannot be used, keyed as it came."""
    return op.flat_map_batch(
        "refused", arrivals, lambda batch: [(item.key or "", item) for item in batch if isinstance(item, Rejected)]
    )


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
    return op.flat_map_batch(
        step_id, up, lambda batch: [(key, record) for key, record in batch if isinstance(record, kind)]
    )


def tapped(step_id: str, up: KeyedStream[R], tap: Callable[[R], None]) -> KeyedStream[R]:
    """The same records, each passed to ``tap`` on its way."""

    def observe(batch: list[tuple[str, R]]) -> list[tuple[str, R]]:
        for _, record in batch:
            tap(record)
        return batch

    return op.flat_map_batch(step_id, up, observe)
