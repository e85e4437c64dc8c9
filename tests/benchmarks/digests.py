"""Digests of all that PATrol emits over the demo's plant, the penicillin benchmark and the rig: equal before and after
a change that is to change nothing.

    python -m tests.benchmarks.digests          (``make digests``)

Deviations (every revision), scores, dead letters and remarks, in order, as JSON lines; and the unit's state at each
batch's end. Needs ../shared for all but the demo. Compare on one machine: linear algebra differs between processors.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from connectors.files.runs import RecordedRun, to_recorded_batch
from models.adaptive.monitor import AdaptiveMonitor
from models.batch.fleet import Fleet
from models.batch.monitor import BatchMonitor
from models.records.twin import Twin
from models.reference.reference import fit_reference
from models.unit.unit import Monitors
from models.unit.watch import Watch
from ops import config
from ops.config import Configuration
from ops.demo.campaign import Campaign, campaign_batches, parse_faults, released, units
from ops.recorded import feeds, one_after_another, read

TWINS = Path("ops/twins")
DATA = Path("../shared/data")
_EPOCH_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


def digest(name: str, configuration: Configuration, runs: Iterable[RecordedRun], monitors: Monitors) -> None:
    """Print how many records of each kind are emitted over the runs, and the SHA-256 of them and of the states."""
    records, states, counts = hashlib.sha256(), hashlib.sha256(), Counter[str]()
    watches: dict[str, Watch] = {}
    for run in one_after_another(runs, configuration.twin):
        watch = watches.setdefault(run.unit, Watch(run.unit, configuration.twin, monitors, configuration.sha256))
        for feed in feeds(run, configuration.twin):
            for record in watch.step(feed):
                records.update(msgspec.json.encode(record) + b"\n")
                counts[type(record).__name__] += 1
        states.update(watch.snapshot())
    print(f"{name}: {dict(sorted(counts.items()))}\n  records {records.hexdigest()}\n  states  {states.hexdigest()}")


def against(twin: Twin, runs: Iterable[RecordedRun]) -> Monitors:
    """Monitors that judge against a reference learnt from these runs."""
    fleet = Fleet(twin, fit_reference(twin, [to_recorded_batch(run) for run in runs]), f"{twin.name}@1")
    return lambda _: BatchMonitor(fleet)


def demo() -> None:
    """The demo's plant: two units, six batches, six faults."""
    configuration = config.load(TWINS / "demo.toml")
    reference = fit_reference(configuration.twin, [one.recorded for one in released(1)])
    fleet = Fleet(configuration.twin, reference, "demo@1")
    campaign = Campaign(units(2), 3, parse_faults("6", 1), 1)
    digest(
        "demo", configuration, [one.run for one in campaign_batches(campaign, _EPOCH_US)], lambda _: BatchMonitor(fleet)
    )


def penicillin() -> None:
    """The penicillin benchmark: learnt from its released batches, over the others."""
    configuration = config.load(TWINS / "penicillin.toml")
    train, dev = ([DATA / "indpensim" / part / "scans.csv.gz"] for part in ("train", "dev"))
    monitors = against(configuration.twin, read(train, configuration))
    digest("penicillin", configuration, read(dev, configuration), monitors)


def rig() -> None:
    """The valve rig: a cold start a recording."""
    configuration = config.load(TWINS / "valve-rig.toml")
    files = sorted((DATA / "skab" / "valve1").glob("*.csv"))
    digest("rig", configuration, read(files, configuration), lambda _: AdaptiveMonitor(configuration.twin))


def main() -> int:
    """All three, or the demo alone where ../shared is not there."""
    demo()
    if not DATA.exists():
        print("../shared/data is not there: only the demo", file=sys.stderr)
        return 0
    penicillin()
    rig()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
