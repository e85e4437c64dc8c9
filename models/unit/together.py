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


class Asked(msgspec.Struct, frozen=True):
    """A stretch of one running batch, to be judged before its unit goes on."""

    monitor: Monitor
    stretch: Stretch


Dialogue = Generator[Outbound | Asked, Judgement, None]  # what a unit says; is sent the judgement it asked for


def followed(dialogues: Sequence[Dialogue]) -> list[list[Outbound]]:
    """Follow units' dialogues to their ends, side by side: what each says, in order.

    A group goes on as soon as it has been judged: what was worked out for it is still at hand, and is kept no longer.
    """
    said: list[list[Outbound]] = [[] for _ in dialogues]
    asked = {which: _until_asked(dialogue, None, said[which]) for which, dialogue in enumerate(dialogues)}
    while asked:
        going_on: dict[int, Asked | None] = {}
        for group in _groups({which: question for which, question in asked.items() if question is not None}):
            for which, judgement in zip(group, answers(list(group.values())), strict=True):
                going_on[which] = _until_asked(dialogues[which], judgement, said[which])
        asked = going_on
    return said


def answers(asked: Sequence[Asked]) -> list[Judgement]:
    """The judgement of each, of a monitor of its own each, all of one company; or of one alone."""
    company = asked[0].monitor.company
    if company is None:
        return [one.monitor.judge(one.stretch) for one in asked]
    return company.judge([one.monitor for one in asked], [one.stretch for one in asked])


def _groups(asked: Mapping[int, Asked]) -> list[dict[int, Asked]]:
    """Which to judge together: those of one company, and not too many scans."""
    groups: list[dict[int, Asked]] = []
    latest: dict[int, tuple[dict[int, Asked], int]] = {}  # of each company: its last group, and how many scans that has
    for which, one in asked.items():
        company, own = one.monitor.company, len(one.stretch)
        group, scans = latest.get(id(company), ({}, _AT_ONCE))
        if company is None or scans + own > _AT_ONCE:
            group, scans = {}, 0
            groups.append(group)
        group[which] = one
        latest[id(company)] = group, scans + own
    return groups


def _until_asked(dialogue: Dialogue, answer: Judgement | None, said: list[Outbound]) -> Asked | None:
    """Go on with one dialogue, until it asks again; None: it is at its end. It begins without an answer."""
    try:
        item = next(dialogue) if answer is None else dialogue.send(answer)
        while not isinstance(item, Asked):
            said.append(item)
            item = next(dialogue)
    except StopIteration:
        return None
    return item
