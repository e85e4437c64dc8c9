"""A small culture recorded on disk: a twin, eight released batches, and three to replay, one with a fault."""

from pathlib import Path

import numpy as np
import pytest

TWIN = """
[twin]
name = "culture"
product = "mab-1"
cadence_s = 360

[tags.ph]
unit_of_measure = "pH"
low = 0
high = 14

[tags.oxygen]
unit_of_measure = "%"

[tags.feed]
unit_of_measure = "L/h"
role = "manipulated"

[cold_start]
learn_scans = 40

[kafka]
bootstrap_servers = "127.0.0.1:1"

[references]
store = "{folder}/refs"

[recovery]
folder = "{folder}/recovery"

[metrics]
port = 0
"""


def batch(name: str, seed: int, n: int, fault: float = 0.0) -> list[str]:
    """CSV rows of one batch; a fault lowers oxygen by so much from scan 100 on."""
    rng = np.random.default_rng(seed)
    age_h = np.arange(1, n + 1) / 10
    oxygen = 60 - age_h + rng.normal(0, 0.5, n) - fault * (np.arange(n) >= 100)
    ph = 7 + 0.1 * np.sin(age_h / 5) + rng.normal(0, 0.01, n)
    feed = 2 + (age_h > 8) + rng.normal(0, 0.02, n)
    rows = zip(age_h, ph, oxygen, feed, strict=True)
    return [f"{name},{age:.1f},{first:.4f},{second:.4f},{third:.4f}" for age, first, second, third in rows]


def write(path: Path, batches: list[list[str]]) -> Path:
    """A recording of these batches."""
    lines = ["batch,time_h,ph,oxygen,feed", *(row for rows in batches for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def culture(tmp_path: Path) -> Path:
    """The folder: twin.toml, train.csv, dev.csv."""
    (tmp_path / "twin.toml").write_text(TWIN.format(folder=tmp_path))
    write(tmp_path / "train.csv", [batch(f"G{k}", k, 150 + k) for k in range(8)])
    write(tmp_path / "dev.csv", [batch("T1", 11, 155), batch("T2", 12, 152), batch("F1", 13, 154, fault=25.0)])
    return tmp_path


@pytest.fixture
def twin_file(culture: Path) -> str:
    """The twin's file, as typed."""
    return str(culture / "twin.toml")
