"""A unit's dialogue asks for judgement on its way, so that what several units ask can be answered together.

Judging one scan costs mostly what surrounds the arithmetic. So whoever follows several units at once lets each go on
until it asks, has all that was asked judged in one go, and tells each its own.
"""

from collections.abc import Generator, Mapping, Sequence

import msgspec

from models.records.block import Stretch
from models.records.judgement import Judgement
from models.records.messages import Outbound
from models.records.monitor import Monitor

_AT_ONCE = 2048  # scans judged together: what is worked out for more than that no longer fits the cache


class JudgementRequest(msgspec.Struct, frozen=True):
    """A stretch of one running batch, to be judged before its unit goes on."""

    monitor: Monitor
    stretch: Stretch


UnitCoroutine = Generator[
    Outbound | JudgementRequest, Judgement, None
]  # what a unit says; is sent the judgement it asked for


def run_coroutines(coroutines: Sequence[UnitCoroutine]) -> list[list[Outbound]]:
    """Follow units' dialogues to their ends, side by side: what each says, in order.

    A group goes on as soon as it has been judged: what was worked out for it is still at hand, and is kept no longer.
    """
    emitted: list[list[Outbound]] = [[] for _ in coroutines]
    requests = {which: _until_request(coroutine, None, emitted[which]) for which, coroutine in enumerate(coroutines)}
    while requests:
        next_requests: dict[int, JudgementRequest | None] = {}
        for group in _groups({which: request for which, request in requests.items() if request is not None}):
            for which, judgement in zip(group, judge_requests(list(group.values())), strict=True):
                next_requests[which] = _until_request(coroutines[which], judgement, emitted[which])
        requests = next_requests
    return emitted


def judge_requests(requests: Sequence[JudgementRequest]) -> list[Judgement]:
    """The judgement of each, of a monitor of its own each, all of one company; or of one alone."""
    peers = requests[0].monitor.peers
    if peers is None:
        return [one.monitor.judge(one.stretch) for one in requests]
    return peers.judge([one.monitor for one in requests], [one.stretch for one in requests])


def _groups(requests: Mapping[int, JudgementRequest]) -> list[dict[int, JudgementRequest]]:
    """Which to judge together: those of one company, and not too many scans."""
    groups: list[dict[int, JudgementRequest]] = []
    latest: dict[
        int, tuple[dict[int, JudgementRequest], int]
    ] = {}  # of each company: its last group, and how many scans that has
    for which, one in requests.items():
        peers, own = one.monitor.peers, len(one.stretch)
        group, scans = latest.get(id(peers), ({}, _AT_ONCE))
        if peers is None or scans + own > _AT_ONCE:
            group, scans = {}, 0
            groups.append(group)
        group[which] = one
        latest[id(peers)] = group, scans + own
    return groups


def _until_request(
    coroutine: UnitCoroutine, judgement: Judgement | None, emitted: list[Outbound]
) -> JudgementRequest | None:
    """Go on with one dialogue, until it asks again; None: it is at its end. It begins without an answer."""
    try:
        item = next(coroutine) if judgement is None else coroutine.send(judgement)
        while not isinstance(item, JudgementRequest):
            emitted.append(item)
            item = next(coroutine)
    except StopIteration:
        return None
    return item
