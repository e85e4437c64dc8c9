"""A unit's steps as a coroutine that yields its judgement requests, so that several units' are judged together.

Most of the cost of judging one scan is overhead around the arithmetic. So the coroutines of several units are each run
to their next request, all requests are judged in one call, and each coroutine is sent its own judgement (decision 15).
"""

from collections.abc import Generator, Mapping, Sequence

import msgspec

from models.records.block import Stretch
from models.records.judgement import Judgement
from models.records.messages import Outbound
from models.records.monitor import Monitor

_AT_ONCE = 2048  # scans judged together: the results of more than that no longer fit the cache


class JudgementRequest(msgspec.Struct, frozen=True):
    """A stretch of one running batch, to be judged before its unit goes on."""

    monitor: Monitor
    stretch: Stretch


# yields what a unit emits; a judgement request is answered by sending the judgement
UnitCoroutine = Generator[Outbound | JudgementRequest, Judgement, None]


def run_coroutines(coroutines: Sequence[UnitCoroutine]) -> list[list[Outbound]]:
    """Run units' coroutines to their ends, side by side: what each emits, in order.

    A group goes on as soon as it has been judged, while its results are still in the cache.
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
    """The judgement of each request: of monitors that are all peers of one another, or of one monitor alone."""
    peers = requests[0].monitor.peers
    if peers is None:
        return [one.monitor.judge(one.stretch) for one in requests]
    return peers.judge([one.monitor for one in requests], [one.stretch for one in requests])


def _groups(requests: Mapping[int, JudgementRequest]) -> list[dict[int, JudgementRequest]]:
    """Which to judge together: those whose monitors are peers, and not too many scans."""
    groups: list[dict[int, JudgementRequest]] = []
    # of each fleet of peers: its last group, and how many scans that has
    latest: dict[int, tuple[dict[int, JudgementRequest], int]] = {}
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
    """Run one coroutine to its next request; None: it is at its end. It is started with no judgement."""
    try:
        item = next(coroutine) if judgement is None else coroutine.send(judgement)
        while not isinstance(item, JudgementRequest):
            emitted.append(item)
            item = next(coroutine)
    except StopIteration:
        return None
    return item
