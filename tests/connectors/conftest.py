"""A reference store, and a reference to put there."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.store.references import ReferenceStore
from models.reference.reference import Reference, fit_reference
from tests.released import reactor_twin, released

AT = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
LATER = AT + timedelta(days=1)


@pytest.fixture(scope="session")
def reference() -> Reference:
    """A real reference, of few batches."""
    return fit_reference(reactor_twin(), released(5))


@pytest.fixture
def store(tmp_path: Path) -> ReferenceStore:
    """An empty store whose folder is not there yet."""
    return ReferenceStore(tmp_path / "refs")


def add(store: ReferenceStore, reference: Reference) -> str:
    """Store it; its id."""
    return store.add(reference, by="A. Smith", at=AT, source="train.csv").id


def trail(tmp_path: Path) -> list[dict[str, object]]:
    """Who did what, as the store has it on record."""
    return [json.loads(line) for line in (tmp_path / "refs" / "reactor" / "states.jsonl").read_text().splitlines()]
