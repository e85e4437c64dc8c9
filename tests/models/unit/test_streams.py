"""A unit in two partitions: what one poll brought of both is taken in the order in which it was sent."""

import msgspec
import numpy as np

from models.records.block import Block
from models.records.times import to_us
from models.unit.arrivals import merged
from tests.conftest import minute, scans


def sent(block: Block, partition: int) -> Block:
    """The broker had each scan a second after it was observed."""
    return msgspec.structs.replace(block, partition=partition, broker_us=block.observed_us + 1_000_000)


def test_an_odd_stamp_does_not_move_the_scans_behind_it_past_the_other_partition() -> None:
    before, after = sent(scans(range(10)), 0), sent(scans(range(10, 20)), 1)
    before.observed_us[4] = to_us(minute(0)) + 72 * 365 * 86_400_000_000  # 2098
    order = [(block.partition, minute) for block in merged((after, before)) for minute in rows(block)]
    assert order == [(0, m) for m in range(10)] + [(1, m) for m in range(10, 20)]


def rows(block: Block) -> list[int]:
    """The minutes at which the broker had the scans."""
    assert block.broker_us is not None
    return [int(m) for m in np.round((block.broker_us - to_us(minute(0))) / 60e6)]
