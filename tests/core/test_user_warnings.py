"""Warnings about arguments: they point at the line that the user wrote."""

import warnings

import numpy as np
import pytest

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
