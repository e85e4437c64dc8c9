"""What is said live is what a replay says, bit for bit: statistic, contributors, times, words."""

import json
import signal

from ops.__main__ import main
from tests.broker.conftest import LIMIT_S, messages, site
from tests.broker.test_valve_rig import edges, patrol
from tests.ops.conftest import TWIN, batch, write


def test_a_batch_watched_live_gets_the_verdicts_of_its_replay(broker, tmp_path):
    kafka = site(broker)
    twin = tmp_path / "culture.toml"
    twin.write_text(TWIN.partition("[kafka]")[0] + edges(kafka, tmp_path))
    learnt = write(tmp_path / "released.csv", [batch(f"R{k}", k, 150 + k) for k in range(8)])
    campaign_batches = write(
        tmp_path / "shown.csv", [batch("A", 21, 150), batch("B", 22, 150, 20.0), batch("C", 23, 150, 12.0)]
    )
    assert main(["reference", "fit", str(twin), "--scans", str(learnt), "--approve", "ada"]) == 0
    assert (
        main(["replay", str(twin), "--scans", str(campaign_batches), "--revisions", str(tmp_path / "replayed.jsonl")])
        == 0
    )
    replayed = lines((tmp_path / "replayed.jsonl").read_text().splitlines())
    with patrol("run", str(twin)) as run:
        with patrol("play", str(twin), str(campaign_batches), "--keep-times", "--speed", "max") as play:
            assert play.wait(60) == 0
        live = lines(m.value() for m in messages(kafka, kafka.topics.deviations, len(replayed)))
        run.send_signal(signal.SIGTERM)
        assert run.wait(LIMIT_S) == 0
    assert replayed, "a fault is found"
    assert live == replayed


def lines(raw) -> dict[tuple[str, int], dict]:
    """Revisions by what they are; without where their scans lay, which differs between a file and a topic."""
    found = {}
    for line in raw:
        revision = json.loads(line)
        revision.pop("evidence", None)
        found[revision["deviation_id"], revision["revision"]] = revision
    return found
