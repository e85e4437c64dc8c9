"""``make bench-chaos``: kill the flow and its broker as often as asked, and compare what was written, byte for byte."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from ops.terminal import finish, progress
from tests.chaos.trial import Trial


def main() -> int:
    """Run the trial with the Apache Kafka of PATROL_KAFKA and PATROL_KAFKA_DIR; 0: nothing lost, twice or changed."""
    words = argparse.ArgumentParser(prog="make bench-chaos", description=__doc__)
    words.add_argument("--kills", type=int, default=1000, help="of flow and broker, together (default 1000)")
    words.add_argument("--seed", type=int, default=1, help="the same seed, the same plant and the same misfortunes")
    asked = words.parse_args()
    if "PATROL_KAFKA" not in os.environ or "PATROL_KAFKA_DIR" not in os.environ:
        print("set PATROL_KAFKA_DIR to a folder, and PATROL_KAFKA to what `.ci/kafka start FOLDER` prints")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    trial = Trial(os.environ["PATROL_KAFKA"], os.environ["PATROL_KAFKA_DIR"], folder, asked.seed)
    began_s = time.monotonic()
    with progress("kills") as bar:
        task = bar.add_task("kills", total=asked.kills)
        differences = trial.go(asked.kills, lambda kills: bar.update(task, completed=kills))
        finish(bar, task)
    print(f"{trial.kills} kills in {(time.monotonic() - began_s) / 60:.0f} min; logs in {folder}")
    print(", ".join(f"{what}: {count}" for what, count in sorted(trial.done.items())))
    print(*differences, sep="\n")
    return 0 if all(difference.none for difference in differences) else 1


if __name__ == "__main__":
    sys.exit(main())
