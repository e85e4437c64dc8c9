"""A few minutes of ``make bench-chaos``: whatever ends the flow or the broker, nothing is lost, twice or changed."""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.broker.conftest import environment
from tests.chaos.outputs import Difference
from tests.chaos.trial import Trial, VoidError

KILLS = 15
TRIALS = 3


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(900)
def test_what_is_written_does_not_depend_on_kills_restarts_and_second_writers(tmp_path: Path) -> None:
    bootstrap = environment("PATROL_KAFKA", "host:port of an Apache Kafka: `PATROL_KAFKA=$(.ci/kafka start DIR)`")
    kafka_folder = environment("PATROL_KAFKA_DIR", "the DIR that .ci/kafka was started with, to kill it")
    differences = _differences(bootstrap, kafka_folder, tmp_path)
    assert [str(difference) for difference in differences if not difference.none] == []
    assert all(difference.records > 50 for difference in differences), "there was something to lose"


def _differences(bootstrap: str, kafka_folder: str, folder: Path) -> list[Difference]:
    """Of the first trial whose two runs were given the same: messages of the plant may be lost with a killed broker."""
    for seed in range(20261201, 20261201 + TRIALS):
        trial = Trial(bootstrap, kafka_folder, folder, seed=seed)
        with suppress(VoidError):
            differences = trial.go(KILLS)
            print(trial.done, *differences, sep="\n")
            return differences
    pytest.fail(f"{TRIALS} trials, and in each of them the two runs were not given the same")
