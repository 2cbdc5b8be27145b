"""The fused engine's products of matrices, every variant, against NumPy's in float64."""

import numpy as np
import pytest
from engine_checks import unaligned
from fused_settings import ISAS, SHARINGS, settings
from tolerance import assert_close

from fastrnn import config
from fastrnn.engines import dispatch
from fastrnn.engines.fused import engine as fused

# (rows, terms, columns): odd sizes, one of everything, several panels and passes over the terms.
SIZES = (
    (1, 1, 1),
    (2, 3, 7),
    (1, 130, 33),
    (7, 31, 64),
    (17, 1, 65),
    (64, 17, 130),
    (5, 513, 9),
    (130, 1100, 3),
    (300, 40, 260),
)
FORCED = tuple(dict.fromkeys((threads, min(shared, 1)) for threads, shared in SHARINGS))
rng = np.random.default_rng(17)


def matrices(rows, terms, columns, dtype, count=None, transposed=False):
    """a, b and a bias; transposed, a and b are views of their transposes."""
    lead = () if count is None else (count,)
    shapes = (*lead, rows, terms), (*lead, terms, columns)
    if transposed:
        shapes = tuple((*lead, *shape[::-1][:2]) for shape in shapes)
    a, b = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    if transposed:
        a, b = a.swapaxes(-1, -2), b.swapaxes(-1, -2)
    return a, b, rng.normal(size=columns).astype(dtype)


def expected_of(a, b, bias=0):
    return a.astype(np.float64) @ b.astype(np.float64) + bias


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_agrees_with_numpy_whatever_the_threads(size, isa, dtype, transposed):
    a, b, bias = matrices(*size, dtype, transposed=transposed)
    with settings(isa):
        alone = fused.matmul(a, b, bias)
        plain = fused.matmul(a, b)
    assert_close(alone, expected_of(a, b, bias), n_accumulated=size[1] + 1)
    assert_close(plain, expected_of(a, b), n_accumulated=size[1])
    for threads, force_parallel in FORCED:
        with settings(isa, threads, force_parallel):
            np.testing.assert_array_equal(fused.matmul(a, b, bias), alone)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("transposed", [False, True])
def test_several_matrices(count, transposed):
    a, b, bias = matrices(33, 20, 70, "float32", count, transposed)
    for threads, force_parallel in ((1, 0), *FORCED):
        with settings("auto", threads, force_parallel):
            product = fused.matmul(a, b, bias)
        for k in range(count):
            np.testing.assert_array_equal(product[k], fused.matmul(a[k], b[k], bias))


def test_a_row_is_the_same_bits_in_any_batch():
    a, b, bias = matrices(64, 100, 48, "float32")
    whole = fused.matmul(a, b, bias)
    for begin, end in ((0, 1), (3, 9), (63, 64)):
        np.testing.assert_array_equal(fused.matmul(a[begin:end], b, bias), whole[begin:end])


@pytest.mark.parametrize("isa", ISAS)
def test_whole_numbers_are_exact(isa):
    a, b = (np.round(3 * m).astype(np.float32) for m in matrices(40, 600, 50, "float32")[:2])
    with settings(isa):
        np.testing.assert_array_equal(fused.matmul(a, b), expected_of(a, b))


def test_any_layout_and_nothing_beside_it_is_read():
    a, b, bias = matrices(21, 19, 35, "float32")
    expected = fused.matmul(a, b, bias)
    around = np.full((44, 60), np.nan, np.float32)
    part = around[1:43:2, 3:22]
    part[...] = a
    backwards = np.ascontiguousarray(b[::-1, ::-1])[::-1, ::-1]
    for x in (part, unaligned(a), np.asfortranarray(a)):
        for y in (backwards, unaligned(b), np.asfortranarray(b)):
            np.testing.assert_array_equal(fused.matmul(x, y, bias), expected)
    assert np.isnan(around).sum() == around.size - a.size


def test_nan_stays_in_its_row():
    a, b, _ = matrices(9, 4, 20, "float32")
    a[5, 2] = np.nan
    product = fused.matmul(a, b)
    assert np.isnan(product[5]).all()
    assert np.isfinite(np.delete(product, 5, axis=0)).all()


@pytest.mark.parametrize(
    ("a", "b", "bias"),
    [
        (np.zeros((2, 3), np.float32), np.zeros((4, 5), np.float32), None),
        (np.zeros((2, 3), np.float32), np.zeros((3, 5), np.float64), None),
        (np.zeros((2, 3), np.int32), np.zeros((3, 5), np.int32), None),
        (np.zeros((2, 3), np.float32), np.zeros((3, 5), np.float32), np.zeros(4, np.float32)),
        (np.zeros((2, 3), np.float32), np.zeros((3, 5), np.float32), np.zeros(5)),
        (np.zeros((2, 2, 3), np.float32), np.zeros((3, 3, 5), np.float32), None),
        (np.zeros((2, 0), np.float32), np.zeros((0, 5), np.float32), None),
        (np.zeros(3, np.float32), np.zeros((3, 5), np.float32), None),
    ],
)
def test_refuses_what_does_not_fit(a, b, bias):
    with pytest.raises(ValueError, match=r"shape|dtype|bias"):
        fused.matmul(a, b, bias)


def test_the_door_takes_large_products_to_the_fused_engine(monkeypatch):
    taken = []
    matmul = fused.matmul
    monkeypatch.setattr(fused, "matmul", lambda *given: taken.append(1) or matmul(*given))
    a, b, bias = matrices(200, 64, 64, "float32")
    for x, y, z, large in ((a, b, bias, True), (a[:2], b, None, False), (a, b[:, :1], None, True)):
        taken.clear()
        product = dispatch.matmul(x, y, z)
        assert_close(product, expected_of(x, y, 0 if z is None else z), n_accumulated=65)
        assert bool(taken) == large
    taken.clear()
    config.set_engine("reference")
    try:
        dispatch.matmul(a, b, bias)
        dispatch.matmul(a.astype("float16"), b.astype("float16"))
    finally:
        config.set_engine("auto")
    assert not taken
