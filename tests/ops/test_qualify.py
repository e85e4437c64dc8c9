"""The qualification report: what it says is what the study found, and the file stands alone."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ops import config
from ops.__main__ import main
from ops.plant.instruments import TAGS
from ops.plant.simulation import Order, simulate
from ops.qualification import criteria, findings
from ops.qualification.plan import FAULTS, planned
from ops.qualification.provenance import Qualified, qualified, source
from ops.qualification.report import written
from ops.qualification.study import Study, study
from ops.recorded import read

BATCHES, EVERY = 12, 3  # so many scans of the plant become one
DEMO = Path(config.__file__).parent / "twins" / "demo.toml"
AT = "2026-01-31T12:00:00Z"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a twin of five of the plant's tags, released batches at every third scan, and a reference."""
    folder = tmp_path_factory.mktemp("plant")
    tags = ("temperature", "ph", "dissolved_oxygen", "feed_rate", "offgas_co2")
    text = (
        DEMO.read_text()
        .replace("cadence_s = 300", f"cadence_s = {300 * EVERY}")
        .replace("score_interval_s = 600\n", "")
    )
    sections = re.split(r"\n(?=\[)", text)
    kept = [part for part in sections if not part.startswith("[tags.") or part[6 : part.index("]")] in tags]
    edges = ("[kafka", "[references", "[recovery", "[metrics", "[recording")
    kept = [part for part in kept if not part.startswith(edges)]
    store = f'\n[references]\nstore = "{folder}/refs"\n[recording]\ntime = "age_h"\ntime_is = "age_h"\n'
    (folder / "twin.toml").write_text("\n".join(kept) + store)
    rows = [",".join(("batch", "age_h", *tags))]
    columns = [TAGS.index(tag) for tag in tags]
    for batch in (each.recorded for each in simulate([Order(f"<G{k}>", "BR-101", k) for k in range(BATCHES)])):
        for age_s, values in zip(
            batch.age_s[EVERY - 1 :: EVERY], batch.values[EVERY - 1 :: EVERY, columns], strict=True
        ):
            rows.append(f"{batch.batch_id},{age_s / 3600:.4f}," + ",".join(f"{value:.5f}" for value in values))
    (folder / "train.csv").write_text("\n".join(rows) + "\n")
    assert main(["reference", "fit", *asked(folder), "--approve", "A. <Smith>"]) == 0
    return folder


def asked(folder: Path) -> list[str]:
    return [str(folder / "twin.toml"), "--scans", str(folder / "train.csv")]


@pytest.fixture(scope="module")
def found(plant: Path) -> Study:
    configuration = config.load(plant / "twin.toml")
    return study(configuration, list(read([plant / "train.csv"], configuration)), per_cell=2)


@pytest.fixture(scope="module")
def judged(plant: Path) -> Qualified:
    stored = qualified(config.load(plant / "twin.toml"), None, None)
    assert stored is not None
    return stored


@pytest.fixture(scope="module")
def report(plant: Path, found: Study, judged: Qualified) -> str:
    from ops.commands.qualify import _moment

    return written(found, judged, [source(plant / "train.csv")], _moment(AT))[0]


def first_batches(plant: Path, batches: int) -> str:
    """A recording of no more than so many."""
    wanted = ("batch", *(f"<G{k}>" for k in range(batches)))
    lines = [line for line in (plant / "train.csv").read_text().splitlines() if line.startswith(wanted)]
    (plant / "few.csv").write_text("\n".join(lines) + "\n")
    return str(plant / "few.csv")


class Page(HTMLParser):
    """Rows of tables as text, and everything a browser would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.fetched += [f"{tag} {name}={said[name]}" for name in ("src", "srcset", "data", "action") if name in said]
        links = [said[name] for name in ("href", "xlink:href") if name in said]
        self.fetched += [f"{tag} {link}" for link in links if not str(link).startswith("#")]
        self.fetched += [tag] if tag in ("script", "link", "iframe", "object", "embed") else []
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("tr", "table"):
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    def row(self, first: str, columns: int) -> list[str]:
        """The row of so many columns that begins so."""
        return next(
            [" ".join(cell.split()) for cell in row]
            for row in self.rows
            if len(row) == columns and row[0].strip() == first
        )


def test_the_file_needs_nothing_from_elsewhere(report: str) -> None:
    assert Page(report).fetched == []
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", report)
    assert "<!DOCTYPE svg" not in report
    assert not re.search(r"""(?<!xmlns)(?<!xmlns:xlink)=["']https?:""", report)


def test_the_file_prints_and_has_a_place_for_signatures(report: str) -> None:
    assert "@page { size: A4" in report
    assert all(Page(report).row(who, 5)[1:] == [""] * 4 for who in ("Prepared", "Reviewed", "Approved"))


def test_the_numbers_are_those_of_the_study(report: str, found: Study) -> None:
    page, seen = Page(report), findings.false_alarms(found)
    assert page.row("false alarms", 3)[1].startswith(
        f"{seen.count} in {BATCHES} batches: {seen.count / BATCHES:.3g} a batch"
    )
    assert page.row("batches with one or more", 3)[1].startswith(f"{seen.alarmed} of {BATCHES}")
    for name, cells in zip(found.configuration.twin.tag_names, findings.power(found), strict=True):
        said = page.row(name.replace("_", " "), 1 + len(FAULTS))
        assert said[1:] == [f"{cell.found} / {cell.tried}" for cell in cells]
        assert all(cell.tried == 2 for cell in cells)
    assert report.count("<svg ") == 6


def test_every_false_alarm_is_listed_as_the_operator_would_have_read_it(report: str, found: Study) -> None:
    from markupsafe import escape

    said = [deviation.message for trial in found.trials for deviation in trial.deviations]
    assert all(str(escape(message)) in report for message in said)


def test_the_reference_its_checksum_and_its_approval_are_said(report: str, judged: Qualified) -> None:
    page = Page(report)
    assert page.row("SHA-256", 2)[1] == judged.stored.sha256
    assert page.row("approved", 4)[1] == "A. <Smith>"
    assert "A. <Smith>" not in report  # escaped
    assert "exactly these batches" in report


def test_large_faults_are_found_more_often_than_small_ones(found: Study) -> None:
    steps = [cell.power for fault, cell in zip(FAULTS, findings.by_fault(found), strict=True) if fault.kind == "step"]
    assert steps[-1] > steps[0]
    assert steps[-1] >= 0.3  # a handful of batches make wide limits


def test_faults_are_spread_evenly_over_batches_and_lie_within_them() -> None:
    plans = [planned(batch, 40, 200, np.ones(3), 20) for batch in range(40)]
    cells = [(plan.injection.column, plan.fault) for plans_ in plans for plan in plans_]
    assert {cells.count(cell) for cell in set(cells)} == {20}
    assert len(set(cells)) == 3 * len(FAULTS)
    assert all(0 <= plan.injection.first < plan.injection.last <= 200 for plans_ in plans for plan in plans_)


@pytest.mark.slow
def test_the_same_inputs_give_the_same_file_over_one_process_or_two(plant: Path) -> None:
    asked_ = [str(plant / "twin.toml"), "--scans", first_batches(plant, 6)]
    for processes in (1, 2):
        out = ["--out", str(plant / f"{processes}.html"), "--processes", str(processes)]
        assert main(["qualify", *asked_, *out, "--quick", "--at", AT]) == 0
    assert (plant / "1.html").read_bytes() == (plant / "2.html").read_bytes()


@pytest.mark.parametrize(
    ("alarms", "outcome"), [(0, "not contradicted"), (20, "not met")], ids=["none in few batches", "many"]
)
def test_a_budget_is_judged_by_its_interval(
    alarms: int, outcome: str, found: Study, judged: Qualified, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.limits.intervals import rate_interval

    seen = findings.FalseAlarms(8, alarms, min(alarms, 8), rate_interval(alarms, 8), (0.0, 1.0))
    monkeypatch.setattr(findings, "false_alarms", lambda of: seen)
    assert criteria.criteria(found, judged)[1].outcome == outcome


def test_too_few_batches_are_refused(plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = first_batches(plant, 5)
    assert main(["qualify", asked(plant)[0], "--scans", few, "--out", str(tmp_path / "r.html")]) == 3
    assert "give 6 released batches or more" in capsys.readouterr().err


def test_a_recording_without_batches_is_refused(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "twin.toml"
    (text, _), at = (plant / "twin.toml").read_text().split("[recording]"), "2026-01-05T"
    twin.write_text(text + '[recording]\nbatch = ""\ntime = "at"\ntime_is = "utc"\n')
    lines = ["at,temperature,ph,dissolved_oxygen,feed_rate,offgas_co2"]
    lines += [f"{at}{hour:02}:00:00Z,37,7,40,1,2" for hour in range(24)]
    (tmp_path / "one.csv").write_text("\n".join(lines) + "\n")
    words = ["qualify", str(twin), "--scans", str(tmp_path / "one.csv"), "--out", str(tmp_path / "r.html")]
    assert main(words) == 5
    assert "set recording.batch" in capsys.readouterr().err


def test_a_continuous_twin_is_told_what_to_do_instead(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "twin.toml"
    twin.write_text((plant / "twin.toml").read_text().replace("cadence_s =", 'mode = "continuous"\ncadence_s ='))
    assert main(["qualify", str(twin), "--scans", "x.csv", "--out", str(tmp_path / "r.html")]) == 2
    assert "patrol replay" in capsys.readouterr().err


def test_what_cannot_be_written_or_dated_is_said_before_the_work(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["qualify", *asked(plant), "--out", str(tmp_path / "no" / "r.html")]) == 5
    assert "cannot be written" in capsys.readouterr().err
    assert main(["qualify", *asked(plant), "--out", str(tmp_path / "r.html"), "--at", "soon"]) == 2
    assert "not a time" in capsys.readouterr().err
