"""Where the learning flow ends: whole batches kept until quality decides, and the released ones learnt.

A batch waits as a file beside the references (STORE/NAME/waiting/BATCH.npz), and moves to STORE/NAME/released when it
is released; it goes when a version holds it. Doing an epoch again after a crash changes nothing: a file is written anew
as it was, and a batch that a version already holds is not learnt twice.
"""

import logging
from pathlib import Path

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.store.batch_files import file_of, move, save
from connectors.store.fitting import REJECTED, RELEASED, WAITING, newest
from connectors.store.fitting_process import FittingProcess
from connectors.store.reference_files import as_reference_error
from connectors.store.references import ReferenceStore
from models.gathering.gather import Decided, Ended, Gathered
from models.records.twin import Twin

LOG = logging.getLogger("patrol")


class CandidateSink(FixedPartitionedSink[Gathered, int]):
    """Learns released batches of one twin into its reference store.

    Parameters
    ----------
    twin
        Whose batches they are.
    folder
        The reference store.
    fitting
        Told when there is something to learn.
    """

    def __init__(self, twin: Twin, folder: Path, fitting: FittingProcess) -> None:
        self._twin, self._folder, self._fitting = twin, folder, fitting

    def list_parts(self) -> list[str]:
        """The one learner; its name is part of the recovery store."""
        return [self._twin.name]

    def part_fn(self, item_key: str) -> int:
        """All units' batches go to the one learner."""
        return 0

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "Candidates":
        """The learner; what it knows is in the store."""
        return Candidates(self._twin, self._folder, self._fitting)


class Candidates(StatefulSinkPartition[Gathered, int]):
    """Keeps waiting batches, and has the released ones fitted."""

    def __init__(self, twin: Twin, folder: Path, fitting: FittingProcess) -> None:
        self._twin, self._store, self._fitting = twin, ReferenceStore(folder), fitting
        self._home = folder / twin.name

    def write_batch(self, items: list[Gathered]) -> None:
        """Keep whole batches; act on decisions."""
        with as_reference_error(self._home):
            changed = [self._take(item) for item in items]
        if any(changed):
            self._fitting.request()

    def snapshot(self) -> int:
        """Nothing: what matters is in the store."""
        return 0

    # -- inside --------------------------------------------------------------------------------------------------

    def _take(self, item: Gathered) -> bool:
        """Whether there is something to be learnt now."""
        if isinstance(item, Ended):
            save(self._home / WAITING, item.batch, self._twin.tag_names)
            return False
        if isinstance(item, Decided):
            return self._release(item) if item.released else self._reject(item)
        LOG.warning("batch %s is released and waits to be learnt: %s", item.batch_id, item.why)
        return False

    def _release(self, decided: Decided) -> bool:
        path = file_of(self._home / WAITING, decided.batch_id)
        target = file_of(self._home / RELEASED, decided.batch_id)
        file_of(self._home / REJECTED, decided.batch_id).unlink(missing_ok=True)
        if path.exists():
            move(path, target)
            return True
        if not target.exists() and not self._known(decided.batch_id):  # in this order: a file goes after it is learnt
            why = decided.missing or "its scans were not read"
            LOG.warning("batch %s was released but not gathered: not learnt (%s)", decided.batch_id, why)
        return False

    def _reject(self, decided: Decided) -> bool:
        """Throw the batch away; where it may have been learnt, a candidate without it is to follow."""
        target, rejected = (file_of(self._home / folder, decided.batch_id) for folder in (RELEASED, REJECTED))
        file_of(self._home / WAITING, decided.batch_id).unlink(missing_ok=True)
        learnt = target.exists() or self._known(decided.batch_id)
        if learnt:
            rejected.parent.mkdir(parents=True, exist_ok=True)
            rejected.touch()
            target.unlink(missing_ok=True)
            LOG.warning(
                "batch %s was rejected after it was released: the next candidate is without it", decided.batch_id
            )
        else:
            LOG.info("batch %s was rejected: not learnt", decided.batch_id)
        return learnt

    def _known(self, batch_id: str) -> bool:
        stored = newest(self._store, self._twin.name)
        return stored is not None and batch_id in stored.batches
