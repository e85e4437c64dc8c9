"""A few minutes of ``make bench-chaos``: whatever ends the flow or the broker, nothing is lost, twice or changed."""

from pathlib import Path

import pytest

from tests.broker.conftest import environment
from tests.chaos.trial import Trial

KILLS = 15


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(900)
def test_what_is_written_does_not_depend_on_kills_restarts_and_second_writers(tmp_path: Path) -> None:
    bootstrap = environment("PATROL_KAFKA", "host:port of an Apache Kafka: `PATROL_KAFKA=$(.ci/kafka start DIR)`")
    kafka_folder = environment("PATROL_KAFKA_DIR", "the DIR that .ci/kafka was started with, to kill it")
    trial = Trial(bootstrap, kafka_folder, tmp_path, seed=20261201)
    differences = trial.go(KILLS)
    print(trial.done, *differences, sep="\n")
    assert [str(difference) for difference in differences if not difference.none] == []
    assert all(difference.records > 50 for difference in differences), "there was something to lose"
