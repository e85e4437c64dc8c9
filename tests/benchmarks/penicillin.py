"""The penicillin section: every row of what detection must reach, and false alarms leave-one-batch-out on train."""

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from connectors.files.runs import RecordedRun
from models.records.messages import Deviation
from ops.config import Configuration
from tests.benchmarks.figures import Figure
from tests.benchmarks.scoring import Score, reraised_share, score, share_interval
from tests.benchmarks.watching import Watched, fit, left_out, recording, watch, with_gaps, without

_READ_BY_A_CONTROLLER = {"F7": "temperature", "F8": "ph"}  # the benchmark's faults of a sensor in a loop
_SEED = 4
FALSE, DETECTED = "false_alarms_per_good_batch", "detected"


@dataclass(frozen=True, slots=True)
class Penicillin:
    """The recordings, read once."""

    shared: Path
    configuration: Configuration
    train: list[RecordedRun]
    dev: list[RecordedRun]

    @property
    def folder(self) -> Path:
        """Where the dev set's faults are told."""
        return self.shared / "data" / "indpensim" / "dev"

    def score(self, watched: Watched) -> Score:
        """The shared scorer's figures."""
        return score(self.shared, self.folder, watched.final)


def load(shared: Path) -> Penicillin:
    """Train and dev."""
    data = shared / "data" / "indpensim"
    configuration, train = recording("penicillin", data / "train" / "scans.csv.gz")
    _, dev = recording("penicillin", data / "dev" / "scans.csv.gz")
    return Penicillin(shared, configuration, train, dev)


def figures(on: Penicillin, quick: bool, bar: Progress) -> tuple[list[Figure], dict[str, Any]]:
    """The issue's rows, and everything measured for the history."""
    steps = bar.add_task("penicillin", total=5)
    reference = fit(on.configuration, on.train)
    watched = watch(on.configuration, reference, on.dev, bar)
    whole = on.score(watched)
    chatter = reraised_share(watched.revisions)
    bar.advance(steps)
    tens = [_tens(on, first, bar) for first in ((0,) if quick else (0, 10, 20))]
    bar.advance(steps)
    rng_dev, rng_both = with_gaps(0.02, _SEED), with_gaps(0.02, _SEED)
    gaps = on.score(watch(on.configuration, reference, [rng_dev(run) for run in on.dev], bar))
    gapped = fit(on.configuration, [with_gaps(0.02, _SEED + 1)(run) for run in on.train])
    gaps_both = on.score(watch(on.configuration, gapped, [rng_both(run) for run in on.dev], bar))
    bar.advance(steps)
    absent = _absent(on, quick, bar)
    bar.advance(steps)
    alone = _leave_one_out(on, quick, bar)
    bar.advance(steps)
    rows = [*_whole(whole, chatter), *_few(tens), *_missing("dev", gaps), *_missing("train and dev", gaps_both)]
    rows += [*_absent_rows(absent), alone]
    found = {"dev": whole, "reraised": chatter, "tens": tens, "gaps_dev": gaps, "gaps_both": gaps_both}
    return rows, {**found, "absent": absent}


def _tens(on: Penicillin, first: int, bar: Progress) -> Score:
    few = fit(on.configuration, on.train[first : first + 10])
    return {"from": first + 1, **on.score(watch(on.configuration, few, on.dev, bar))}


def _absent(on: Penicillin, quick: bool, bar: Progress) -> list[dict[str, Any]]:
    """Each measured tag absent in turn: in the running batches only, and where the reference was learnt too."""
    tags = on.configuration.twin.tags
    measured = [name for name, tag in tags.items() if tag.role == "measured"][: 2 if quick else None]
    reference = fit(on.configuration, on.train)
    rows = []
    task = bar.add_task("  tag absent", total=len(measured))
    for name in measured:
        gone = without(on.configuration.twin.tag_names.index(name))
        dev = [gone(run) for run in on.dev]
        running = watch(on.configuration, reference, dev).final
        both = watch(on.configuration, fit(on.configuration, [gone(run) for run in on.train]), dev).final
        others = tuple(one for one in running if one.cause != f"sensor:{name}")
        for how, final in (("running", running), ("running, but for its own alarm", others), ("both", both)):
            rows.append({"tag": name, "how": how, **_of_others(on, name, final)})
        bar.advance(task)
    bar.remove_task(task)
    return rows


def _of_others(on: Penicillin, name: str, final: tuple[Deviation, ...]) -> Score:
    """Scored without the batches that have a fault of this tag's sensor."""
    with (on.folder / "faults.csv").open() as file:
        faults = list(csv.DictReader(file))
    own = {row["batch"] for row in faults if row["kind"].split(":")[-1] == name}
    own |= {row["batch"] for row in faults if _READ_BY_A_CONTROLLER.get(row["kind"]) == name}
    with tempfile.TemporaryDirectory() as folder:
        for file in ("batches.csv", "faults.csv"):
            lines = (on.folder / file).read_text().splitlines(keepends=True)
            (Path(folder) / file).write_text("".join(line for line in lines if line.split(",")[0] not in own))
        return score(on.shared, Path(folder), [one for one in final if one.batch_id not in own])


def _leave_one_out(on: Penicillin, quick: bool, bar: Progress) -> Figure:
    """False alarms of each train batch, judged by the others."""
    chosen = range(0, len(on.train), 10 if quick else 1)
    task = bar.add_task("  leave one out", total=len(chosen))
    counts = []
    for own in chosen:
        counts.append(len(left_out(on.configuration, on.train, own).final))
        bar.advance(task)
    bar.remove_task(task)
    low, high = share_interval(int(np.count_nonzero(counts)), len(counts))
    note = f"{np.count_nonzero(counts)} of {len(counts)} batches, 95 % interval of that share {low:.3f}-{high:.3f}"
    return Figure("false alarms a batch, leave one out on train", sum(counts) / len(counts), 0.05, 0.12, note=note)


def _whole(found: Score, chatter: float) -> list[Figure]:
    share = {"high_is_good": True}
    early = f"{found['false_alarms_before_first_fault_per_faulty_batch']:g} before the first fault of faulty ones"
    return [
        Figure("false alarms a good batch", found[FALSE], 0.05, 0.12, note=early),
        Figure("faults detected", found[DETECTED], 0.97, 0.93, note=_missed(found), **share),
        Figure("median delay, h", found["delay_h_median"], 0.15, 0.3),
        Figure("three quarters of delays below, h", found["delay_h_p75"], 2.0, 4.0),
        Figure("process or sensor, right", found["category_correct"], 0.98, 0.95, **share),
        Figure("right tag first", found["cause_top1"], 0.97, 0.92, **share),
        Figure("right tag among first three", found["cause_top3"], 0.98, 0.95, **share),
        Figure("deviations a fault", found["deviations_per_fault"], 1.2, 1.5),
        Figure("raised again within 30 min of clearing", chatter, 0.1, 0.1),
    ]


def _missed(found: Score) -> str:
    short = ", ".join(f"{kind} {part:.2g}" for kind, part in found["detected_by_kind"].items() if part < 1)
    return f"not all: {short}" if short else ""


def _few(tens: list[Score]) -> list[Figure]:
    each = {DETECTED: ", ".join(f"{one[DETECTED]:.2f}" for one in tens)}
    each[FALSE] = ", ".join(f"{one[FALSE]:.2f}" for one in tens)
    false, detected = max(one[FALSE] for one in tens), min(one[DETECTED] for one in tens)
    return [
        Figure("ten batches, worst: false alarms", false, 0.1, 0.15, note=f"each ten: {each[FALSE]}"),
        Figure("ten batches, worst: detected", detected, 0.9, 0.8, high_is_good=True, note=f"each: {each[DETECTED]}"),
    ]


def _missing(where: str, found: Score) -> list[Figure]:
    note = f"detected {found[DETECTED]:.2f}"
    return [Figure(f"2 % of readings missing in {where}: false alarms", found[FALSE], 0.05, 0.2, note=note)]


def _absent_rows(rows: list[dict[str, Any]]) -> list[Figure]:
    shown = []
    for how in dict.fromkeys(row["how"] for row in rows):
        these = [row for row in rows if row["how"] == how]
        worst, blind = max(these, key=lambda row: row[FALSE]), min(these, key=lambda row: row[DETECTED])
        means = [float(np.mean([row[key] for row in these])) for key in (FALSE, DETECTED)]
        name = f"a measured tag absent ({how}), worst"
        note = f"{worst['tag']}; mean of {len(these)} tags {means[0]:.2f}"
        shown.append(Figure(f"{name}: false alarms", worst[FALSE], 0.05, 0.2, note=note))
        note = f"{blind['tag']}; mean {means[1]:.2f}"
        shown.append(Figure(f"{name}: detected", blind[DETECTED], 0.95, 0.85, high_is_good=True, note=note))
    return shown
