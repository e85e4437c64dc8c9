"""A flow and its broker ended in every way there is while a plant runs, beside a run that nobody disturbs."""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.chaos.outputs import Difference, compare, unequal_inputs
from tests.chaos.plant import Plant
from tests.chaos.publisher import Live, Publisher, publish_again
from tests.chaos.site import QUIET_S, ROOT, Run, Site, until

_TURN_S = 0.06
_WITHIN_S = 90.0
_WRITER = 8  # exit code of a run that is not the one writer
_BROKER = str(ROOT / ".ci" / "kafka")


class VoidError(Exception):
    """The two runs were not given the same."""


class Trial:
    """One trial.

    Parameters
    ----------
    bootstrap, kafka_folder
        A real Apache Kafka, and the folder that ``.ci/kafka`` was started with: it is killed, too.
    folder
        For twins, recovery stores and logs.
    seed
        Of the plant, and of what is done when.
    """

    def __init__(self, bootstrap: str, kafka_folder: str, folder: Path, seed: int) -> None:
        self._kafka_folder, self._random = kafka_folder, random.Random(seed)
        name = f"{int(time.time()) % 10**8:08d}"
        self._site, self._calm_site = Site(bootstrap, f"chaos{name}a", folder), Site(bootstrap, f"chaos{name}b", folder)
        now = datetime.now(UTC).replace(microsecond=0)
        start = now - timedelta(days=20, seconds=now.second % 10 - 5)  # readings half-way between two scans
        self._live = Live(Publisher(self._site, _TURN_S), Plant(seed, start))
        self.done: Counter[str] = Counter()
        self.starts_s: list[float] = []
        self._run = self._site.start()

    @property
    def kills(self) -> int:
        """How often flow and broker were killed."""
        return self.done["kill -9 of the flow"] + self.done["kill -9 of the broker"]

    def go(self, kills: int, tell: Callable[[int], None] = lambda kills: None) -> list[Difference]:
        """Disturb until so many kills; then what has been written beside an uninterrupted run."""
        ways = (
            (self._kill, 70), (self._terminate, 9), (self._pause, 8), (self._kill_broker, 4), (self._second, 4),
            (self._take_over, 3), (self._make_again, 2),
        )  # fmt: skip
        steps, weights = zip(*ways, strict=True)
        self._live.start()
        try:
            while self.kills < kills:
                self._check()
                while self._live.calm.is_set() and not self._live.failure:
                    time.sleep(0.05)
                self._random.choices(steps, weights)[0]()
                tell(self.kills)
            self._finish()
        finally:
            self._run.send(signal.SIGKILL)
        self.done["messages that Kafka did not take"] = self._live.publisher.refused
        self._uninterrupted()
        if differing := unequal_inputs(self._site, self._calm_site):
            raise VoidError(f"the trial says nothing, the two runs were not given the same: {differing}")
        return compare(self._site, self._calm_site)

    # -- what is done ----------------------------------------------------------------------------------------------

    def _kill(self) -> None:
        """At any moment: while it starts, or while it judges."""
        time.sleep(self._random.uniform(0.0, 3.5))
        self._end(signal.SIGKILL)
        self.done["kill -9 of the flow"] += 1
        self._run = self._site.start(self._run.recovery)

    def _terminate(self) -> None:
        time.sleep(self._random.uniform(0.3, 4.0))
        self._run.send(signal.SIGTERM)
        code = self._run.ended(_WITHIN_S)
        installed = code == -signal.SIGTERM  # before it listens, a signal ends it as any process
        assert code == 0 or installed, f"SIGTERM: exit {code}\n{self._run.last_words()}"
        self.done["SIGTERM"] += 1
        self._run = self._site.start(self._run.recovery)

    def _pause(self) -> None:
        time.sleep(self._random.uniform(0.0, 2.0))
        self._run.send(signal.SIGSTOP)
        time.sleep(self._random.uniform(0.1, 2.5))
        self._run.send(signal.SIGCONT)
        self.done["SIGSTOP, SIGCONT"] += 1

    def _kill_broker(self) -> None:
        time.sleep(self._random.uniform(0.5, 2.0))
        subprocess.run([_BROKER, "kill", self._kafka_folder], check=True, capture_output=True)
        time.sleep(self._random.uniform(0.0, 1.0))
        subprocess.run([_BROKER, "restart", self._kafka_folder], check=True, capture_output=True)
        self.done["kill -9 of the broker"] += 1

    def _second(self) -> None:
        """Another run on another folder, while this one lives: it ends, and says why."""
        self._settle()
        second = self._site.start("second")
        code = second.ended(_WITHIN_S)
        second.send(signal.SIGKILL)
        assert code == _WRITER, f"a second writer: exit {code}\n{second.last_words()}"
        self.done["second writer"] += 1

    def _take_over(self) -> None:
        """The writer stops moving, a standby takes over; when it moves again it must not write."""
        self._settle()
        other = "other" if self._run.recovery == "recovery" else "recovery"
        standby = self._site.start(other, "--standby")
        self._run.send(signal.SIGSTOP)
        until(lambda: standby.metric("patrol_caught_up") == 1, _WITHIN_S, "a standby takes over")
        self._run.send(signal.SIGCONT)
        code = self._run.ended(_WITHIN_S)
        assert code == _WRITER, f"the writer before: exit {code}\n{self._run.last_words()}"
        self._run = standby
        self.done["taken over by a standby"] += 1

    def _make_again(self) -> None:
        """The topic of the laboratory's results is made anew while nothing runs."""
        self._end(signal.SIGTERM)
        self._site.make_again("lab")
        self.done["topic made again"] += 1
        self._run = self._site.start(self._run.recovery)

    # -- inside --------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        until(lambda: self._run.metric("patrol_caught_up") == 1, _WITHIN_S, f"caught up\n{self._run.last_words()}")

    def _end(self, how: signal.Signals) -> None:
        self._run.send(how)
        assert self._run.ended(_WITHIN_S) is not None, f"{how.name} did not end it\n{self._run.last_words()}"

    def _check(self) -> None:
        """Nothing ends by itself."""
        code = self._run.process.poll()
        assert code is None, f"the flow ended by itself: exit {code}\n{self._run.last_words()}"
        assert not self._live.failure, self._live.failure

    def _finish(self) -> None:
        self._live.done.set()
        self._live.join(_WITHIN_S)
        self._check()
        self._drain(self._run)

    def _drain(self, run: Run) -> None:
        until(run.caught_up, 2 * _WITHIN_S, f"all is judged\n{run.last_words()}")
        until(run.still, _WITHIN_S, "the ends of the last batches are applied")
        run.send(signal.SIGTERM)
        code = run.ended(_WITHIN_S)
        assert code == 0, f"SIGTERM at the end: exit {code}\n{run.last_words()}"

    def _uninterrupted(self) -> None:
        run = self._calm_site.start()
        try:
            until(lambda: run.metric("patrol_caught_up") == 1, _WITHIN_S, f"it starts\n{run.last_words()}")
            publish_again(self._live.recording, Publisher(self._calm_site, 0.0), run.caught_up, QUIET_S)
            self._drain(run)
        finally:
            run.send(signal.SIGKILL)
