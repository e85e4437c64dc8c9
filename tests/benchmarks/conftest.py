"""The benchmark itself needs the group ``bench`` (``make bench-detection`` installs it); its arithmetic does not."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("process_improve") else ["contest.py", "detection.py", "uneven.py"]
