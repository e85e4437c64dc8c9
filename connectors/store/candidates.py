"""Where the learning flow ends: whole batches kept until quality decides, and candidates learnt from the released.

A batch waits as a file beside the references (STORE/NAME/waiting/BATCH.npz). Doing an epoch again after a crash changes
nothing: a file is written anew as it was, and a batch that a version already holds is not learnt twice.
"""

import logging
import os
from pathlib import Path
from urllib.parse import quote

import numpy as np
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.store.references import ReferenceStore, StoredVersion
from models.records.block import RecordedBatch
from models.records.times import to_time
from models.records.twin import Twin
from models.reference.reference import LEAST_BATCHES, Reference, fit_reference, learn_batch
from models.unit.gather import Decided, Ended, Gathered

LOG = logging.getLogger("patrol")
LEARNER = "patrol learn"


class CandidateSink(FixedPartitionedSink[Gathered, int]):
    """Learns released batches of one twin into its reference store.

    Parameters
    ----------
    twin
        Whose batches they are.
    folder
        The reference store.
    """

    def __init__(self, twin: Twin, folder: Path) -> None:
        self._twin, self._folder = twin, folder

    def list_parts(self) -> list[str]:
        """The one learner; its name is part of the recovery store."""
        return [self._twin.name]

    def part_fn(self, item_key: str) -> int:
        """All units' batches go to the one learner."""
        return 0

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "Candidates":
        """The learner; what it knows is in the store."""
        return Candidates(self._twin, self._folder)


class Candidates(StatefulSinkPartition[Gathered, int]):
    """Keeps waiting batches and adds candidate versions."""

    def __init__(self, twin: Twin, folder: Path) -> None:
        self._twin, self._store = twin, ReferenceStore(folder)
        self._waiting = folder / twin.name / "waiting"
        self._released = folder / twin.name / "released"  # too few to learn from yet
        self.learnt = 0

    def write_batch(self, items: list[Gathered]) -> None:
        """Keep whole batches; act on decisions."""
        for item in items:
            if isinstance(item, Ended):
                if item.product in (None, self._twin.product):
                    save(self._waiting, item.batch)
            else:
                self._decide(item)

    def snapshot(self) -> int:
        """Nothing: what matters is in the store."""
        return self.learnt

    # -- inside --------------------------------------------------------------------------------------------------

    def _decide(self, decided: Decided) -> None:
        path = file_of(self._waiting, decided.batch_id)
        if not decided.released:
            path.unlink(missing_ok=True)
            LOG.info("batch %s was rejected: not learnt", decided.batch_id)
        elif decided.open_deviations:
            open_ = ", ".join(decided.open_deviations)
            LOG.warning("batch %s is not learnt: process deviation still open: %s", decided.batch_id, open_)
        elif path.exists():
            path.rename(file_of(_made(self._released), decided.batch_id))
            self._learn(decided)
        elif decided.batch_id not in self._known():
            LOG.warning("batch %s was released but not gathered: not learnt", decided.batch_id)

    def _learn(self, decided: Decided) -> None:
        """Learn every released batch that no version holds yet."""
        base, known = self._newest(), self._known()
        fresh = [batch for batch in map(load, sorted(self._released.iterdir())) if batch.batch_id not in known]
        if base is None and len(fresh) < LEAST_BATCHES:
            LOG.info("%d of the %d released batches a first reference needs", len(fresh), LEAST_BATCHES)
            return
        reference = fit_reference(self._twin, fresh) if base is None else base[1]
        for batch in fresh if base is not None else ():
            reference = learn_batch(self._twin, reference, batch)
        if fresh:
            source = f"released live: {', '.join(batch.batch_id for batch in fresh)}"
            stored = self._store.add(reference, by=LEARNER, at=to_time(decided.at_us), source=source)
            self.learnt += len(fresh)
            LOG.info(
                "candidate %s learnt from %d batches; approve it when it is to watch", stored.id, len(stored.batches)
            )
        for path in self._released.iterdir():
            path.unlink()

    def _newest(self) -> tuple[StoredVersion, Reference] | None:
        """The newest version that is not retired: what a candidate is learnt on top of."""
        usable = [stored for stored in self._store.list(self._twin.name) if stored.state != "retired"]
        if not usable:
            return None
        newest = max(usable, key=lambda stored: stored.version)
        return self._store.load(newest.name, newest.version, states=("candidate", "approved"))

    def _known(self) -> frozenset[str]:
        newest = self._newest()
        return frozenset() if newest is None else frozenset(newest[1].batches)


def save(folder: Path, batch: RecordedBatch) -> None:
    """Write one batch's file, whole or not at all."""
    path = file_of(_made(folder), batch.batch_id)
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        np.savez(
            file,
            batch_id=np.array(batch.batch_id),
            age_s=batch.age_s,
            values=batch.values,
            phases=np.array([name for name, _ in batch.phases], dtype=str),
            phase_ages_s=np.array([age for _, age in batch.phases], dtype=float),
        )
    os.replace(draft, path)


def load(path: Path) -> RecordedBatch:
    """Read one batch's file."""
    with np.load(path, allow_pickle=False) as parts:
        phases = zip(parts["phases"].tolist(), parts["phase_ages_s"].tolist(), strict=True)
        return RecordedBatch(str(parts["batch_id"]), parts["age_s"], parts["values"], tuple(phases))


def file_of(folder: Path, batch_id: str) -> Path:
    """Where a batch's file lies; any id makes a safe name."""
    return folder / f"{quote(batch_id, safe='')}.npz"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
