"""Loops shared by two threads: every scan once, the same bits, and no error lost."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays.pieces import PIECE, in_pieces
from models.arrays.products import add_products, product

RNG = np.random.default_rng(9)
LIMIT_S = 10.0


@given(scans=st.integers(0, 20 * PIECE))
@settings(max_examples=50, deadline=None)
def test_every_scan_is_done_exactly_once(scans: int) -> None:
    done = np.zeros(scans, dtype=int)

    def loop(rows: slice) -> None:
        done[rows] += 1

    in_pieces(loop, scans)
    assert (done == 1).all()


def test_a_long_block_has_the_bits_of_one_thread() -> None:
    features, weights = RNG.normal(size=(10 * PIECE + 3, 40)), RNG.normal(size=(40, 16))
    alone = np.zeros((len(features), 16))
    add_products(features, weights, alone)
    assert product(features, weights).tobytes() == alone.tobytes()


def test_two_threads_take_part_once_both_are_free() -> None:
    meet, met = threading.Barrier(2), set()

    def loop(rows: slice) -> None:
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            meet.wait(LIMIT_S)

    in_pieces(loop, 10 * PIECE)
    assert len(met) == 2


@pytest.mark.parametrize("other", [True, False])
def test_what_fails_in_either_thread_is_raised(other: bool) -> None:
    own, meet = threading.get_ident(), threading.Barrier(2)

    def loop(rows: slice) -> None:
        if rows.start < 2 * PIECE:
            meet.wait(LIMIT_S)  # each thread has one of the first two pieces
        if (threading.get_ident() != own) is other:
            raise FloatingPointError("a piece failed")

    with pytest.raises(FloatingPointError, match="a piece failed"):
        in_pieces(loop, 10 * PIECE)
