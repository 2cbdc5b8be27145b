"""EinsumDense: a dense layer whose product is any that an einsum equation describes."""

from __future__ import annotations

import collections
import math
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn import activations, initializers, regularizers
from fastrnn.core import errors
from fastrnn.core.options import Kind, OnlyNone, takes_options
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.merging.base import sum_to
from fastrnn.typing import (
    ActivationLike,
    Array,
    ConstraintLike,
    InitializerLike,
    MaskLike,
    RegularizerLike,
    Shape,
)


def _to_partial_shape(argument: str, value: Any) -> tuple[int | None, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


PartialShape = Annotated[
    Sequence[int | None] | int | None, Kind(_to_partial_shape, attribute="partial_output_shape")
]


@registry.register()
class EinsumDense(Layer):
    """activation(einsum(equation, inputs, kernel) + bias).

    Args:
        equation: ``"ab,bc->ac"``: the axes of the inputs, of the kernel and of the outputs; or, for
            inputs of any rank, with ``...`` in front of inputs and outputs, or behind them.
        output_shape: the lengths of the outputs' axes without the batch and what ``...`` stands
            for; ``None`` for those that are the inputs'.
        activation: see ``fastrnn.activations``; ``None`` is linear.
        bias_axes: the outputs' axes that the bias has, as a string such as ``"c"``, or ``None`` for
            no bias.
        kernel_initializer, bias_initializer: see ``fastrnn.initializers``.
        kernel_regularizer, bias_regularizer: see ``fastrnn.regularizers``.
        kernel_constraint, bias_constraint: see ``fastrnn.constraints``.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: accepted as ``None``
            only.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.

    Weights: kernel and bias, with the axes that the equation names.

    Raises:
        ValueError: the equation is none of these forms, or the shapes do not fit it.

    >>> from fastrnn.layers import EinsumDense
    >>> EinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="de")(np.zeros((3, 5, 6))).shape
    (3, 5, 2, 4)
    """

    min_input_rank = 1

    config_order = (*Layer.config_order, "output_shape", "equation")

    equation: str
    partial_output_shape: tuple[int | None, ...]
    activation: activations.Activation
    bias_axes: str | None
    kernel_initializer: Any

    kernel_regularizer: RegularizerLike
    kernel_constraint: ConstraintLike

    @takes_options
    def __init__(
        self,
        equation: str,
        output_shape: PartialShape,
        activation: ActivationLike = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        lora_rank: OnlyNone = None,
        lora_alpha: OnlyNone = None,
        gptq_unpacked_column_size: OnlyNone = None,
        quantization_config: OnlyNone = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self._terms = _parse(equation)
        unknown = set(bias_axes or "") - set(self._terms.outputs)
        if unknown:
            expected = f"axes of the outputs of {equation!r}"
            raise ValueError(errors.bad_argument("bias_axes", bias_axes, expected))
        self.kernel: Variable
        self.bias: Variable | None = None

    def make_weights(self, input_shape: Shape) -> None:
        """Make kernel and bias."""
        terms = self._terms.for_rank(len(input_shape))
        lengths = self._lengths(input_shape)
        if any(lengths[label] is None for label in terms.kernel):
            expected = f"fixed lengths of the axes {terms.kernel!r} of {self.equation!r}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        self.input_rank = len(input_shape)
        self.kernel = self.add_weight(
            [lengths[label] or 0 for label in terms.kernel],
            initializer=self._scaled_initializer(terms),
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.bias_axes is not None:
            self.bias = self.add_part("bias", self._bias_shape(terms, lengths))

    def _scaled_initializer(self, terms: Terms) -> Any:
        """Return the initializer, told which of the kernel's axes are inputs and outputs."""
        own = self.kernel_initializer
        if not isinstance(own, initializers.VarianceScaling):
            return own
        if own.input_axes is not None and own.output_axes is not None:
            return own
        axes: dict[str, list[int]] = {"input_axes": [], "output_axes": []}
        for axis, label in enumerate(terms.kernel):
            axes["output_axes" if label in terms.outputs else "input_axes"].append(axis)
        changes = {"seed": own.seed, **axes}
        return type(own).from_config({**own.get_config(), **changes})

    def _bias_shape(self, terms: Terms, lengths: dict[str, int | None]) -> list[int]:
        """Return the lengths of the bias' axes, and 1 between and behind them."""
        first = min(terms.outputs.index(label) for label in self.bias_axes or "")
        shape = [lengths[k] if k in (self.bias_axes or "") else 1 for k in terms.outputs[first:]]
        if None in shape:
            expected = f"fixed lengths of the bias' axes {self.bias_axes!r}"
            raise ValueError(
                errors.bad_argument("output_shape", self.partial_output_shape, expected)
            )
        return [n or 0 for n in shape]

    def _lengths(self, input_shape: Shape) -> dict[str, int | None]:
        """Return the length of each axis by its label, or raise ``ValueError``."""
        terms = self._terms.for_rank(len(input_shape))
        lengths = dict(zip(terms.inputs, input_shape, strict=True))
        labels = [label for label in terms.outputs if label not in terms.elided]
        wanted = labels if labels[:1] != list(terms.inputs[:1]) else labels[1:]
        if len(wanted) != len(self.partial_output_shape):
            expected = f"the lengths of the axes {''.join(wanted)!r} of {self.equation!r}"
            raise ValueError(
                errors.bad_argument("output_shape", self.partial_output_shape, expected)
            )
        for label, length in zip(wanted, self.partial_output_shape, strict=True):
            known = lengths.get(label)
            if None not in (known, length) and known != length:
                expected = f"length {length} of the axis {label!r} of {self.equation!r}"
                raise ValueError(errors.bad_shape("inputs", input_shape, expected))
            lengths[label] = length if known is None else known
        return lengths

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the lengths of the outputs' axes."""
        lengths = self._lengths(tuple(input_shape))
        return tuple(lengths[label] for label in self._terms.for_rank(len(input_shape)).outputs)

    def check_inputs(self, inputs: Array) -> None:
        """Raise ``ValueError`` if the inputs do not fit the kernel."""
        super().check_inputs(inputs)
        terms = self._terms.for_rank(inputs.ndim)
        kernel = dict(zip(terms.kernel, self.kernel.shape, strict=True))
        for label, length in zip(terms.inputs, inputs.shape, strict=True):
            if kernel.get(label, length) != length:
                expected = f"length {kernel[label]} of the axis {label!r} of {self.equation!r}"
                raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Compute the product."""
        t = self._terms.for_rank(inputs.ndim)
        kernel = self.kernel.value
        pre = _product(t.inputs, inputs, t.kernel, kernel, t.outputs)
        if self.bias is not None:
            pre = pre + self.bias.value
        outputs = self.activation(pre)

        def pullback(d_outputs: Array) -> tuple[Array | None, list[Array]]:
            d = self.activation.vjp(pre, outputs, d_outputs)
            d_kernel = _product(t.inputs, inputs, t.outputs, d, t.kernel)
            d_weights = self.gradients_of((self.kernel, d_kernel), (self.bias, self._d_bias(d)))
            if not context.input_gradient:
                return None, d_weights
            return _product(t.outputs, d, t.kernel, kernel, t.inputs), d_weights

        return outputs, pullback if context.gradient else None

    def _d_bias(self, d: Array) -> Array | None:
        if self.bias is None:
            return None
        shape = self.bias.shape
        return sum_to(d, (1,) * (d.ndim - len(shape)) + shape).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        penalty = regularizers.serialize(self.activity_regularizer)
        return {**super().get_config(), "activity_regularizer": penalty}


@dataclass(frozen=True)
class Terms:
    """The labels of an equation.

    Attributes:
        inputs, kernel, outputs: one letter for each axis.
        side: where ``...`` stands: ``"left"``, ``"right"``, or ``""`` for nowhere.
        elided: the labels that stand for it, once the rank is known.
    """

    inputs: str
    kernel: str
    outputs: str
    side: str
    elided: str = ""

    def for_rank(self, rank: int) -> Terms:
        """Return the terms for inputs of this rank, with labels in the place of ``...``."""
        missing = rank - len(self.inputs)
        if missing < 0 or (missing and not self.side):
            expected = f"rank {len(self.inputs)}{' or more' if self.side else ''}"
            raise ValueError(errors.bad_argument("inputs", f"rank {rank}", expected))
        used = {*self.inputs, *self.kernel, *self.outputs}
        free = "".join(k for k in string.ascii_letters if k not in used)[:missing]
        left, right = (free, "") if self.side == "left" else ("", free)
        return Terms(left + self.inputs + right, self.kernel, left + self.outputs + right, "", free)


_FORMS = {
    "": r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)",
    "left": r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)",
    "right": r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.",
}


def _parse(equation: Any) -> Terms:
    for side, form in _FORMS.items():
        match = re.fullmatch(form, equation) if isinstance(equation, str) else None
        if match is None:
            continue
        terms = match.groups()
        counts = collections.Counter(label for term in terms for label in set(term))
        if min(counts.values()) > 1 and all(len(set(term)) == len(term) for term in terms):
            return Terms(terms[0], terms[1], terms[2], side)
    expected = (
        "'X,Y->Z', '...X,Y->...Z' or 'X...,Y->Z...', every axis once in a term and in two terms "
        "at least"
    )
    raise ValueError(errors.bad_argument("equation", equation, expected))


def _product(a_labels: str, a: Array, b_labels: str, b: Array, labels: str) -> Array:
    """Return ``np.einsum(f"{a_labels},{b_labels}->{labels}", a, b)`` as products of matrices."""
    both = [label for label in a_labels if label in b_labels]
    count = "".join(label for label in both if label in labels)
    terms = "".join(label for label in both if label not in labels)
    rows = "".join(label for label in a_labels if label not in both)
    columns = "".join(label for label in b_labels if label not in both)
    lengths = dict(zip(a_labels + b_labels, a.shape + b.shape, strict=True))

    def matrices(array: Array, own: str, *groups: str) -> Array:
        order = [own.index(label) for group in groups for label in group]
        sizes = [math.prod(lengths[label] for label in group) for group in groups]
        return array.transpose(order).reshape(sizes)

    product = matmul(
        matrices(a, a_labels, count, rows, terms), matrices(b, b_labels, count, terms, columns)
    )
    found = count + rows + columns
    product = product.reshape([lengths[label] for label in found])
    return np.ascontiguousarray(product.transpose([found.index(label) for label in labels]))
