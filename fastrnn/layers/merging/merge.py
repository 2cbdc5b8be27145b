"""Merging entry by entry: Add, Multiply, Maximum and their like."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Unpack

import numpy as np

from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import CallContext, LayerOptions, Pullback, registry
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.merging.base import MultiInputLayer, broadcast, sum_to
from fastrnn.typing import Array, MaskLike, MultiMask, Shape

# Of each input: where it counts, with axes to broadcast to it, or True.
Masks = list[Array | bool]
Gradients = Callable[[Array], list[Array]]


class Merge(MultiInputLayer):
    """Joins inputs entry by entry. Shapes broadcast; missing axes are added behind the batch."""

    stepwise = True
    onnx_operator: ClassVar[str]
    onnx_is_binary = False

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return the shape that all inputs broadcast to."""
        self.check_count(input_shape)
        rank = max(map(len, input_shape))
        padded = [(*s[:1], *(1,) * (rank - len(s)), *s[1:]) for s in input_shape]
        return functools.reduce(broadcast, padded)

    def compute_mask(self, inputs: list[Array], mask: MultiMask = None) -> Any:
        """Return where any input counts; no mask if an input has none."""
        masks = self.masks_of(inputs, mask)
        if masks is None or any(m is None for m in masks):
            return None
        return np.logical_or.reduce([np.asarray(m, dtype=bool) for m in masks])

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator: one for all inputs, or one for each after the first."""
        ranks = [len(tensor.shape) for tensor in call.tensors]
        if len(set(ranks)) > 1:  # Keras puts the missing axes behind the batch, ONNX before it
            raise ValueError(not_in_onnx(self, f"inputs of the ranks {ranks}", "equal ranks"))
        if self.onnx_is_binary:
            pairs = functools.partial(graph.node, self.onnx_operator)
            return [functools.reduce(lambda a, b: pairs([a, b]), inputs)]
        return [graph.node(self.onnx_operator, inputs)]

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Gradients]:
        """Return the outputs for inputs of one rank, and the function d -> gradient of each."""
        raise NotImplementedError

    def forward(
        self, inputs: list[Array], context: CallContext, mask: MultiMask = None
    ) -> tuple[Array, Pullback | None]:
        """Join the inputs."""
        rank = max(x.ndim for x in inputs)
        alike = [x.reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]
        masks = [_mask_of(a, m) for a, m in zip(alike, mask or [None] * len(alike), strict=True)]
        outputs, gradients = self.merge(alike, masks)

        def pullback(d_outputs: Array) -> tuple[list[Array], list[Array]]:
            d_alike = zip(gradients(d_outputs), alike, inputs, strict=True)
            return [sum_to(d, a.shape).reshape(x.shape) for d, a, x in d_alike], []

        return outputs, pullback if context.gradient else None


@registry.register()
class Add(Merge):
    """The sum of the inputs.

    Args:
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: a list of arrays (batch, …). Outputs: the shape that they broadcast to.

    Raises:
        ValueError: the shapes do not broadcast. So it is with all layers here.

    >>> from fastrnn.layers import Add
    >>> Add()([np.ones((1, 2)), np.ones((1, 2))])
    array([[2., 2.]], dtype=float32)
    """

    onnx_operator = "Add"
    onnx_is_binary = True

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Gradients]:
        """Add up."""
        return functools.reduce(np.add, inputs), lambda d: [d for _ in inputs]


@registry.register()
class Subtract(Merge):
    """The first of two inputs less the second; see ``Add``."""

    onnx_operator = "Sub"
    onnx_is_binary = True
    least_inputs, most_inputs = 2, 2

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Gradients]:
        """Subtract."""
        return inputs[0] - inputs[1], lambda d: [d, -d]


@registry.register()
class Multiply(Merge):
    """The product of the inputs; see ``Add``.

    A masked step of an input counts as 1. Where all inputs are masked, the outputs are 0.
    """

    onnx_operator = "Mul"
    onnx_is_binary = True

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Gradients]:
        """Multiply."""
        factors = [
            x if m is True else np.where(m, x, x.dtype.type(1))
            for x, m in zip(inputs, masks, strict=True)
        ]
        counts = functools.reduce(np.logical_or, masks)

        def gradients(d: Array) -> list[Array]:
            others = [factors[:k] + factors[k + 1 :] for k in range(len(factors))]
            d = d * counts
            return [
                functools.reduce(np.multiply, rest, d) * m
                for rest, m in zip(others, masks, strict=True)
            ]

        return functools.reduce(np.multiply, factors) * counts, gradients


@registry.register()
class Average(Merge):
    """The mean of the inputs; see ``Add``."""

    onnx_operator = "Mean"

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Gradients]:
        """Average."""
        n = len(inputs)
        return functools.reduce(np.add, inputs) / n, lambda d: [d / n for _ in inputs]


class _Extremum(Merge):
    """The largest or smallest entries. Inputs that tie share the gradient pair by pair.

    Where one of a pair is masked, the other one is taken; where both are, the first.
    """

    choose: ClassVar[Any]

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Gradients]:
        """Choose entry by entry."""
        best, counts = inputs[0], masks[0]
        shares = []  # of the gradient: how much goes to the later one of a pair
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            chosen = type(self).choose(best, x)
            share = np.where(best == x, 0.5, x == chosen).astype(chosen.dtype)
            shares.append(np.where(mask, np.where(counts, share, 1), 0).astype(chosen.dtype))
            best = np.where(mask, np.where(counts, chosen, x), best)
            counts = np.logical_or(counts, mask)

        def gradients(d: Array) -> list[Array]:
            found = []
            for share in reversed(shares):
                found.append(d * share)
                d = d * (1 - share)
            return [d, *reversed(found)]

        return best, gradients


@registry.register()
class Maximum(_Extremum):
    """The largest of the inputs, entry by entry; see ``Add``."""

    onnx_operator = "Max"
    choose = np.maximum


@registry.register()
class Minimum(_Extremum):
    """The smallest of the inputs, entry by entry; see ``Add``."""

    onnx_operator = "Min"
    choose = np.minimum


def _mask_of(x: Array, mask: MaskLike) -> Array | bool:
    """``mask`` with an axis for the features of ``x``; or True without one that fits."""
    if mask is None or np.ndim(mask) != x.ndim - 1:
        return True
    return np.asarray(mask, dtype=bool)[..., None]


def add(inputs: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> Any:
    """Return ``Add(**kwargs)(inputs)``; so it is with the other functions here."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> Any:
    """Return ``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> Any:
    """Return ``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> Any:
    """Return ``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> Any:
    """Return ``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> Any:
    """Return ``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)
