"""Scans are kept by batch as the watch sees them, within a budget, and judged again to the same numbers."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.records.block import Feed
from models.records.messages import Contributor, Score
from models.records.times import to_us
from models.unit.watch import Watch
from ops.__main__ import main
from ops.config import load
from ops.console.judging import Judging
from ops.console.records import Records
from ops.console.views import BatchViews
from ops.monitors import Choice, choose_monitors
from ops.recorded import feeds, read
from tests.conftest import event, feed, minute, scans, small_twin


def shapes(records: Records) -> list[tuple[str | None, int, bool]]:
    return [(batch.batch_id, len(batch.scans()[0]), batch.ended_us is None) for batch in records.all()]


def test_scans_belong_to_the_batch_running_at_their_time() -> None:
    records = Records(small_twin(), 10)
    records.add(feed(event("started", 0), event("ended", 10), event("started", 20, "B2"), scans(range(30))))
    assert shapes(records) == [("B1", 10, False), ("B2", 10, True)]


def test_a_start_that_comes_late_finds_its_scans() -> None:
    records = Records(small_twin(), 10)
    records.add(feed(scans(range(10))))
    records.add(feed(event("started", 5), scans(range(10, 12))))
    assert shapes(records) == [("B1", 7, True)]


def test_a_batch_whose_start_was_before_the_reading_is_known_by_its_score_and_not_whole() -> None:
    records = Records(small_twin(), 10)
    records.score(Score(unit="BR-101", at=minute(60), twin="small", batch_id="B7", age_s=3000, grade="approved", t2=1))
    records.add(feed(scans(range(60, 65))))
    batch = records.find("BR-101", "B7")
    assert batch is not None
    assert (batch.started_us, batch.whole, len(batch.scans()[0])) == (to_us(minute(10)), False, 5)


def test_the_oldest_ended_batches_go_first_when_memory_is_full() -> None:
    records = Records(small_twin(), 800 / 1e6)  # 100 readings: 50 scans of two tags
    records.add(feed(event("started", 0), event("ended", 30), event("started", 30, "B2"), scans(range(70))))
    records.tidy()
    assert shapes(records) == [("B2", 40, True)]


@pytest.fixture
def fitted(culture: Path) -> Path:
    """The culture with its approved reference."""
    twin, train = str(culture / "twin.toml"), str(culture / "train.csv")
    assert main(["reference", "fit", twin, "--scans", train, "--approve", "QA"]) == 0
    return culture


def test_a_batch_judged_again_gives_the_numbers_the_flow_gave(fitted: Path) -> None:
    configuration = load(fitted / "twin.toml")
    run = next(run for run in read([fitted / "dev.csv"], configuration) if run.batch_id == "F1")
    watch = Watch(run.unit, configuration.twin, choose_monitors(configuration).monitors)
    content = [record for each in feeds(run, configuration.twin) for record in watch.step(each)]
    scores = [score for score in content if isinstance(score, Score) and score.t2 is not None]
    assert len(scores) > 10
    records, judging = Records(configuration.twin, 10), Judging(configuration, Choice())
    for whole in feeds(run, configuration.twin):  # cut otherwise than the watch had it
        records.add(Feed(run.unit, whole.context))
        for block in whole.blocks:
            for start in range(0, len(block), 7):
                records.add(Feed(run.unit, (), (block.take(slice(start, start + 7)),)))
                judging.judged(next(iter(records.all())))
    views = BatchViews(records, judging)
    for score in scores:
        told = views.contributions(run.unit, "F1", score.age_s / 3600)
        assert told is not None
        assert (told["from"], told["at"]) == ("scan", score.at)
        assert (told["t2"], told["spe"], told["spe_limit"]) == (score.t2, score.spe, score.spe_limit)
        assert [each["tag"] for each in told["contributors"]] == [each.tag for each in score.worst]


def test_a_reference_approved_while_the_console_runs_is_taken_up_when_a_running_batch_is_judged_by_it(
    fitted: Path,
) -> None:
    configuration = load(fitted / "twin.toml")
    judging = Judging(configuration, Choice())
    first = judging.reference_id
    twin, train = str(fitted / "twin.toml"), str(fitted / "train.csv")
    assert main(["reference", "fit", twin, "--scans", train, "--approve", "QA"]) == 0
    second = choose_monitors(configuration).stored
    assert second is not None
    assert first != second.id
    records = Records(configuration.twin, 10)
    records.add(feed(event("started", 0), msgspec.structs.replace(scans(range(20)), values=np.ones((20, 3)))))
    batch = records.find("BR-101", "B1")
    assert batch is not None
    for named, taken in (("culture@99", first), (second.id, second.id)):  # one that nobody stored is not taken up
        content = Score(unit="BR-101", at=minute(19), twin="culture", batch_id="B1", grade="approved", reference=named)
        records.score(content)
        assert judging.judged(batch) is not None
        assert judging.reference_id == taken


def test_the_envelope_holds_released_batches_and_not_the_faulty_one(fitted: Path) -> None:
    configuration = load(fitted / "twin.toml")
    judging = Judging(configuration, Choice())
    told = BatchViews(Records(configuration.twin, 10), judging).envelope()
    low, high = (np.array(told["tags"]["oxygen"][side], dtype=float) for side in ("low", "high"))
    batch = judging.released[0]
    points = np.rint(judging.maturity(batch) * 200).astype(int)
    known, oxygen = np.isfinite(low[points]), batch.values[:, 1]
    assert known.mean() > 0.9
    inside = (oxygen >= low[points]) & (oxygen <= high[points])
    assert inside[known].mean() > 0.95
    assert (oxygen[100:] - 25 < low[points[100:]])[known[100:]].all()  # the fault of F1


def test_the_references_own_batches_can_be_looked_at_and_compared_with(fitted: Path) -> None:
    configuration = load(fitted / "twin.toml")
    views = BatchViews(Records(configuration.twin, 10), Judging(configuration, Choice()))
    assert [each["batch"] for each in views.batches()] == [f"G{k}" for k in range(8)]
    told = views.batch("", "G3")
    assert told is not None
    assert len(told["age_h"]) == len(told["maturity"]) == len(told["values"]["ph"]) == 153
    assert views.batch("BR-101", "unknown") is None


def test_a_continuous_process_shows_what_its_scores_carry(twin_file: str, tmp_path: Path) -> None:
    text = Path(twin_file).read_text().replace('product = "mab-1"', 'product = "mab-1"\nmode = "continuous"')
    (tmp_path / "steady.toml").write_text(text)
    configuration = load(tmp_path / "steady.toml")
    records, judging = Records(configuration.twin, 10), Judging(configuration, Choice())
    block = scans(range(0, 60, 6))
    records.add(feed(msgspec.structs.replace(block, values=np.ones((10, 3)))))
    worst = (Contributor(tag="ph", share=1.0, observed=7.5, expected=7.0),)
    for m, t2 in ((0, 1.0), (30, 9.0)):
        records.score(
            Score(unit="BR-101", at=minute(m), twin="culture", grade="advisory", t2=t2, t2_limit=5.0, worst=worst)
        )
    views = BatchViews(records, judging)
    told = views.batch("BR-101", None)
    assert told is not None
    assert (told["from"], told["plane"]["t2"], told["plane_age_h"]) == ("scores", [1.0, 9.0], [0.0, 0.5])
    assert len(told["values"]["ph"]) == 10
    found = views.contributions("BR-101", None, 0.45)
    assert found is not None
    assert (found["from"], found["t2"], found["contributors"][0]["tag"]) == ("score", 9.0, "ph")
    assert views.envelope() == {}


def test_without_a_name_the_units_newest_batch_is_meant() -> None:
    records = Records(small_twin(), 10)
    records.add(feed(event("started", 0), event("ended", 10), event("started", 20, "B2"), scans(range(30))))
    newest = records.find("BR-101", None)
    assert newest is not None
    assert newest.batch_id == "B2"
    assert records.find("BR-999", None) is None
