"""The fused engine's step of Adam, every variant, against NumPy's: the same bits."""

import numpy as np
import pytest
from fused_settings import ISAS, settings

from fastrnn import config
from fastrnn.engines import dispatch, reference
from fastrnn.engines.fused import engine as fused

FACTORS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "alpha": 0.01}
rng = np.random.default_rng(5)


def arrays(shape, dtype, amsgrad):
    """value, gradient, m, v and v_hat."""
    value, gradient, m = (rng.normal(size=shape).astype(dtype) for _ in range(3))
    v, v_hat = (rng.random(shape).astype(dtype) for _ in range(2))
    return [value, gradient, m, v, v_hat if amsgrad else None]


def copies(given):
    return [None if a is None else a.copy() for a in given]


def assert_same_bits(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("shape", [(0,), (), (1,), (3, 7), (33,), (500, 301)], ids=str)
def test_the_same_bits_as_numpy(shape, isa, dtype, amsgrad):
    given = arrays(shape, dtype, amsgrad)
    expected = copies(given)
    reference.adam(*expected, **FACTORS)
    for threads in (1, 2, 3):
        actual = copies(given)
        with settings(isa, threads):
            fused.adam(*actual, **FACTORS)
        assert_same_bits(actual, expected)


def test_nan_and_infinity_propagate_as_numpys():
    given = arrays((40,), "float32", amsgrad=True)
    given[1][:4] = np.nan, np.inf, -np.inf, 0
    given[4][5] = np.nan
    expected = copies(given)
    with np.errstate(all="ignore"):
        reference.adam(*expected, **FACTORS)
    fused.adam(*given, **FACTORS)
    assert np.isnan(expected[0]).any()
    assert_same_bits(given, expected)


def test_gradients_of_any_layout_and_no_other_arrays():
    given = arrays((6, 5), "float32", amsgrad=False)
    expected = copies(given)
    reference.adam(*expected, **FACTORS)
    given[1] = np.asfortranarray(given[1])
    before = copies(given)
    for k, bad in ((0, given[0].T), (2, given[2].astype("float64")), (3, given[3][:, ::-1])):
        wrong = list(given)
        wrong[k] = bad
        with pytest.raises(ValueError, match=r"fit|contiguous"):
            fused.adam(*wrong, **FACTORS)
    frozen = copies(given)
    frozen[0].flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        fused.adam(*frozen, **FACTORS)
    assert_same_bits(given, before)
    fused.adam(*given, **FACTORS)
    assert_same_bits(given, expected)


def test_the_door_takes_every_dtype_and_the_engine_that_is_set(monkeypatch):
    taken = []
    adam = fused.adam
    monkeypatch.setattr(fused, "adam", lambda *a, **k: taken.append(1) or adam(*a, **k))
    for engine, dtype, expected in (("auto", "float32", 1), ("reference", "float32", 0),
                                    ("auto", "float16", 0)):  # fmt: skip
        taken.clear()
        given = arrays((9,), dtype, amsgrad=False)
        wanted = copies(given)
        reference.adam(*wanted, **FACTORS)
        config.set_engine(engine)
        try:
            dispatch.adam(*given, **FACTORS)
        finally:
            config.set_engine("auto")
        assert len(taken) == expected
        assert_same_bits(given, wanted)
