"""Some benchmarks need the groups ``bench`` or ``quix`` (their make targets install them); arithmetic does not."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("process_improve") else ["contest.py", "detection.py", "uneven.py"]
collect_ignore += [] if find_spec("quixstreams") else ["quix_peer.py"]
