"""A unit's course asks for judgement on its way, so that what several units ask can be answered together.

Judging one scan costs mostly what surrounds the arithmetic. So whoever follows several units at once lets each go on
until it asks, has all that was asked judged in one go, and tells each its own.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from models.block import Stretch
from models.judgement import Judgement
from models.monitor import Company, Monitor
from models.records import Outbound

_AT_ONCE = 2048  # scans judged together: what is worked out for more than that no longer fits the cache


@dataclass(frozen=True, slots=True)
class Asked:
    """A stretch of one running batch, to be judged before its unit goes on."""

    monitor: Monitor
    stretch: Stretch


Course = Generator[Outbound | Asked, Judgement, None]  # what a unit says; is sent the judgement it asked for


def answers(asked: Sequence[Asked]) -> list[Judgement]:
    """The judgement of each, of a monitor of its own each: those of one company together."""
    told: dict[int, Judgement] = {}
    for company, places in _groups(asked):
        monitors, stretches = [asked[k].monitor for k in places], [asked[k].stretch for k in places]
        told |= zip(places, company.judge(monitors, stretches), strict=True)
    return [told[k] if k in told else one.monitor.judge(one.stretch) for k, one in enumerate(asked)]


def _groups(asked: Sequence[Asked]) -> list[tuple[Company, list[int]]]:
    """Which to judge together: positions among what is asked, of one company and not too many scans each."""
    groups: list[tuple[Company, list[int]]] = []
    latest: dict[int, tuple[list[int], int]] = {}  # of each company: its last group, and how many scans that has
    for k, one in enumerate(asked):
        company = one.monitor.company
        if company is None:
            continue
        places, scans = latest.get(id(company), ([], _AT_ONCE))
        if scans + len(one.stretch) > _AT_ONCE:
            places, scans = [], 0
            groups.append((company, places))
        places.append(k)
        latest[id(company)] = places, scans + len(one.stretch)
    return groups


def followed(courses: Sequence[Course]) -> list[list[Outbound]]:
    """Follow units' courses to their ends, side by side: what each says, in order."""
    said: list[list[Outbound]] = [[] for _ in courses]
    waiting: list[tuple[int, Judgement | None]] = [(which, None) for which in range(len(courses))]
    while waiting:
        asking, asked = [], []
        for which, answer in waiting:
            question = _until_asked(courses[which], answer, said[which])
            if question is not None:
                asking.append(which)
                asked.append(question)
        waiting = list(zip(asking, answers(asked), strict=True))
    return said


def _until_asked(course: Course, answer: Judgement | None, said: list[Outbound]) -> Asked | None:
    """Go on with one course, until it asks again; None: it is at its end. It begins without an answer."""
    try:
        item = next(course) if answer is None else course.send(answer)
        while not isinstance(item, Asked):
            said.append(item)
            item = next(course)
    except StopIteration:
        return None
    return item
