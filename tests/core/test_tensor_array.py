"""Arrays with the methods of tensors."""

import numpy as np
import pytest

from fastrnn.core.tensor_array import TensorArray, TensorShape, tensor_array


def test_an_array_with_numpy_and_a_shape():
    array = np.arange(6.0).reshape(2, 3)
    tensor = tensor_array(array)
    assert tensor.shape == (2, 3) and tensor.shape.as_list() == [2, 3]
    tensor.set_shape([None, 3])
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


def test_entries_have_numpy_too():
    tensor = tensor_array([[1, 2], [3, 4]])
    assert tensor[-1, 0].numpy() == 3 and "abcd"[tensor[0, 1]] == "c"
    assert [row[0].numpy() for row in tensor] == [1, 3]
    assert [entry.numpy() for entry in tensor[1]] == [3, 4]
    assert set(tensor[0]) == {1, 2} and tensor[0, 0] > 0
    with pytest.raises(TypeError, match="unhashable"):
        hash(tensor)


@pytest.mark.parametrize("dtype", [object, None])
def test_text_is_given_as_bytes(dtype):
    tensor = tensor_array(np.array(["é", "b"], dtype))
    assert tensor.numpy().tolist() == ["é".encode(), b"b"]
    assert tensor[0].numpy().decode() == "é" and tensor.tolist() == ["é", "b"]
    assert [text.numpy() for text in tensor] == ["é".encode(), b"b"]


def test_a_shape_with_unknown_sizes():
    shape = TensorShape([None, 3])
    assert not shape.is_fully_defined() and shape.num_elements() is None
    assert TensorShape((2, 3)).num_elements() == 6 and TensorShape(()).num_elements() == 1
