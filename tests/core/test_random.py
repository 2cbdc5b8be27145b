"""The masks that dropout and zoneout draw."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastrnn.core import random
from fastrnn.layers.regularization.dropout import dropout_factors


@pytest.mark.parametrize("rate", [2e-5, 1e-4, 0.003, 0.1, 1 / 3, 0.5, 0.9, 0.999, 1 - 2e-5])
def test_a_mask_has_its_rate(rate):
    size = 1_000_003
    dropped = size - np.count_nonzero(random.keep_mask(np.random.default_rng(1), (size,), rate))
    # Five standard deviations of a binomial, and what rounding to 16 bits may add.
    spread = 5 * np.sqrt(size * rate * (1 - rate)) + size * 0.008 * min(rate, 1 - rate)
    assert abs(dropped - size * rate) < spread
    assert 0 < dropped < size


@pytest.mark.parametrize(("rate", "kept"), [(0.0, True), (1.0, False), (1e-18, True)])
def test_nothing_and_everything_is_dropped(rate, kept):
    mask = random.keep_mask(np.random.default_rng(2), (100, 1000), rate)
    assert (mask == kept).all()


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 0, 4), (7, 1, 3)])
def test_a_mask_has_its_shape(shape):
    mask = random.keep_mask(np.random.default_rng(3), shape, 0.5)
    assert (mask.shape, mask.dtype) == (shape, np.bool_)


def test_a_seed_says_the_mask():
    # The bits of the generator's 64-bit numbers, lowest first, on any machine.
    numbers = np.random.default_rng(5).bit_generator.random_raw(3).tolist()
    expected = [(n >> shift & 0xFFFF) >= 0.25 * 2**16 for n in numbers for shift in (0, 16, 32, 48)]
    generator = np.random.default_rng(5)
    assert random.keep_mask(generator, (2, 5), 0.25).ravel().tolist() == expected[:10]
    assert (
        generator.bit_generator.random_raw()
        == np.random.default_rng(5).bit_generator.random_raw(4)[3]
    )


def test_neighbours_are_independent():
    mask = random.keep_mask(np.random.default_rng(6), (250_000, 4), 0.5)
    correlation = np.corrcoef(mask, rowvar=False) - np.eye(4)
    assert np.abs(correlation).max() < 0.01


def test_threads_share_a_generator():
    """No number is drawn twice, whichever thread is first."""
    generator, alone = np.random.default_rng(7), np.random.default_rng(7)
    with ThreadPoolExecutor(4) as pool:
        masks = list(pool.map(lambda _: random.keep_mask(generator, (4096,), 0.5), range(64)))
    expected = [random.keep_mask(alone, (4096,), 0.5) for _ in range(64)]
    assert sorted(m.tobytes() for m in masks) == sorted(m.tobytes() for m in expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.0, 1e-4, 0.2, 1.0])
def test_what_dropout_keeps_is_scaled(rate, dtype):
    factors = dropout_factors(np.random.default_rng(8), (100, 100), rate, dtype)
    assert factors.dtype == dtype
    kept = np.asarray(0 if rate == 1 else 1 / (1 - rate), dtype)
    assert set(np.unique(factors)) <= {np.zeros((), dtype)[()], kept[()]}
