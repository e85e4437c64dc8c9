"""Keeps a process that fits candidates: one at a time, beside the flow, given up when the flow is told to stop."""

import logging
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

import msgspec

from connectors.store.batch_files import files
from connectors.store.fitting import REJECTED, RELEASED, Task
from models.records.twin import Twin

LOG = logging.getLogger("patrol")
_TOGETHER_S = 2.0  # wall clock: batches released within it are learnt into one candidate
_PROGRAM = "import sys; sys.path[:] = {!r}; from connectors.store.fitting import main; main()"  # this very code
_LEVELS = {"info": logging.INFO, "error": logging.ERROR}


class FittingProcess:
    """Fits when asked to; asked while it fits, once more afterwards. What the last run left is fitted at once.

    Parameters
    ----------
    twin
        Whose candidates.
    folder
        The reference store.
    """

    def __init__(self, twin: Twin, folder: Path) -> None:
        task = msgspec.msgpack.encode(Task(twin, str(folder.absolute())))
        self._task = len(task).to_bytes(8, "big") + task
        self._due, self._closing, self._abandoned, self._wake = Event(), Event(), Event(), Event()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._work, name="fitting", daemon=True)
        if any(files(folder / twin.name / kept) for kept in (RELEASED, REJECTED)):
            self.request()

    def request(self) -> None:
        """There is something to learn."""
        self._due.set()
        self._wake.set()
        if not self._thread.is_alive():
            self._thread.start()

    def close(self, *, abandon: bool) -> None:
        """Wait for what was asked for; or give it up: the next start finds what is to be learnt."""
        with self._lock:
            self._closing.set()
            if abandon:
                self._abandoned.set()
                if self._process is not None:
                    self._process.kill()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    # -- inside --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._abandoned.is_set():
            if self._due.is_set():
                self._closing.wait(_TOGETHER_S)
                self._due.clear()
                self._fit()
            elif self._closing.is_set():
                return
            else:
                self._wake.wait()
                self._wake.clear()

    def _fit(self) -> None:
        with self._lock:
            if self._abandoned.is_set():
                return
            try:
                self._process = process = subprocess.Popen(
                    [sys.executable, "-c", _PROGRAM.format(sys.path)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
                )  # fmt: skip
            except OSError as exc:  # no memory, no processes
                LOG.error("fitting cannot be started: %s; the released batches are kept", exc)
                return
        with process:
            self._follow(process)
        if process.returncode and not self._abandoned.is_set():
            LOG.error("fitting ended with code %d; the released batches are kept", process.returncode)

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        """Hand over the task, and log what the process says of it."""
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended already, and its exit code is said
            process.stdin.write(self._task)
            process.stdin.flush()
        for line in process.stdout:
            level, _, text = line.decode("utf-8", "replace").strip().partition(" ")
            LOG.log(_LEVELS.get(level, logging.WARNING), "%s", text)
