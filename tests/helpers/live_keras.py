"""Runs the same layer or model in fastrnn and in live Keras on the torch backend."""

import pytest

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

if keras.backend.backend() != "torch":
    raise RuntimeError("These tests need KERAS_BACKEND=torch: gradients come from torch.")


def to_numpy(value):
    return value.detach().cpu().numpy()


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def differentiate(layer, inputs, d_outputs, training=False, **options):
    """Return outputs, gradients of the inputs and of the trainable weights, from Keras and torch.

    ``inputs`` are arrays: the layer's input, then its initial states.
    """
    tensors = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in inputs]
    if len(tensors) > 1:
        options["initial_state"] = tensors[1:]
    for variable in layer.trainable_weights:
        variable.value.grad = None
    outputs = as_list(layer(tensors[0], training=training, **options))
    total = sum((y * torch.tensor(d)).sum() for y, d in zip(outputs, d_outputs, strict=True))
    if total.requires_grad:
        total.backward()
    d_inputs = [None if t.grad is None else to_numpy(t.grad) for t in tensors]
    d_weights = [to_numpy(v.value.grad) for v in layer.trainable_weights]
    return [to_numpy(y) for y in outputs], d_inputs, d_weights
