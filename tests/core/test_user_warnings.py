"""Warnings about arguments: they point at the line that the user wrote."""

import warnings

import numpy as np
import pytest

import fastrnn
from fastrnn import layers, metrics, optimizers

MAKERS = {
    "an optimizer": lambda: optimizers.Adam(decay=0.1),
    "one that extends another": lambda: optimizers.AdamW(decay=0.1),
    "a layer": lambda: layers.Dense(2, input_shape=(3,)),
    "a recurrent layer": lambda: layers.LSTM(2, input_shape=(4, 3)),
    "an embedding": lambda: layers.Embedding(3, 2, input_length=4),
    "a metric": lambda: metrics.R2Score(num_regressors=5)(np.eye(2), np.eye(2)),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_the_line_is_that_of_the_user(maker):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        maker()
    assert [warning.filename for warning in caught] == [__file__]
    assert caught[0].lineno == maker.__code__.co_firstlineno


def test_the_line_of_an_import_is_that_of_the_user(tmp_path, monkeypatch):
    """A module that warns while it is loaded: the frames of the import are left out."""
    (tmp_path / "old_place.py").write_text(
        "__name__ = 'fastrnn.old_place'\n"
        "from fastrnn.core.user_warnings import deprecated\n"
        "deprecated('old', 'new')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(DeprecationWarning, match="`old` .* `new`") as caught:
        import old_place  # noqa: F401
    assert caught[0].filename == __file__


def test_a_device_that_is_not_there_is_named():
    with pytest.warns(UserWarning, match="'/gpu:0'") as told, fastrnn.device("/gpu:0"):
        pass
    assert told[0].filename == __file__
    with warnings.catch_warnings(record=True) as caught, fastrnn.device("CPU:0"):
        pass
    assert caught == []
