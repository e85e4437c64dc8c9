"""``patrol demo`` as one types it: the real broker, the real flow, and what is said at the end."""

import io
import itertools
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from models.records.messages import Contributor, Deviation, Score, Statistic
from models.records.times import to_time
from ops.commands.demo import _stopped_by_signals
from ops.demo.campaign import Campaign, campaign_batches, parse_faults, units
from ops.demo.demo_run import DemoRun
from ops.demo.results import DemoResults, UnitNow
from ops.demo.screen import screen
from ops.demo.viewing import viewer
from ops.plant.faults import Fault

WAIT_S = 60.0


@contextmanager
def demo(*options: str) -> Iterator["subprocess.Popen[str]"]:
    """The command in a session of its own, not on a terminal."""
    words = [sys.executable, "-m", "ops", "demo", *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "140"}
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_until(process: "subprocess.Popen[str]", pattern: str) -> list[str]:
    """What is said up to the first line with the pattern."""
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line)
        if re.search(pattern, line):
            return said
    raise AssertionError(f"ended without a line with {pattern!r}:\n{''.join(said)}")


def once_served(url: str) -> str:
    """What stands there, as soon as something does."""
    limit_s = time.monotonic() + WAIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            assert time.monotonic() < limit_s, f"{url} was not served within {WAIT_S:g} s"
            time.sleep(0.05)


def children(process: "subprocess.Popen[str]") -> list[int]:
    """Processes it has started."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    """Its command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.mark.slow
def test_the_demo_finds_the_injected_faults_serves_metrics_and_ends_by_itself():
    with demo("--duration", "5", "--batches", "1", "--faults", "aeration_loss,stuck:dissolved_oxygen") as process:
        said = lines_until(process, r"MEDIUM|HIGH")
        url = next(match[1] for line in said if (match := re.search(r"metrics (http://\S+/metrics)", line)))
        with urllib.request.urlopen(url, timeout=10) as answer:
            scrape = answer.read().decode()
        rest, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, rest
    assert re.search(r'patrol_scans_total\{unit="BR-101"\} [1-9]', scrape)
    assert "INJECTED process fault" in "".join(said)
    assert "Faults injected: 2, found: 2, cause named rightly: 2." in rest
    assert re.search(r"False alarms: [01] .* in 3 finished batches", rest)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to see processes")
def test_ctrl_c_ends_the_demo_with_a_summary_and_leaves_no_process_behind():
    with demo("--units", "1", "--forever", "--faults", "none") as process:
        said = lines_until(process, "phase GROWTH")
        page = next(match[1] for line in said if (match := re.search(r"console (http://\S+/) \(sign in: demo, ", line)))
        assert "PATrol: sign in" in once_served(page)
        started = children(process)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, rest
    assert "interrupted" in rest
    assert "Faults injected: 0" in rest
    assert len(started) == 3  # broker, flow and console
    assert [command_of(pid) for pid in started] == ["", "", ""]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_a_callback_swallows_ends_the_show_all_the_same(signum: int):
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        stop = _stopped_by_signals()
        results = DemoResults({})
        show = DemoRun(Campaign(units(1), 1, (), 0), viewer(Console(file=io.StringIO())), 1.0, True, results, stop)
        with suppress(KeyboardInterrupt):  # what a library's callback does
            os.kill(os.getpid(), signum)
        with pytest.raises(KeyboardInterrupt):
            show._heed()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to see processes")
@pytest.mark.parametrize(
    ("command", "words"), [("run", "metrics on http://"), ("console", "console: metrics on http://")]
)
def test_a_flow_or_a_console_that_dies_ends_the_demo_with_its_last_words(command: str, words: str):
    with demo("--units", "1", "--faults", "none") as process:
        lines_until(process, "phase GROWTH")
        started = children(process)
        os.kill(next(pid for pid in started if command in command_of(pid).split()), signal.SIGKILL)
        rest, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    said = rest[rest.index(f"`patrol {command}` ended by itself (exit -9); its last words") :]
    assert words in said
    assert [command_of(pid) for pid in started] == ["", "", ""]


def test_the_same_seed_shows_the_same_plant():
    first, again = (campaign_batches(Campaign(units(2), 1, parse_faults("2", 5), 5), 0) for _ in range(2))
    assert [each.faults for each in first] == [each.faults for each in again]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.run.values, other.run.values)


def test_batches_of_one_unit_do_not_overlap_and_at_most_one_fault_falls_on_each():
    campaign = Campaign(units(3), 3, parse_faults("4", 2), 2)
    batches = campaign_batches(campaign, 0)
    for unit in campaign.units:
        own = [each.run for each in batches if each.run.unit == unit]
        assert all(one.observed_us[-1] < other.started_us for one, other in itertools.pairwise(own))
    assert sorted(len(each.faults) for each in batches) == [0, 0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("text", ["sabotage", "drift", "drift:nothing", "feed_stop:ph", "-1"])
def test_a_fault_nobody_can_inject_is_refused_with_a_list_of_those_one_can(text: str):
    with pytest.raises(ValueError, match=r"is no fault.*contamination.*dropout"):
        parse_faults(text, 1)


def _deviation(category: str, cause: str, raised_h: float) -> Deviation:
    return Deviation(
        deviation_id=f"BR-101/B101/{cause}/{raised_h}", revision=1, state="UNACK", category=category,
        grade="approved", priority="high", unit="BR-101", twin="demo", cause=cause, batch_id="B101",
        message=f"BR-101 B101: {cause} off its trajectory since 06:00 UTC ({category}, high)",
        since_at=to_time(int(raised_h * 3.6e9)), raised_at=to_time(int(raised_h * 3.6e9)),
        changed_at=to_time(int(raised_h * 3.6e9)), statistic=Statistic(name="residual", value=2.0, limit=1.0),
        contributors=(Contributor(tag="feed_rate", share=1.0),),
    )  # fmt: skip


def _results(fault: Fault) -> DemoResults:
    results = DemoResults({"BR-101": UnitNow("BR-101", batch_id="B101")})
    campaign = Campaign(("BR-101",), 1, (fault,), 1)
    results.expect(campaign_batches(campaign, 0))
    results.published("BR-101", int(10 * 3.6e9), 1.0)
    return results


def test_what_is_said_before_a_fault_begins_is_a_false_alarm_and_what_is_said_after_finds_it():
    results = _results(Fault("drift", "ph", 0.0))
    start_h = results.injected[0].at_us / 3.6e9
    early, late = _deviation("process", "process", start_h - 1), _deviation("sensor", "sensor:ph", start_h + 1)
    assert results.take(early, 2.0)
    assert results.take(late, 3.0)
    assert results.false_alarms == [early]
    assert results.injected[0].found is late
    assert results.injected[0].delay_h == pytest.approx(1.0)
    assert results.injected[0].delay_wall_s == pytest.approx(2.0)
    assert results.injected[0].called_rightly


def test_a_sensor_fault_called_a_process_deviation_is_found_but_not_called_rightly():
    results = _results(Fault("drift", "ph", 0.0))
    results.take(_deviation("process", "process", 10.0), 2.0)
    assert results.injected[0].found is not None
    assert not results.injected[0].called_rightly


def test_a_process_fault_called_a_sensors_is_found_but_not_called_rightly():
    results = _results(Fault("base_overdose", "base_flow", 0.0))
    results.take(_deviation("sensor", "sensor:ph", 10.0), 2.0)
    assert results.injected[0].found is not None
    assert not results.injected[0].called_rightly


def test_the_table_tells_priorities_apart_by_word_and_shape_not_by_colour_alone():
    from rich.console import Console

    results = _results(Fault("drift", "ph", 0.0))
    results.take(_deviation("process", "process", 10.0), 2.0)
    at = to_time(int(11 * 3.6e9))
    results.take(Score(unit="BR-101", at=at, twin="demo", batch_id="B101", maturity=0.4, t2=3.0, t2_limit=2.0), 2.0)
    console = Console(width=140, color_system=None, record=True, file=io.StringIO())
    console.print(screen(results, "header"))
    text = console.export_text()
    for words in ("▲ HIGH", "UNACK", "1.0 h", "40%", "150% ▲ over", "✱ sensor: ph drifts", "✓ injected: ph drifts"):
        assert words in text
