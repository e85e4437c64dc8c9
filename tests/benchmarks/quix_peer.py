"""The Quix Streams contender, alone in an environment of its own (it pins an older confluent-kafka): BOOTSTRAP TOPIC N.

Reads, decodes and judges scan by scan with River, as one would write it; prints what ``contender.Took`` holds.
"""

import json
import sys
import time
from collections import defaultdict
from typing import Any

from quixstreams import Application
from river import anomaly, preprocessing

_ALARM = 0.95  # half-space trees' score


def main(bootstrap: str, topic: str, scans: str) -> None:
    """Read so many scans of a topic and print what it took, from the second scan on."""
    models: defaultdict[str, Any] = defaultdict(lambda: preprocessing.StandardScaler() | anomaly.HalfSpaceTrees(seed=1))
    application = Application(
        broker_address=bootstrap, consumer_group=f"quix-{time.time_ns()}", auto_offset_reset="earliest",
        use_changelog_topics=False, loglevel="ERROR",
    )  # fmt: skip
    began: list[tuple[float, float]] = []
    end: list[tuple[float, float]] = []
    judged = 0

    def judge(scan: dict[str, Any]) -> dict[str, Any]:
        nonlocal judged
        judged += 1
        if not began:
            began.append((time.perf_counter(), time.process_time()))
        model = models[scan["unit"]]
        scan["over"] = model.score_one(scan["values"]) > _ALARM
        model.learn_one(scan["values"])
        end[:] = [(time.perf_counter(), time.process_time())]
        return scan

    frame = application.dataframe(application.topic(topic, value_deserializer="json"))
    frame = frame.apply(judge)
    frame = frame[frame["over"]]
    application.run(count=int(scans), timeout=5)
    (since, cpu), (until, cpu_end) = began[0], end[0]
    print(json.dumps({"scans": judged - 1, "seconds": until - since, "cpu_s": cpu_end - cpu}))


if __name__ == "__main__":
    main(*sys.argv[1:])
