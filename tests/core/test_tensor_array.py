"""Arrays with the methods of tensors."""

import numpy as np
import pytest

from fastrnn.core.tensor_array import TensorArray, TensorShape, tensor_array


def test_an_array_with_numpy_and_a_shape():
    array = np.arange(6.0).reshape(2, 3)
    tensor = tensor_array(array)
    assert tensor.shape == (2, 3) and tensor.shape.as_list() == [2, 3]
    assert tensor.get_shape().rank == tensor.shape.ndims == 2
    assert type(tensor.numpy()) is np.ndarray and np.shares_memory(tensor.numpy(), array)
    assert type(np.asarray(tensor)) is np.ndarray


@pytest.mark.parametrize(
    "function",
    [lambda x: x + 1, lambda x: 1 - x, np.tanh, lambda x: x.sum(), lambda x: x[0], lambda x: x.T],
)
def test_arithmetic_keeps_the_class(function):
    array = np.arange(6.0).reshape(2, 3)
    result = function(tensor_array(array))
    assert type(result) is TensorArray
    np.testing.assert_array_equal(result.numpy(), function(array))


def test_one_value():
    tensor = tensor_array(3.14159)
    assert f"{tensor:.2f}" == "3.14" and type(tensor.numpy()) is np.float64
    assert tensor.shape == () and float(tensor) == 3.14159


def test_a_shape_with_unknown_sizes():
    shape = TensorShape([None, 3])
    assert not shape.is_fully_defined() and shape.num_elements() is None
    assert TensorShape((2, 3)).num_elements() == 6 and TensorShape(()).num_elements() == 1
