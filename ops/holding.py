"""One run a twin: its recovery folder and its place as the writer are held, stood by for, and watched while it runs."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from connectors.kafka.stop import Stop
from connectors.outputs.lease import AwayError, Claim, Lease
from connectors.store.hold import HeldError, Hold, hold
from models.records.errors import RecoveryError, WriterError

LOG = logging.getLogger("patrol")
_LOOK_S = 0.5  # wall clock between two looks at the folder
_RENEW_S = 1.0  # between two renewals of the claim to be the writer
_SILENT_S = 4.0  # without a renewal the writer is taken to have died
_FENCED = WriterError.exit_code
_DRAIN_S = 60.0  # beyond what stopping waits for deliveries: judging and keeping what was read


def held(folder: Path, stop: Stop, standby: bool = False) -> Hold | None:
    """Hold a recovery folder; standing by, once the process that holds it has ended. None: stopped before that.

    Raises
    ------
    RecoveryError
        Another process holds it, or it cannot be written.
    """
    waits = False
    while not stop.requested:
        try:
            kept = hold(folder)
        except HeldError as exc:
            if not standby:
                raise
            if not waits:
                LOG.info("stands by: %s", str(exc).partition(":")[0])
            waits = True
            stop.wait(_LOOK_S)
        else:
            if waits:
                LOG.info("takes over: recovery folder %s is free", folder)
            return kept
    return None


def writing(lease: Lease, stop: Stop, standby: bool = False) -> bool:
    """Claim the writing for a twin; standing by, once the run that writes has ended. False: stopped before that.

    Raises
    ------
    WriterError
        Another run writes.
    """
    newest: Claim | None = None
    renewed = time.monotonic()
    while not stop.requested:
        try:
            claim = lease.other()
            if claim is None or (claim == newest and time.monotonic() - renewed > _SILENT_S):
                lease.renew()
                if newest is not None:
                    LOG.info("takes over the writing: %s no longer renews its claim", newest)
                return True
        except AwayError:
            claim = None  # the broker is away: nobody can renew a claim
        if claim != newest:
            if newest is not None and claim is not None and not standby:
                raise WriterError(f"{claim} writes for this twin; end it, or start this one with --standby")
            if newest is None and claim is not None:
                LOG.info("%s: looking whether it lives", claim)
            newest, renewed = claim, time.monotonic()
        stop.wait(_LOOK_S)
    return False


@contextmanager
def leading(lease: Lease) -> Iterator[None]:
    """Meanwhile, renew the claim, and end the process when another run has made it; released at a clean end."""
    ended = Event()
    thread = Thread(target=_renew, args=(lease, ended), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_RENEW_S)


def _renew(lease: Lease, ended: Event) -> None:
    while not ended.wait(_RENEW_S):
        with suppress(AwayError):
            if (claim := lease.other()) is not None:
                _end(f"{claim} writes for this twin now; what this run had not committed is left to it", _FENCED)
            lease.renew()
    with suppress(AwayError):
        if lease.other() is None:
            lease.release()


@contextmanager
def guarded(kept: Hold, stop: Stop, drain_s: float) -> Iterator[None]:
    """Meanwhile, end the process when its folder is gone, or when it was told to stop and does not.

    The engine keeps on writing into files that were removed, and nothing of it would be there after a restart.
    """
    ended = Event()
    Thread(target=_guard, args=(kept, stop, drain_s + _DRAIN_S, ended), name="guard", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _guard(kept: Hold, stop: Stop, drain_s: float, ended: Event) -> None:
    stopping: float | None = None
    while not ended.wait(_LOOK_S):
        if (name := kept.lost()) is not None:
            _end(
                f"recovery folder {kept.folder}: {name} was removed or replaced while the flow ran; restore the whole "
                "folder, or start again without it to judge anew from the topics' beginning",
                RecoveryError.exit_code,
            )
        if stop.requested:
            stopping = time.monotonic() if stopping is None else stopping
            if time.monotonic() - stopping > drain_s:
                _end(f"was told to stop, and did not within {drain_s:g} s; what was not kept is judged again", 1)


def _end(why: str, code: int) -> None:
    """One line, and the end: the flow's own thread may no longer listen."""
    LOG.critical("%s", why)
    for handler in LOG.handlers:
        handler.flush()
    os._exit(code)
